// SPDX-License-Identifier: BSL-1.0
// What the event bus does rarely: subscribing, ending subscriptions, handing memory back, nested publishes. Its data is behind
// one mutex of the process, which is never held while code of the application runs.
#include <cleave/config.hpp>
#include <cleave/event/event_bus.hpp>

#include "event_bus_barrier.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <thread>
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

namespace {

constinit std::mutex mutex;
constinit struct publisher* publishers = nullptr;
constinit bus_state* buses = nullptr;
constinit std::uint32_t channels = 0; // numbers given out; 0 itself stays free

constinit thread_local publisher* this_publisher = nullptr;
constinit thread_local bool this_thread_is_ending = false;

void call_nothing(void*, void const*, envelope const&) {}

constinit bus_entry const not_announced{nullptr, nullptr, true};
constinit bus_entry const empty_list{&call_nothing, nullptr, true};

// A thread that publishes, as the others see it.
struct publisher {
  bus_entry const** outermost; // its `walking`
  // The entries that its nested publishes are at, or all its publishes where there is no process barrier; nullptr from `depth`
  // on. One more than may nest, for the report that they nest too deep.
  std::array<std::atomic<bus_entry const*>, event_bus::nesting_max + 1> inner{};
  std::size_t depth = 0;                    // for the thread itself
  bool reporting = false;                   // for the thread itself: it delivers a handler_failure
  bus_handler const* waiting_for = nullptr; // in end_subscription
  publisher* next = nullptr;

  publisher() noexcept : outermost(&walking) {
    std::lock_guard lock(mutex);
    next = std::exchange(publishers, this);
    this_publisher = this;
  }
  publisher(publisher const&) = delete;
  publisher& operator=(publisher const&) = delete;
  ~publisher() {
    std::lock_guard lock(mutex);
    publisher** at = &publishers;
    while (*at != this) at = &(*at)->next;
    *at = next;
    this_publisher = nullptr;
  }

  // Whether one of the entries that it announces fulfils the condition. Announcements are taken back innermost first, so
  // nothing that has to be seen stands behind an empty word.
  template <class F> bool announces(F condition) const noexcept {
    bus_entry const* const first = announcement(*outermost).load(std::memory_order_seq_cst);
    if (first != nullptr && condition(first)) return true;
    for (auto const& word : inner) {
      bus_entry const* const at = word.load(std::memory_order_seq_cst);
      if (at == nullptr) return false;
      if (condition(at)) return true;
    }
    return false;
  }
};

// A thread is known by one publisher from its first publish to its end; if it publishes later still, in destructors of other
// objects of the thread, by one for each of these publishes.
struct publisher_of_thread {
  publisher known;
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

void call_hook(void* bus, void const*, envelope const&);

// One immutable list of handlers. Behind the last entry stands the hook: it is armed, by moving the end behind it, when a
// handler could not be destroyed because it is running, so that the publish that runs it destroys it after its walk.
struct handler_list {
  std::vector<bus_handler*> handlers; // by entry; nullptr once the handler is gone
  std::unique_ptr<bus_entry[]> entries;
  handler_list* older = nullptr; // replaced by this one, and perhaps still being walked

  handler_list(bus_state* bus, std::vector<bus_handler*> of_handlers)
      : handlers(std::move(of_handlers)), entries(new bus_entry[size()]{}) {
    entries[0].call.store(&call_nothing, std::memory_order_relaxed);
    for (std::size_t i = 0; i < handlers.size(); ++i) {
      entries[i].call.store(handlers[i]->call, std::memory_order_relaxed);
      entries[i].context = handlers[i]->object;
    }
    bus_entry& hook = entries[size() - 1];
    hook.call.store(&call_hook, std::memory_order_relaxed);
    hook.context = bus;
    hook.last.store(true, std::memory_order_relaxed);
    entries[size() - 2].last.store(true, std::memory_order_relaxed);
  }
  std::size_t size() const noexcept { return std::max<std::size_t>(handlers.size(), 1) + 1; }
  void arm_hook() const noexcept { entries[size() - 2].last.store(false, std::memory_order_relaxed); }
  bool contains(bus_entry const* at) const noexcept {
    std::less<> const before;
    return !before(at, entries.get()) && before(at, entries.get() + size());
  }
};

template <class F> bool any_publisher(F condition) noexcept {
  for (publisher const* thread = publishers; thread != nullptr; thread = thread->next) {
    if (condition(*thread)) return true;
  }
  return false;
}

// Whether a publish is at an entry of the list.
bool is_walked(handler_list const& list) noexcept {
  return any_publisher([&](publisher const& thread) {
    return thread.announces([&](bus_entry const* at) { return list.contains(at); });
  });
}

// The same for a list that has been replaced: a publish that is entering may have read where it is.
bool may_be_walked(handler_list const& older) noexcept {
  return any_publisher([&](publisher const& thread) {
    return thread.announces([&](bus_entry const* at) { return at == entering() || older.contains(at); });
  });
}

void destroy_all(bus_object* first) noexcept {
  while (first != nullptr) {
    bus_object* const gone = first;
    first = first->next;
    gone->destroy(gone);
  }
}

} // namespace

struct bus_state {
  event_bus* bus;
  bus_state* next;
  std::vector<handler_list*> lists{}; // by channel: the current one, older ones behind; nullptr: none
  std::vector<std::unique_ptr<bus_list[]>> tables{}; // all that lists_ ever was, of 2, 4, 8, ... channels
  std::size_t unfenced = 0;                          // changes since the last process barrier
  bus_handler* parting = nullptr;                    // ended, but not destroyed yet

  ~bus_state() {
    for (handler_list* list : lists) {
      while (list != nullptr) delete std::exchange(list, list->older);
    }
  }

  void grow_for(std::uint32_t channel);
  void replace(std::uint32_t channel, handler_list* list) noexcept;
  std::vector<bus_handler*> handlers_of(std::uint32_t channel) const;
  void add(bus_handler* handler);
  void remove(bus_handler& handler) noexcept;
  void fence() noexcept;

  template <class F> bool any_entry(bus_handler const& handler, F condition) const noexcept;
  bool runs(publisher const& thread, bus_handler const& handler) const noexcept;
  bool must_wait_for(bus_handler const& handler) const noexcept;
  void wait_for(bus_handler const& handler, std::unique_lock<std::mutex>& lock) const noexcept;

  void delete_older_lists() noexcept;
  bus_object* collect() noexcept;
  void arm_hooks() const noexcept;
};

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
void bus_state::replace(std::uint32_t channel, handler_list* list) noexcept {
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
  replace(handler->channel, new handler_list(this, std::move(handlers)));
}

// Afterwards no walk that begins meets the handler, and where a walk that has begun comes to it, nothing is called.
void bus_state::remove(bus_handler& handler) noexcept {
  handler.ended = true;
  any_entry(handler, [](handler_list& list, std::size_t i) {
    list.entries[i].call.store(&call_nothing, std::memory_order_seq_cst);
    return false;
  });
  ++unfenced;
  try {
    replace(handler.channel, new handler_list(this, handlers_of(handler.channel)));
  } catch (std::bad_alloc const&) {
    return; // The list stays as it is, with an entry that does nothing, until a later change.
  }
}

void bus_state::fence() noexcept {
  if (unfenced != 0 && has_process_barrier()) process_barrier();
  unfenced = 0;
}

template <class F> bool bus_state::any_entry(bus_handler const& handler, F condition) const noexcept {
  for (handler_list* list = lists[handler.channel]; list != nullptr; list = list->older) {
    for (std::size_t i = 0; i < list->handlers.size(); ++i) {
      if (list->handlers[i] == &handler && condition(*list, i)) return true;
    }
  }
  return false;
}

bool bus_state::runs(publisher const& thread, bus_handler const& handler) const noexcept {
  return thread.announces([&](bus_entry const* at) {
    return any_entry(handler,
                     [at](handler_list const& list, std::size_t i) { return at == &list.entries[i]; });
  });
}

namespace {

// Whether the thread waits, itself or by way of others, for a handler that `me` is running. Nobody starts a wait that closes
// such a circle, so there is none to go round in.
bool waits_for(publisher const& thread, publisher const& me) noexcept {
  bus_handler const* const wanted = thread.waiting_for;
  if (wanted == nullptr) return false;
  if (wanted->bus->runs(me, *wanted)) return true;
  for (publisher const* other = publishers; other != nullptr; other = other->next) {
    if (other != &thread && wanted->bus->runs(*other, *wanted) && waits_for(*other, me)) return true;
  }
  return false;
}

} // namespace

bool bus_state::must_wait_for(bus_handler const& handler) const noexcept {
  bool runs_elsewhere = false;
  for (publisher const* thread = publishers; thread != nullptr; thread = thread->next) {
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
  for (handler_list* current : lists) {
    if (current == nullptr) continue;
    for (handler_list** at = &current->older; *at != nullptr;) {
      if (may_be_walked(**at)) at = &(*at)->older;
      else delete std::exchange(*at, (*at)->older);
    }
  }
}

// Takes out what nobody uses any more: older lists, and handlers that have ended. The objects of these are returned, to be
// destroyed without the mutex.
bus_object* bus_state::collect() noexcept {
  fence();
  delete_older_lists();
  bus_object* gone = nullptr;
  for (bus_handler** at = &parting; *at != nullptr;) {
    bus_handler* const handler = *at;
    if (any_publisher([&](publisher const& thread) { return runs(thread, *handler); })) {
      at = &handler->next;
      continue;
    }
    *at = handler->next;
    handler->object->next = std::exchange(gone, handler->object);
    any_entry(*handler, [](handler_list& list, std::size_t i) {
      list.handlers[i] = nullptr;
      return false;
    });
    delete handler;
  }
  arm_hooks();
  return gone;
}

// The publishes that keep a handler from being destroyed look again when they are done.
void bus_state::arm_hooks() const noexcept {
  for (bus_handler const* handler = parting; handler != nullptr; handler = handler->next) {
    any_entry(*handler, [](handler_list& list, std::size_t) {
      list.arm_hook();
      return false;
    });
  }
}

namespace {

void call_hook(void* bus, void const*, envelope const&) {
  std::unique_lock lock(mutex);
  bus_object* const gone = static_cast<bus_state*>(bus)->collect();
  lock.unlock();
  destroy_all(gone);
}

} // namespace

void end_subscription(bus_handler* handler) noexcept {
  std::unique_lock lock(mutex);
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
    publisher const for_this_publish;
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

event_bus::event_bus() {
  auto made = std::make_unique<detail::bus_state>(this, nullptr);
  std::lock_guard lock(detail::mutex);
  made->grow_for(std::max<std::uint32_t>(detail::channels,
                                         1)); // also without any subscription there is the empty list 0
  made->next = detail::buses;
  state_ = detail::buses = made.release();
}

event_bus::~event_bus() {
  detail::bus_object* gone = nullptr;
  {
    std::lock_guard lock(detail::mutex);
    for (detail::handler_list const* list : state_->lists) {
      for (; list != nullptr; list = list->older) {
        CLEAVE_ASSERT(!detail::is_walked(*list), "an event_bus is destroyed while it publishes");
      }
    }
    detail::bus_state** at = &detail::buses;
    while (*at != state_) at = &(*at)->next;
    *at = state_->next;
    for (detail::handler_list const* list : state_->lists) {
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

subscription event_bus::add(std::atomic<std::uint32_t>& channel, detail::bus_object* object,
                            detail::handler_call* call) try {
  auto handler = std::make_unique<detail::bus_handler>(state_, 0U, call, object);
  std::unique_lock lock(detail::mutex);
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

void event_bus::report_failure(std::string_view type) noexcept {
  detail::report(*state_, [&] { return detail::current_failure(type); });
}

} // namespace cleave
