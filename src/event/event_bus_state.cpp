// SPDX-License-Identifier: BSL-1.0
// The subscriptions of an event bus: its lists of handlers, and when a handler and a list that nobody walks any more may go.
#include "event_bus_state.hpp"

#include <cleave/base/process_barrier.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <new>
#include <thread>
#include <utility>

namespace cleave::detail {

namespace {

// An entry whose call does not belong to a handler: it does its work and goes on.
template <bus_barrier Barrier> bus_step call_nothing(bus_entry const* entry, void const*, envelope const&,
                                                     bus_entry const*& word) {
  return step_to<Barrier>(word, entry + 1);
}

template <bus_barrier Barrier> bus_step call_hook(bus_entry const* entry, void const*, envelope const&,
                                                  bus_entry const*& word) {
  std::unique_lock lock(bus_mutex);
  bus_object* const gone = static_cast<bus_state*>(entry->context)->collect();
  lock.unlock();
  destroy_all(gone);
  return step_to<Barrier>(word, entry + 1);
}

handler_call* nothing() noexcept {
  return has_process_barrier() ? &call_nothing<bus_barrier::process> : &call_nothing<bus_barrier::own>;
}
handler_call* hook() noexcept {
  return has_process_barrier() ? &call_hook<bus_barrier::process> : &call_hook<bus_barrier::own>;
}

constinit bus_entry const empty_list{nullptr, nullptr};

} // namespace

bus_handler_list::bus_handler_list(bus_state* bus, std::vector<bus_handler*> of_handlers)
    : handlers(std::move(of_handlers)), entries(new bus_entry[size()]{}) {
  for (std::size_t i = 0; i < handlers.size(); ++i) {
    entries[i].call.store(handlers[i]->call, std::memory_order_relaxed);
    entries[i].context = handlers[i]->object;
  }
  entries[handlers.size()].context = bus; // the hook, not armed
}

void bus_handler_list::arm_hook() const noexcept {
  entries[handlers.size()].call.store(hook(), std::memory_order_release);
}

bool bus_handler_list::contains(bus_entry const* at) const noexcept {
  std::less<> const before;
  return !before(at, entries.get()) && before(at, entries.get() + size());
}

bool bus_handler_list::is_walked() const noexcept {
  return any_publisher([this](bus_publisher const& thread) {
    return thread.announces([this](bus_entry const* at) { return contains(at); });
  });
}

void destroy_all(bus_object* first) noexcept {
  while (first != nullptr) {
    bus_object* const gone = first;
    first = first->next;
    gone->destroy(gone);
  }
}

void bus_state::grow_for(std::uint32_t channel) {
  while ((std::size_t{1} << tables.size()) <= channel) {
    std::size_t const size = std::size_t{2} << tables.size();
    auto table = std::unique_ptr<bus_list[]>(new bus_list[size]);
    for (std::size_t i = 0; i < size; ++i) {
      bool const known = i < lists.size() && lists[i] != nullptr;
      table[i].store(known ? lists[i]->entries.get() : &empty_list, std::memory_order_relaxed);
    }
    lists.resize(size);
    tables.push_back(std::move(table));
    bus->lists_.store(tables.back().get(), std::memory_order_release);
  }
}

// A publisher may still hold an older table; therefore every table is kept, and kept up to date.
void bus_state::replace(std::uint32_t channel, bus_handler_list* list) noexcept {
  list->older = std::exchange(lists[channel], list);
  ++unfenced;
  for (std::size_t i = 0; i < tables.size(); ++i) {
    if (channel < (std::size_t{2} << i))
      tables[i][channel].store(list->entries.get(), std::memory_order_seq_cst);
  }
}

std::vector<bus_handler*> bus_state::handlers_of(std::uint32_t channel) const {
  std::vector<bus_handler*> found;
  if (lists[channel] == nullptr) return found;
  found.reserve(lists[channel]->handlers.size() + 1);
  for (bus_handler* h : lists[channel]->handlers) {
    if (h != nullptr && !h->ended) found.push_back(h);
  }
  return found;
}

void bus_state::add(bus_handler* handler) {
  auto handlers = handlers_of(handler->channel);
  handlers.push_back(handler);
  replace(handler->channel, new bus_handler_list(this, std::move(handlers)));
}

// Afterwards no walk that begins meets the handler, and where a walk that has begun comes to it, nothing is called.
void bus_state::remove(bus_handler& handler) noexcept {
  handler.ended = true;
  any_entry(handler, [](bus_handler_list& list, std::size_t i) {
    list.entries[i].call.store(nothing(), std::memory_order_seq_cst);
    return false;
  });
  ++unfenced;
  try {
    replace(handler.channel, new bus_handler_list(this, handlers_of(handler.channel)));
  } catch (std::bad_alloc const&) {
    return; // The list stays as it is, with an entry that does nothing, until a later change.
  }
  // A walk that passes over an entry just when collect() looks keeps the handler. It has to come to the hook afterwards, so hooks
  // are armed before the barrier that comes before the look.
  arm_hooks(handler);
}

void bus_state::fence() noexcept {
  if (unfenced != 0 && has_process_barrier()) process_barrier();
  unfenced = 0;
}

template <class F> bool bus_state::any_entry(bus_handler const& handler, F condition) const noexcept {
  for (bus_handler_list* list = lists[handler.channel]; list != nullptr; list = list->older) {
    for (std::size_t i = 0; i < list->handlers.size(); ++i) {
      if (list->handlers[i] == &handler && condition(*list, i)) return true;
    }
  }
  return false;
}

bool bus_state::runs(bus_publisher const& thread, bus_handler const& handler) const noexcept {
  return thread.announces([&](bus_entry const* at) {
    return any_entry(handler,
                     [at](bus_handler_list const& list, std::size_t i) { return at == &list.entries[i]; });
  });
}

namespace {

// Whether the thread waits, itself or by way of others, for a handler that `me` is running. Nobody starts a wait that closes
// such a circle, so there is none to go round in.
bool waits_for(bus_publisher const& thread, bus_publisher const& me) noexcept {
  bus_handler const* const wanted = thread.waiting_for;
  if (wanted == nullptr) return false;
  if (wanted->bus->runs(me, *wanted)) return true;
  for (bus_publisher const* other = bus_publishers; other != nullptr; other = other->next) {
    if (other != &thread && wanted->bus->runs(*other, *wanted) && waits_for(*other, me)) return true;
  }
  return false;
}

} // namespace

bool bus_state::must_wait_for(bus_handler const& handler) const noexcept {
  bool runs_elsewhere = false;
  for (bus_publisher const* thread = bus_publishers; thread != nullptr; thread = thread->next) {
    if (thread == this_publisher || !runs(*thread, handler)) continue;
    if (this_publisher != nullptr && waits_for(*thread, *this_publisher)) return false;
    runs_elsewhere = true;
  }
  return runs_elsewhere;
}

// Publishers tell nobody that they have left an entry (it is what makes them fast), so this asks, ever more rarely.
void bus_state::wait_for(bus_handler const& handler, std::unique_lock<std::mutex>& lock) const noexcept {
  constexpr auto longest_pause = std::chrono::microseconds(1'000);
  for (int round = 0; must_wait_for(handler); ++round) {
    if (this_publisher != nullptr) this_publisher->waiting_for = &handler;
    lock.unlock();
    if (round < 50) std::this_thread::yield();
    else std::this_thread::sleep_for(std::min(longest_pause, std::chrono::microseconds(round)));
    lock.lock();
  }
  if (this_publisher != nullptr) this_publisher->waiting_for = nullptr;
}

void bus_state::delete_older_lists() noexcept {
  for (bus_handler_list* current : lists) {
    if (current == nullptr) continue;
    for (bus_handler_list** at = &current->older; *at != nullptr;) {
      if ((*at)->is_walked()) at = &(*at)->older;
      else delete std::exchange(*at, (*at)->older);
    }
  }
}

// Takes out what nobody uses any more: older lists, and handlers that have ended. The objects of these are returned, to be
// destroyed without the bus_mutex.
bus_object* bus_state::collect() noexcept {
  fence();
  delete_older_lists();
  bus_object* gone = nullptr;
  for (bus_handler** at = &parting; *at != nullptr;) {
    bus_handler* const handler = *at;
    if (any_publisher([&](bus_publisher const& thread) { return runs(thread, *handler); })) {
      at = &handler->next;
      continue;
    }
    *at = handler->next;
    handler->object->next = std::exchange(gone, handler->object);
    any_entry(*handler, [](bus_handler_list& list, std::size_t i) {
      list.handlers[i] = nullptr;
      return false;
    });
    delete handler;
  }
  for (bus_handler const* kept = parting; kept != nullptr; kept = kept->next) arm_hooks(*kept);
  return gone;
}

// The publishes that keep the handler from being destroyed look again when they are done.
void bus_state::arm_hooks(bus_handler const& handler) const noexcept {
  any_entry(handler, [](bus_handler_list& list, std::size_t) {
    list.arm_hook();
    return false;
  });
}

} // namespace cleave::detail
