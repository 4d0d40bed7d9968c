// SPDX-License-Identifier: BSL-1.0
#pragma once

namespace cleave {

template <class... Qs> struct query_set;
template <class... Answerers> class query_bus;
struct at_least;
struct query_context;
struct projector_options;
struct dead_letter;
struct dead_letter_range;
struct projection_status;
class projection_progress;
struct partition;
struct async_wait_options;
class async_waits;
class log_start;
struct follow_options;
template <class Consumer, class Store> class log_follower;
struct query_cache_stats;
template <class Answer> struct live_answer;

} // namespace cleave
