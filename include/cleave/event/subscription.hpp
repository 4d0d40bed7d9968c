// SPDX-License-Identifier: BSL-1.0
// The handle of one subscription to an event bus.
#pragma once

#include <utility>

namespace cleave {

class subscription;

namespace detail {
struct bus_handler;
void end_subscription(bus_handler* handler) noexcept; // src/event/event_bus.cpp
subscription make_subscription(bus_handler* handler) noexcept;
} // namespace detail

// Ends the subscription when destroyed: afterwards the handler runs on no other thread and never runs again, and it has been
// destroyed (by the outermost publish that still runs it, if it ended its own subscription). A thread that would have to wait
// for itself does not wait: a handler that ends its own subscription, or handlers on several threads that end each other's.
// Do not end a subscription while holding a lock that its handler takes. A handle may outlive its bus; then it does nothing.
class [[nodiscard]] subscription {
public:
  subscription() noexcept = default;
  subscription(subscription&& other) noexcept : handler_(std::exchange(other.handler_, nullptr)) {}
  subscription& operator=(subscription&& other) noexcept {
    if (this != &other) {
      reset();
      handler_ = std::exchange(other.handler_, nullptr);
    }
    return *this;
  }
  ~subscription() { reset(); }

  explicit operator bool() const noexcept { return handler_ != nullptr; }
  // Ends it now. Any thread, also inside handlers; one object must not be used by two threads at once.
  void reset() noexcept {
    if (handler_ != nullptr) detail::end_subscription(std::exchange(handler_, nullptr));
  }

private:
  friend subscription detail::make_subscription(detail::bus_handler*) noexcept;
  explicit subscription(detail::bus_handler* handler) noexcept : handler_(handler) {}

  detail::bus_handler* handler_ = nullptr;
};

} // namespace cleave
