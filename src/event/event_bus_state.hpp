// SPDX-License-Identifier: BSL-1.0
// What an event bus knows of its subscriptions. Everything under bus_mutex, but for what publishes read without it.
#pragma once

#include <cleave/event/event_bus.hpp>

#include "event_bus_publisher.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace cleave::detail {

struct bus_handler {
  bus_state* bus; // nullptr: the bus is gone, and the object with it
  std::uint32_t channel;
  handler_call* call;
  bus_object* object;
  bool ended = false;
  bus_handler* next = nullptr; // in bus_state::parting

  bus_handler(bus_state* of_bus, std::uint32_t of_channel, handler_call* its_call,
              bus_object* its_object) noexcept
      : bus(of_bus), channel(of_channel), call(its_call), object(its_object) {}
};

// One immutable list of handlers. Behind the last entry stands the hook, which is the end too until it is armed: when a handler
// could not be destroyed because it is running, so that the publish that runs it destroys it after its walk.
struct bus_handler_list {
  std::vector<bus_handler*> handlers; // by entry; nullptr once the handler is gone
  std::unique_ptr<bus_entry[]> entries;
  bus_handler_list* older = nullptr; // replaced by this one, and perhaps still being walked

  bus_handler_list(bus_state* bus, std::vector<bus_handler*> of_handlers);
  std::size_t size() const noexcept { return handlers.size() + 2; }
  void arm_hook() const noexcept;
  bool contains(bus_entry const* at) const noexcept;
  bool is_walked() const noexcept; // whether a publish is at one of the entries
};

struct bus_state {
  event_bus* bus;
  bus_state* next;
  std::vector<bus_handler_list*> lists{}; // by channel: the current one, older ones behind; nullptr: none
  std::vector<std::unique_ptr<bus_list[]>> tables{}; // all that lists_ ever was, of 2, 4, 8, ... channels
  std::size_t unfenced = 0;                          // changes since the last process barrier
  bus_handler* parting = nullptr;                    // ended, but not destroyed yet

  ~bus_state() {
    for (bus_handler_list* list : lists) {
      while (list != nullptr) delete std::exchange(list, list->older);
    }
  }

  void grow_for(std::uint32_t channel);
  void replace(std::uint32_t channel, bus_handler_list* list) noexcept;
  std::vector<bus_handler*> handlers_of(std::uint32_t channel) const;
  void add(bus_handler* handler);
  void remove(bus_handler& handler) noexcept;
  void fence() noexcept;

  template <class F> bool any_entry(bus_handler const& handler, F condition) const noexcept;
  bool runs(bus_publisher const& thread, bus_handler const& handler) const noexcept;
  bool must_wait_for(bus_handler const& handler) const noexcept;
  void wait_for(bus_handler const& handler, std::unique_lock<std::mutex>& lock) const noexcept;

  void delete_older_lists() noexcept;
  bus_object* collect() noexcept;
  void arm_hooks(bus_handler const& handler) const noexcept;
};

// Destroys the handlers' objects; without bus_mutex, because it runs code of the application.
void destroy_all(bus_object* first) noexcept;

} // namespace cleave::detail
