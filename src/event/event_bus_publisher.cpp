// SPDX-License-Identifier: BSL-1.0
// Publishing on an event bus where the inline path does not do: in handlers, on a thread's first publish and at its end, and on
// systems without a process barrier. And telling of handlers that failed.
#include "event_bus_publisher.hpp"

#include <cleave/base/process_barrier.hpp>

#include "event_bus_state.hpp"

#include <utility>

namespace cleave::detail {

constinit std::mutex bus_mutex;
constinit bus_publisher* bus_publishers = nullptr;
constinit thread_local bus_publisher* this_publisher = nullptr;

namespace {

constinit thread_local bool this_thread_is_ending = false;

constinit bus_entry const not_announced{nullptr, nullptr};

// A thread is known by one publisher from its first publish to its end; if it publishes later still, in destructors of other
// objects of the thread, by one for each of these publishes.
struct publisher_of_thread {
  bus_publisher known;
  publisher_of_thread() noexcept {
    if (has_process_barrier()) announcement(walking).store(nullptr, std::memory_order_relaxed);
  }
  publisher_of_thread(publisher_of_thread const&) = delete;
  publisher_of_thread& operator=(publisher_of_thread const&) = delete;
  ~publisher_of_thread() {
    announcement(walking).store(&not_announced, std::memory_order_relaxed);
    this_thread_is_ending = true;
  }
};

} // namespace

bus_publisher::bus_publisher() noexcept : outermost(&walking) {
  std::lock_guard lock(bus_mutex);
  next = std::exchange(bus_publishers, this);
  this_publisher = this;
}

bus_publisher::~bus_publisher() {
  std::lock_guard lock(bus_mutex);
  bus_publisher** at = &bus_publishers;
  while (*at != this) at = &(*at)->next;
  *at = next;
  this_publisher = nullptr;
}

constinit thread_local bus_entry const* walking = &not_announced;

namespace {

template <class MakeFailure> void report(bus_state& bus, MakeFailure make_failure) noexcept {
  if (this_publisher->reporting) return;
  this_publisher->reporting = true;
  try {
    bus.bus->publish(make_failure());
  } catch (...) {
    this_publisher->reporting = false; // No memory for the text; the failure is counted all the same.
    return;
  }
  this_publisher->reporting = false;
}

// Makes sure that this thread is known while it publishes.
template <class Publish> std::size_t as_known(Publish publish) {
  if (this_publisher != nullptr) return publish();
  if (this_thread_is_ending) {
    bus_publisher const for_this_publish;
    return publish();
  }
  static thread_local publisher_of_thread const from_now_on;
  return publish();
}

// How many publishes of this thread are under way.
std::size_t depth_now() noexcept {
  return this_publisher->depth + (walking != nullptr && walking != &not_announced ? 1 : 0);
}

} // namespace

handler_failure current_failure(std::string_view event) {
  return {current_exception_error(format_text("a handler of {}", event)), event};
}

} // namespace cleave::detail

namespace cleave {

std::size_t event_bus::publish_unusual(std::atomic<std::uint32_t> const& number, void const* event,
                                       envelope const& at, std::string_view type) noexcept {
  return detail::as_known([&] {
    auto& publisher = *detail::this_publisher;
    std::size_t const depth = detail::depth_now();
    if (depth >= nesting_max + (publisher.reporting ? 1 : 0)) {
      detail::report(*state_, [&] {
        return handler_failure{make_error(errc::limit_exceeded,
                                          "an event {} was published in handlers {} deep and not delivered, "
                                          "at most {} are allowed",
                                          type, depth + 1, nesting_max),
                               type};
      });
      return std::size_t{1};
    }
    detail::bus_entry const*& word = publisher.inner[publisher.depth++];
    detail::bus_list const& list = list_of(number);
    std::size_t const failed = detail::has_process_barrier()
                                   ? walk<detail::bus_barrier::process>(word, list, event, at, type)
                                   : walk<detail::bus_barrier::own>(word, list, event, at, type);
    --publisher.depth;
    return failed;
  });
}

void event_bus::report_failure(std::string_view type) noexcept {
  detail::report(*state_, [&] { return detail::current_failure(type); });
}

} // namespace cleave
