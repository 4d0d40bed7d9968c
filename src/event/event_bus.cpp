// SPDX-License-Identifier: BSL-1.0
// What the event bus does rarely: coming and going, of buses and of subscriptions.
#include <cleave/base/process_barrier.hpp>
#include <cleave/config.hpp>
#include <cleave/event/append.hpp>
#include <cleave/event/event_bus.hpp>

#include "event_bus_state.hpp"

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>

namespace cleave {

namespace detail {

namespace {

constinit bus_state* buses = nullptr;
constinit std::uint32_t channels = 0; // numbers given out; 0 itself stays free

} // namespace

void end_subscription(bus_handler* handler) noexcept {
  std::unique_lock lock(bus_mutex);
  bus_state* const bus = handler->bus;
  if (bus == nullptr) {
    delete handler;
    return;
  }
  bus->remove(*handler);
  bus->fence();
  bus->wait_for(*handler, lock);
  handler->next = std::exchange(bus->parting, handler);
  bus_object* const gone = bus->collect();
  lock.unlock();
  destroy_all(gone);
}

subscription make_subscription(bus_handler* handler) noexcept { return subscription(handler); }

} // namespace detail

event_bus::event_bus() {
  auto made = std::make_unique<detail::bus_state>(this, nullptr);
  std::lock_guard lock(detail::bus_mutex);
  made->grow_for(std::max<std::uint32_t>(detail::channels,
                                         1)); // also without any subscription there is the empty list 0
  made->next = detail::buses;
  state_ = detail::buses = made.release();
}

event_bus::~event_bus() {
  detail::bus_object* gone = nullptr;
  {
    std::lock_guard lock(detail::bus_mutex);
    for (detail::bus_handler_list const* list : state_->lists) {
      for (; list != nullptr; list = list->older) {
        CLEAVE_ASSERT(!list->is_walked(), "an event_bus is destroyed while it publishes");
      }
    }
    detail::bus_state** at = &detail::buses;
    while (*at != state_) at = &(*at)->next;
    *at = state_->next;
    for (detail::bus_handler_list const* list : state_->lists) {
      if (list == nullptr) continue;
      for (detail::bus_handler* h : list->handlers) {
        if (h == nullptr || h->ended) continue;
        h->object->next = std::exchange(gone, h->object);
        h->bus = nullptr;
      }
    }
    while (state_->parting != nullptr) {
      detail::bus_handler* const h = std::exchange(state_->parting, state_->parting->next);
      h->object->next = std::exchange(gone, h->object);
      delete h;
    }
  }
  delete state_;
  detail::destroy_all(gone);
}

void event_bus::publish(append_request const& request, appended const& done) noexcept {
  for (stream_append const& part : request.streams) {
    for (new_event const& event : part.events) {
      if (event.type->channel->load(std::memory_order_acquire) != 0) return publish_heard(request, done);
    }
  }
  // Nobody has ever subscribed to such events, on any bus.
}

void event_bus::publish_heard(append_request const& request, appended const& done) noexcept {
  std::uint64_t events = 0;
  for (stream_append const& part : request.streams) events += part.events.size();
  std::uint64_t at = done.position.value() - events;
  for (stream_append const& part : request.streams) {
    bool const last = &part == &request.streams.back();
    std::uint64_t version = last ? done.version.value() - part.events.size()
                                 : part.expected.expected().value();
    for (new_event const& event : part.events) {
      if (event.type->channel->load(std::memory_order_acquire) == 0) {
        ++at, ++version;
        continue;
      }
      publish_any(*event.type->channel, event.object,
                  envelope{.position = position(++at),
                           .stream = part.stream,
                           .version = cleave::version(++version),
                           .name = event.name,
                           .id = event.id,
                           .recorded_at = done.recorded_at,
                           .tags = event.tags,
                           .metadata = event.metadata},
                  event.type->text);
    }
  }
}

subscription event_bus::add(std::atomic<std::uint32_t>& channel, detail::bus_object* object,
                            detail::handler_call* with_process_barrier,
                            detail::handler_call* with_own_barrier) try {
  detail::handler_call* const call = detail::has_process_barrier() ? with_process_barrier : with_own_barrier;
  auto handler = std::make_unique<detail::bus_handler>(state_, 0U, call, object);
  std::unique_lock lock(detail::bus_mutex);
  if (channel.load(std::memory_order_relaxed) == 0) {
    std::uint32_t const number = detail::channels + 1;
    for (detail::bus_state* b = detail::buses; b != nullptr; b = b->next) b->grow_for(number);
    detail::channels = number;
    channel.store(number, std::memory_order_release);
  }
  handler->channel = channel.load(std::memory_order_relaxed);
  state_->add(handler.get());
  // Lists that were replaced are few and small; a process barrier for each would cost more than they do.
  detail::bus_object* const gone = state_->unfenced >= 16 ? state_->collect() : nullptr;
  lock.unlock();
  detail::destroy_all(gone);
  return detail::make_subscription(handler.release());
} catch (...) {
  object->destroy(object);
  throw;
}

} // namespace cleave
