// SPDX-License-Identifier: BSL-1.0
// Which places of the ring (ring.hpp) each of many producers gets.
//
// All claims are counted in one word. A producer claims by compare-exchange of it, which costs more than all the rest of
// publishing together, and far more when others do the same. So a producer that has claimed many times with nobody in between, or
// has met another one, becomes the owner of the word: it sets a bit there with its claim, names itself in `owner_`, and from then
// on claims by plain loads and stores. The others wait for a turn.
//
//  - An owner that claims hands over to the producer that has asked for it in `wanted_by_`. Who waits asks only after a moment, so
//    that an owner gets many events through for each time the word moves from core to core.
//  - An owner that makes no use of its right is stopped, as biased locks are revoked (Russell, Detlefs: "Eliminating
//    synchronization-related atomic operations with biased locking and bulk rebiasing", 2006): who waits takes its name away
//    and makes every thread of the process pass a barrier. Before each claim the owner says that it is `claiming` and then
//    looks whether it is the owner still; either it sees that it is not, or who stops it sees that it is claiming, and waits. Then
//    nobody becomes the owner for a while, as here producers come by turns that are too short to be worth it.
//  - Where the process has no such barrier, nobody becomes the owner.
//
// The bit says that there is an owner, or is just about to be or to have been one. Only who sets the bit writes its name, over
// `nobody`; only the owner and who stops it take the name away, and then the bit. Names are passed on with release and acquire, as
// they are addresses.
#pragma once

#include <cleave/event/async_options.hpp>
#include <cleave/event/detail/ring_machine.hpp>
#include <cleave/event/detail/ring_sleepers.hpp>

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace cleave::detail {

template <class Machine> class ring_claims {
  template <class T> using atomic = typename Machine::template atomic<T>;
  using producer = typename Machine::producer;
  static constexpr std::uint64_t closed_bit = std::uint64_t{1} << 63;
  static constexpr std::uint64_t owned_bit = std::uint64_t{1} << 62;
  static constexpr std::uintptr_t nobody = 0;
  static constexpr std::uintptr_t being_stopped = 1; // no address of a producer

public:
  explicit ring_claims(bool asymmetric) : asymmetric_(asymmetric) {}

  std::uint64_t count() const noexcept {
    return claimed_.load(std::memory_order_relaxed) & ~(closed_bit | owned_bit);
  }
  bool is_closed() const noexcept { return (claimed_.load(std::memory_order_relaxed) & closed_bit) != 0; }

  // Claims the next `n` places, from `first` on. find_room() says how many events there may be at present.
  template <class FindRoom>
  publish_outcome claim(std::size_t n, std::uint64_t& first, FindRoom find_room) noexcept {
    producer* const me = asymmetric_ ? Machine::this_producer() : nullptr;
    if (me != nullptr && owner_.load(std::memory_order_relaxed) == name_of(*me)) [[likely]] {
      if (claim_as_owner(*me, n, first, find_room)) [[likely]]
        return publish_outcome::taken;
    }
    return claim_among_others(me, n, first, find_room);
  }

  // No claim succeeds afterwards. Returns how many places were claimed. Idempotent.
  std::uint64_t close() noexcept {
    std::uint64_t seen = claimed_.load(std::memory_order_relaxed);
    for (;;) {
      if ((seen & owned_bit) != 0) {
        stop_owner();
        seen = claimed_.load(std::memory_order_relaxed);
      } else if (claimed_.compare_exchange_weak(seen, seen | closed_bit, std::memory_order_relaxed,
                                                std::memory_order_relaxed)) {
        return seen & ~closed_bit;
      }
    }
  }

private:
  static std::uintptr_t name_of(producer const& p) noexcept { return std::bit_cast<std::uintptr_t>(&p); }

  template <class FindRoom> bool has_room(std::uint64_t until, FindRoom& find_room) noexcept {
    if (until <= room_.load(std::memory_order_acquire)) [[likely]]
      return true;
    std::uint64_t const room = find_room();
    if (until > room) return false;
    room_.store(room, std::memory_order_release);
    return true;
  }

  // False: it is not the owner, or any more.
  template <class FindRoom>
  bool claim_as_owner(producer& me, std::size_t n, std::uint64_t& first, FindRoom& find_room) noexcept {
    me.claiming.store(true, std::memory_order_relaxed);
    Machine::compiler_barrier();
    bool claimed = false;
    if (owner_.load(std::memory_order_acquire) == name_of(me)) [[likely]] {
      std::uint64_t const seen = claimed_.load(std::memory_order_relaxed);
      first = seen & ~owned_bit;
      bool const room = has_room(first + n, find_room);
      claimed = room && wanted_by_.load(std::memory_order_relaxed) == nobody;
      if (claimed) [[likely]]
        claimed_.store(seen + n, std::memory_order_relaxed);
      else hand_over(me, room, seen);
    }
    me.claiming.store(false, std::memory_order_release);
    return claimed;
  }
  // By the owner, while it is claiming: to the one that has asked, or to nobody.
  [[gnu::noinline]] void hand_over(producer const& me, bool to_another, std::uint64_t seen) noexcept {
    std::uintptr_t const to = to_another ? wanted_by_.exchange(nobody, std::memory_order_acquire) : nobody;
    std::uintptr_t from = name_of(me);
    if (owner_.compare_exchange_strong(from, to, std::memory_order_release, std::memory_order_relaxed) &&
        to == nobody) {
      claimed_.store(seen & ~owned_bit, std::memory_order_relaxed);
    }
  }

  template <class FindRoom>
  [[gnu::noinline]] publish_outcome claim_among_others(producer* me, std::size_t n, std::uint64_t& first,
                                                       FindRoom& find_room) noexcept {
    bool others = false;
    std::uint64_t seen = claimed_.load(std::memory_order_relaxed);
    for (;;) {
      if ((seen & closed_bit) != 0) return publish_outcome::closed;
      if ((seen & owned_bit) != 0) {
        if (wait_for_turn(me, seen) && claim_as_owner(*me, n, first, find_room))
          return publish_outcome::taken;
        others = true;
        seen = claimed_.load(std::memory_order_relaxed);
        continue;
      }
      if (!has_room(seen + n, find_room)) return publish_outcome::full;
      bool const own = me != nullptr && (is_alone(*me) || others) &&
                       seen >= shared_until_.load(std::memory_order_relaxed);
      if (claimed_.compare_exchange_weak(seen, (seen + n) | (own ? owned_bit : 0), std::memory_order_relaxed,
                                         std::memory_order_relaxed)) {
        first = seen;
        if (own) become_owner(*me);
        return publish_outcome::taken;
      }
      others = true;
    }
  }
  // By who has set the bit. The last owner's name may be about to be taken away.
  void become_owner(producer const& me) noexcept {
    short_wait<Machine> wait;
    for (std::uintptr_t last = nobody; !owner_.compare_exchange_weak(
             last, name_of(me), std::memory_order_release, std::memory_order_relaxed);
         last = nobody) {
      wait.pause();
    }
  }
  // Whether this producer has claimed many times with nobody in between.
  bool is_alone(producer const& me) noexcept {
    bool const again = last_.load(std::memory_order_relaxed) == name_of(me);
    std::uint32_t const times = again ? times_.load(std::memory_order_relaxed) + 1 : 0;
    if (!again) last_.store(name_of(me), std::memory_order_relaxed);
    times_.store(times, std::memory_order_relaxed);
    return times >= Machine::claims_alone;
  }

  // Whether this producer was made the owner. Otherwise there may be no owner any more, or another.
  bool wait_for_turn(producer* me, std::uint64_t seen) noexcept {
    for (unsigned look = 1; look <= Machine::looks_of_a_turn; ++look) {
      if (me != nullptr && owner_.load(std::memory_order_relaxed) == name_of(*me)) return true;
      Machine::pass_time();
      if (look != Machine::looks_before_a_stop && look != Machine::looks_of_a_turn) continue;
      std::uint64_t const now = claimed_.load(
          std::memory_order_relaxed); // takes the line away from the owner
      if (me == nullptr || now == seen) {
        stop_owner();
        return false;
      }
      if ((now & owned_bit) == 0) return false;
      if (look == Machine::looks_before_a_stop)
        Machine::give_way(); // to a reader that could use this core meanwhile
      seen = now;
    }
    wanted_by_.store(name_of(*me), std::memory_order_release);
    return false;
  }
  void stop_owner() noexcept {
    short_wait<Machine> wait;
    std::uintptr_t owner = owner_.load(std::memory_order_relaxed);
    if (owner == nobody || owner == being_stopped) { // somebody is becoming the owner, or is stopping it
      wait.pause();
      return;
    }
    if (!owner_.compare_exchange_strong(owner, being_stopped, std::memory_order_acquire,
                                        std::memory_order_relaxed)) {
      return;
    }
    Machine::process_barrier();
    auto const& stopped = *std::bit_cast<producer const*>(owner);
    while (stopped.claiming.load(std::memory_order_acquire)) wait.pause();
    std::uint64_t const seen = claimed_.load(std::memory_order_relaxed) & ~owned_bit;
    shared_until_.store(seen + Machine::claims_without_owner, std::memory_order_relaxed);
    owner_.store(nobody, std::memory_order_relaxed);
    claimed_.store(seen, std::memory_order_relaxed);
  }

  bool asymmetric_;
  // Read by the owner for each claim, and by those that wait.
  alignas(cache_line) atomic<std::uintptr_t> owner_{nobody};
  atomic<std::uintptr_t> wanted_by_{nobody};
  // Written for each claim: claimed so far and the two bits, up to where there is room, and who has claimed last.
  alignas(cache_line) atomic<std::uint64_t> claimed_{0};
  atomic<std::uint64_t> room_{0};
  atomic<std::uintptr_t> last_{nobody};
  atomic<std::uint32_t> times_{0};
  atomic<std::uint64_t> shared_until_{0};
};

} // namespace cleave::detail
