// SPDX-License-Identifier: BSL-1.0
// The parts of the asynchronous bus that are compiled once: its threads, and what a thread is doing on behalf of such a bus.
#pragma once

#include <cleave/event/async_options.hpp>

#include <cstddef>
#include <string_view>

namespace cleave::detail {

// The threads of one bus.
class consumer_threads {
public:
  using body = void(void* bus, std::size_t consumer) noexcept;
  consumer_threads() noexcept = default;
  consumer_threads(consumer_threads const&) = delete;
  consumer_threads& operator=(consumer_threads const&) = delete;
  ~consumer_threads(); // they must have been joined
  // May throw std::bad_alloc and std::system_error; those that were started by then run until they are joined.
  void start(std::size_t count, void* bus, body* run);
  void join() noexcept; // any thread but theirs; several may
  bool includes_this_thread() const noexcept;

private:
  struct state;
  state* state_ = nullptr;
};

// While it lives, this thread is in a handler of some asynchronous bus.
class in_async_handler {
public:
  in_async_handler() noexcept;
  in_async_handler(in_async_handler const&) = delete;
  in_async_handler& operator=(in_async_handler const&) = delete;
  ~in_async_handler();
  static bool now() noexcept;
};

// Publishes the exception that is being handled as a handler_failure, if anybody wants to hear it. Call it only inside a catch block.
void report_async_failure(event_bus* failures, std::string_view type) noexcept;

} // namespace cleave::detail
