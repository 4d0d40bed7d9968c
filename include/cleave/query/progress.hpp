// SPDX-License-Identifier: BSL-1.0
// How far a projection is, and the waiting for it.
#pragma once

#include <cleave/base/error.hpp>
#include <cleave/base/result.hpp>
#include <cleave/event/commit_signal.hpp>
#include <cleave/event/position.hpp>
#include <cleave/query/consistency.hpp>
#include <cleave/query/touch.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cleave {

// One projection as seen from outside.
struct projection_status {
  std::string name;
  position checkpoint;     // it reflects every event up to here
  std::string failure;     // why it stopped; empty while it works
  std::size_t waiting = 0; // queries that wait for it at the moment
  // How far it is behind the log: events of the log behind its checkpoint, also those that it does not follow; and how long ago the
  // first of them was stored, in microseconds, by the clock of the application's options. 0 and 0 when it is up to date.
  std::uint64_t behind_events = 0;
  std::int64_t behind_us = 0;
  std::uint64_t dead_letters = 0; // that wait
};

// What an advance brings to the query caches.
enum class changes : std::uint8_t {
  unknown, // somebody else has applied events: no answer is kept
  noted,   // each event that was applied has been told by note()
};

// Every function may be called from any thread.
class projection_progress {
public:
  explicit projection_progress(std::string_view name);
  projection_progress(projection_progress const&) = delete;
  projection_progress& operator=(projection_progress const&) = delete;
  ~projection_progress();

  std::string_view name() const noexcept { return name_; }
  position reached() const noexcept { return reached_.last(); }
  // Never moves backwards. Wakes who waits for it. The model shows everything up to `to` by then.
  void advance(position to, changes what = changes::unknown) noexcept {
    if (what == changes::unknown && caches_ != nullptr && to > reached()) forget_answers();
    reached_.publish(to);
  }
  // The same at less cost, for who takes turns by a lock of its own; never beside advance() of one object.
  void advance_in_turn(position to, changes what = changes::unknown) noexcept {
    if (what == changes::unknown && caches_ != nullptr && to > reached()) forget_answers();
    if (reached_.raise(to)) reached_.tell(to);
  }
  // Whether anybody hears of what note() says.
  bool notes() const noexcept { return caches_ != nullptr; }
  // The projection applies this event: what it touches is no answer any more. At any time before the advance to its position.
  template <class P, class E, class At> [[gnu::always_inline]] void note(P const& projection, E const& event,
                                                                         At const& at) {
    if (caches_ == nullptr) [[likely]]
      return;
    if constexpr (detail::names_touched<P, E>) note_in_caches<P, E>(projection, event, at);
    else note_in_caches(P::name, at);
  }
  void touch(cache_key key, position at) noexcept {
    for (detail::cache_link* to = caches_; to != nullptr; to = to->next) to->touch(to->cache, key, at);
  }
  // No answer is kept. Behind the commit of what has changed.
  void forget_answers() noexcept {
    for (detail::cache_link* to = caches_; to != nullptr; to = to->next) to->rewritten(to->cache);
  }
  // The model has changed otherwise than by its next events: a parked event was applied, another version put in its place. No answer is
  // kept, and live queries ask again at once. Behind the commit of the change.
  void rewritten() noexcept;
  // How often it was.
  std::uint64_t rewrites() const noexcept;
  // Signals each advance, and is interrupted by a failure, and when the model was rewritten.
  commit_signal& advances() noexcept { return reached_; }
  // A cache with answers of this projection; before anything else is done with this object. The link must outlive it.
  void add_cache(detail::cache_link& link) noexcept {
    link.next = caches_;
    caches_ = &link;
  }
  // The projection has stopped for good. The first failure stays. Wakes everyone.
  void fail(error why);
  // Another version has taken the place of the one that stopped.
  void revive() noexcept;
  bool failed() const noexcept;
  projection_status status() const;

  // Returns when the wanted position is reached; errc::stale after the timeout; the failure, as the cause of an errc::stale, as
  // soon as there is one and the position cannot be reached any more.
  result<void> wait(at_least wanted);
  // Ends all waits with errc::stale, now and from now on, and returns when none is under way. For shutdown: who waited does not
  // touch this object any more.
  void close() noexcept;

private:
  struct state;

  void note_in_caches(std::string_view projection, envelope const& at);
  template <class P, class E>
  [[gnu::noinline]] void note_in_caches(P const& projection, E const& event, envelope const& at) {
    detail::for_each_touch(projection, event, at, [&](cache_key key) { touch(key, at.position); });
  }

  std::string name_;
  commit_signal reached_;
  detail::cache_link* caches_ = nullptr;
  state* state_;
};

} // namespace cleave
