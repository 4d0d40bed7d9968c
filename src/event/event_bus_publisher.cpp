// SPDX-License-Identifier: BSL-1.0
// Publishing on an event bus where the inline path does not do: in handlers, on a thread's first publish and at its end, and on
// systems without a process barrier. And telling of handlers that failed.
#include "event_bus_publisher.hpp"

#include "event_bus_barrier.hpp"
#include "event_bus_state.hpp"

#include <utility>

namespace cleave::detail {

constinit std::mutex bus_mutex;
constinit bus_publisher* bus_publishers = nullptr;
constinit thread_local bus_publisher* this_publisher = nullptr;

namespace {

constinit thread_local bool this_thread_is_ending = false;

constinit bus_entry const not_announced{nullptr, nullptr, true};

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

template <bool Asymmetric> void announce(std::atomic<bus_entry const*>& word,
                                         bus_entry const* entry) noexcept {
  if constexpr (Asymmetric) {
    word.store(entry, std::memory_order_release);
    std::atomic_signal_fence(std::memory_order_seq_cst);
  } else {
    word.store(entry, std::memory_order_seq_cst);
  }
}

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

template <bool Asymmetric>
std::size_t walk(bus_state& bus, bus_list& list, void const* event, envelope const& at,
                 std::string_view type) noexcept {
  auto& word = this_publisher->inner[this_publisher->depth++];
  bus_entry const* entry = list.load(std::memory_order_acquire);
  for (;;) {
    announce<Asymmetric>(word, entry);
    bus_entry const* const again = list.load(std::memory_order_seq_cst);
    if (again == entry) break;
    entry = again;
  }
  std::size_t failed = 0;
  for (;;) {
    try {
      entry->call.load(std::memory_order_seq_cst)(entry->context, event, at);
    } catch (...) {
      ++failed;
      report(bus, [&] { return current_failure(type); });
    }
    if (entry->last.load(std::memory_order_relaxed)) break;
    announce<Asymmetric>(word, ++entry);
  }
  word.store(nullptr, std::memory_order_release);
  --this_publisher->depth;
  return failed;
}

std::size_t publish_known(bus_state& bus, bus_list& list, void const* event, envelope const& at,
                          std::string_view type) noexcept {
  bus_entry const* const outermost = walking;
  std::size_t const depth = this_publisher->depth +
                            (outermost != nullptr && outermost != &not_announced ? 1 : 0);
  if (depth >= event_bus::nesting_max + (this_publisher->reporting ? 1 : 0)) {
    report(bus, [&] {
      return handler_failure{
          make_error(
              errc::limit_exceeded,
              "an event {} was published in handlers {} deep and not delivered, at most {} are allowed", type,
              depth + 1, event_bus::nesting_max),
          type};
    });
    return 1;
  }
  return has_process_barrier() ? walk<true>(bus, list, event, at, type)
                               : walk<false>(bus, list, event, at, type);
}

} // namespace

std::size_t publish_unusual(bus_state& bus, bus_list& list, void const* event, envelope const& at,
                            std::string_view type) noexcept {
  if (this_publisher != nullptr) return publish_known(bus, list, event, at, type);
  if (this_thread_is_ending) {
    bus_publisher const for_this_publish;
    return publish_known(bus, list, event, at, type);
  }
  static thread_local publisher_of_thread const from_now_on;
  return publish_known(bus, list, event, at, type);
}

handler_failure current_failure(std::string_view event) {
  return {current_exception_error(format_text("a handler of {}", event)), event};
}

} // namespace cleave::detail

namespace cleave {

void event_bus::report_failure(std::string_view type) noexcept {
  detail::report(*state_, [&] { return detail::current_failure(type); });
}

} // namespace cleave
