// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>

namespace cleave {

class position;
class version;
class stream_name;
class expectation;
struct header;
struct metadata;
struct envelope;
struct event_type;
struct recorded_event;
struct new_event;
struct query_item;
struct event_query;
struct append_request;
struct appended;
struct command_outcome;
struct stream_range;
struct log_range;
enum class durability : std::uint8_t;
enum class direction : std::uint8_t;
enum class producers : std::uint8_t;
template <class... Es> struct event_set;
template <class T> struct codec;
class commit_signal;
class event_bus;
template <class E, producers P> class async_event_bus;
class subscription;
class any_event_store;
struct trace_context;

} // namespace cleave
