// SPDX-License-Identifier: BSL-1.0
#pragma once

namespace cleave {

template <class... Layers> class middleware_chain;
struct validation;
template <class Rules> struct authorisation;
template <class Observer> struct logging;
struct deadline;
struct idempotency;
struct rate_limit;
struct retry_on_conflict;
struct tracing;

} // namespace cleave
