// SPDX-License-Identifier: BSL-1.0
// The ring under the asynchronous event bus (async_event_bus.hpp): a bounded array of events whose places are claimed, published,
// taken and given back by number. Here is the algorithm, and why it is right.
//
// Events have sequence numbers 0, 1, 2, ... and number s lies in place s mod capacity. The readers are stages. A stage has one
// worker, or several that compete for events; it reads what is published or, if it comes after other stages, what these have
// finished. The idea is that of the LMAX Disruptor (Thompson, Farley, Barker, Gee, Stewart: "Disruptor", 2011); the stamp of
// each place, with which many producers publish without waiting for one another, is that of Vyukov's bounded queue (2010).
//
// Who may touch a place, and in which order (A -> B: A happens before B, by a release that an acquire reads from):
//  1. A producer claims s when every last stage has finished s - capacity. Stage: reads the old event -> release of its position;
//     producer: acquire of the position -> writes the new one. Producers share what they found out about the room with release
//     and acquire, so that it holds for the producer that profits, too.
//  2. One producer: writes the event -> release of `published_`. Many: each claims (ring_claims.hpp), writes, then stores the
//     round (s / capacity + 1) into the place's stamp with release. A reader acquires `published_`, or the stamp of each event.
//     A stamp equals the wanted round only when that very s is published: the place cannot get a later one before the reader's
//     stage has finished s, by 1.
//  3. A stage after others acquires their positions, which they released after acquiring the events, so 2 holds for it as well.
//  4. Competing workers: a worker stores where its next batch would begin, then moves the stage's position over that batch by
//     compare-exchange with release. Who asks what the stage has finished acquires the position first and the workers' marks
//     afterwards: if it sees the position behind a batch, it sees the mark of that batch, or what the worker stored there later,
//     which it released after reading the batch.
//  5. Dropping the oldest: a reader copies events out, and has its position marked as busy meanwhile. A producer without room
//     pushes a position that is not busy on by compare-exchange; one that is busy it waits for, which takes no longer than the
//     copy. With many producers a place is written only when its last event is published, so two rounds never write it at once.
//  6. Waiting: ring_sleepers.hpp. Whatever makes a waiting thread's condition true is followed by wake().
//  7. Closing: many producers claim in a word that has a bit for "closed", and one that owns the word is stopped before the bit is
//     set, so no claim comes after it. One producer announces
//     that it is publishing, then looks whether the ring is closed; who closes it writes and looks the other way round, with the
//     process barrier in between, and waits for the announced publish. Then the number of events is final.
// tests/model runs this header on simulated memory, in which each of these can go wrong, and shows that each memory order in it
// is needed.
#pragma once

#include <cleave/config.hpp>
#include <cleave/event/async_options.hpp>
#include <cleave/event/detail/ring_claims.hpp>
#include <cleave/event/detail/ring_machine.hpp>
#include <cleave/event/detail/ring_sleepers.hpp>
#include <cleave/event/detail/ring_stage.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace cleave::detail {

// An array whose elements never move. One that fills whole cache lines begins with a line.
template <class T> class ring_array {
public:
  explicit ring_array(std::size_t count) : items_(count != 0 ? new item[count]{} : nullptr) {}
  ring_array(ring_array const&) = delete;
  ring_array& operator=(ring_array const&) = delete;
  ~ring_array() { delete[] items_; }
  T& operator[](std::size_t i) noexcept { return items_[i].value; }
  T const& operator[](std::size_t i) const noexcept { return items_[i].value; }

private:
  static constexpr std::size_t alignment = sizeof(T) % cache_line == 0 && alignof(T) < cache_line
                                               ? cache_line
                                               : alignof(T);
  struct alignas(alignment) item {
    T value{};
  };
  item* items_;
};

// E is default-constructed in every place at the start; a new event is assigned over the old one, which must not throw.
template <class E, producers P, class Machine = native_machine> class ring {
  template <class T> using atomic = typename Machine::template atomic<T>;
  static constexpr std::uint64_t unknown = ~std::uint64_t{0};
  static constexpr std::uint64_t endless = std::uint64_t{1} << 63; // more events than there will ever be

public:
  using stage = ring_stage<Machine>;
  static constexpr std::size_t capacity_max = std::size_t{1} << 24;
  static constexpr std::size_t workers_max = 64;

  struct batch {
    std::uint64_t first = 0;
    std::size_t count = 0;
  };

  // May throw std::bad_alloc and what E's constructor throws.
  ring(std::size_t capacity, when_full full)
      : mask_(capacity - 1),
        ahead_(capacity < 256 ? capacity / 4 : 64),
        dropping_(full == when_full::drop_oldest),
        asymmetric_(Machine::has_process_barrier()),
        places_(valid(capacity)),
        stamps_(P == producers::many ? capacity : 0),
        claims_(asymmetric_),
        readers_(asymmetric_),
        writers_(asymmetric_) {
    while ((std::size_t{1} << shift_) < capacity) ++shift_;
  }
  ring(ring const&) = delete;
  ring& operator=(ring const&) = delete;
  ~ring() {
    for (std::size_t i = 0; i < stage_count_; ++i) delete stages_[i];
  }

  std::size_t capacity() const noexcept { return mask_ + 1; }

  // Before the first event only. The stages of `after` come first.
  stage& add_stage(std::size_t workers, stage* const* after = nullptr, std::size_t after_count = 0) {
    CLEAVE_ASSERT(stage_count_ < stage::stages_max, "a ring has at most 64 stages");
    CLEAVE_ASSERT(workers >= 1 && workers <= workers_max, "a stage has 1 to 64 workers");
    CLEAVE_ASSERT(after_count == 0 || !dropping_,
                  "with when_full::drop_oldest no stage comes after another one");
    auto* const added = new stage(workers);
    stages_[stage_count_++] = added;
    for (std::size_t i = 0; i < after_count; ++i) {
      added->after[added->after_count++] = after[i];
      after[i]->last = false;
    }
    return *added;
  }

  // --- publishing ---

  // Claims `count` places (1 to the capacity) from `first` on; the caller fills and publishes them without delay. After anything
  // but `taken` nothing is claimed; `full` also where the user chose to wait: then the caller waits for has_room.
  publish_outcome claim(std::size_t count, std::uint64_t& first) noexcept {
    publish_outcome claimed{};
    if constexpr (P == producers::one) claimed = claim_alone(count, first);
    else claimed = claim_among_many(count, first);
    fetch_ahead(first + count);
    return claimed;
  }
  E& operator[](std::uint64_t at) noexcept { return places_[at & mask_]; }
  void publish(std::uint64_t first, std::size_t count) noexcept {
    if constexpr (P == producers::one) {
      next_ = first + count;
      published_.store(next_, std::memory_order_release);
      publishing_.store(false, std::memory_order_release);
    } else {
      for (std::uint64_t at = first; at != first + count; ++at) {
        stamps_[at & mask_].store(round_of(at), std::memory_order_release);
      }
    }
    readers_.wake();
  }
  // For a producer. With many producers another one may be faster.
  bool has_room(std::size_t count) const noexcept {
    std::uint64_t claimed = 0;
    if constexpr (P == producers::one) claimed = next_;
    else claimed = claims_.count();
    return claimed + count <= finished_by_all() + capacity();
  }
  // How many events there were so far; with many producers also those that are being filled in.
  std::uint64_t size() const noexcept {
    if constexpr (P == producers::one) return published_.load(std::memory_order_relaxed);
    else return claims_.count();
  }
  bool is_closed() const noexcept {
    if constexpr (P == producers::one) return closed_.load(std::memory_order_relaxed);
    else return claims_.is_closed();
  }
  // No claim succeeds afterwards; what was claimed before is published, and readers find out which event is the last. Idempotent.
  void close() noexcept {
    if constexpr (P == producers::one) {
      closed_.store(true, std::memory_order_seq_cst);
      if (asymmetric_) Machine::process_barrier();
      writers_.notify(); // it may be waiting for room
      short_wait<Machine> wait;
      while (publishing_.load(std::memory_order_seq_cst)) wait.pause();
      end_.store(published_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    } else {
      end_.store(claims_.close(), std::memory_order_relaxed);
      writers_.notify();
    }
    readers_.notify();
  }

  // --- reading; a worker is one thread at a time ---

  // Up to `max` events for the worker, 0 if there are none now. The worker must finish() them before it takes again.
  batch take(stage& s, std::size_t worker, std::size_t max) noexcept {
    if (s.workers > 1) return take_among_workers(s, worker, max);
    std::uint64_t const from = s.position.load(std::memory_order_relaxed) >> 1;
    return {from, readable(s, from, max)};
  }
  void finish(stage& s, std::size_t worker, batch taken) noexcept {
    if (s.workers > 1) s.marks[worker].begin.store(stage::none, std::memory_order_release);
    else s.position.store((taken.first + taken.count) << 1, std::memory_order_release);
    wake_behind(s);
  }
  // In the place of both, with when_full::drop_oldest: hands up to `max` events to copy(event), which must be quick: producers may
  // wait for it. Returns how many.
  template <class Copy> std::size_t copy_out(stage& s, std::size_t max, Copy copy) noexcept {
    short_wait<Machine> wait;
    for (;;) {
      std::uint64_t seen = s.position.load(std::memory_order_relaxed);
      if ((seen & stage::busy_bit) != 0) { // another worker copies
        wait.pause();
        continue;
      }
      std::uint64_t const from = seen >> 1;
      std::size_t const count = readable(s, from, max);
      if (count == 0) {
        if (s.position.load(std::memory_order_relaxed) == seen) return 0;
        continue; // a producer has pushed it on
      }
      if (!s.position.compare_exchange_strong(seen, seen | stage::busy_bit, std::memory_order_acquire,
                                              std::memory_order_relaxed)) {
        continue;
      }
      for (std::size_t i = 0; i < count; ++i) copy((*this)[from + i]);
      s.position.store((from + count) << 1, std::memory_order_release);
      return count;
    }
  }
  // Whether there is something to take, or the end is reached: what an idle worker waits for.
  bool has_news(stage const& s) const noexcept { return readable(s, s.reached(), 1) != 0 || is_at_end(s); }
  // Whether the ring is closed and the stage has taken the last event.
  bool is_at_end(stage const& s) const noexcept { return s.reached() >= end(); }
  // The number of events; known once the ring is closed.
  std::uint64_t end() const noexcept { return end_.load(std::memory_order_relaxed); }

  ring_sleepers<Machine>& readers() noexcept { return readers_; }
  ring_sleepers<Machine>& writers() noexcept { return writers_; }

private:
  static std::size_t valid(std::size_t capacity) noexcept {
    CLEAVE_ASSERT(capacity >= 1 && capacity <= capacity_max && (capacity & (capacity - 1)) == 0,
                  "a ring's capacity is a power of two from 1 to 2^24");
    return capacity;
  }

  std::uint32_t round_of(std::uint64_t at) const noexcept {
    return static_cast<std::uint32_t>(at >> shift_) + 1;
  }

  // The readers have read the places that come next a lap ago. Where the way between the cores is long, to fetch them one by one,
  // each when it is written, takes longer than all the rest.
  void fetch_ahead(std::uint64_t at) noexcept {
    Machine::fetch_to_write(&places_[(at + ahead_) & mask_]);
    if constexpr (P == producers::many) Machine::fetch_to_write(&stamps_[(at + ahead_) & mask_]);
  }

  // Those that wait for what the stage finishes.
  void wake_behind(stage const& s) noexcept { (s.last ? writers_ : readers_).wake(); }

  publish_outcome claim_alone(std::size_t count, std::uint64_t& first) noexcept {
    // Two stores: one whose order is chosen at run time is compiled as the strongest, which waits for every earlier store.
    if (asymmetric_) [[likely]]
      publishing_.store(true, std::memory_order_relaxed);
    else publishing_.store(true, std::memory_order_seq_cst);
    Machine::compiler_barrier();
    bool const closed = closed_.load(std::memory_order_seq_cst);
    first = next_;
    if (!closed && first + count <= room_) [[likely]]
      return publish_outcome::taken;
    return claim_alone_without_room(count, closed);
  }
  [[gnu::noinline]] publish_outcome claim_alone_without_room(std::size_t count, bool closed) noexcept {
    if (!closed) {
      if (dropping_ && next_ + count > capacity()) push_readers(next_ + count - capacity());
      room_ = finished_by_all() + capacity();
      if (next_ + count <= room_) return publish_outcome::taken;
    }
    publishing_.store(false, std::memory_order_release);
    return closed ? publish_outcome::closed : publish_outcome::full;
  }

  publish_outcome claim_among_many(std::size_t count, std::uint64_t& first) noexcept {
    auto const claimed = claims_.claim(
        count, first, [this] { return dropping_ ? endless : finished_by_all() + capacity(); });
    if (dropping_ && claimed == publish_outcome::taken) [[unlikely]]
      make_room(first, count);
    return claimed;
  }
  // With when_full::drop_oldest, after the claim.
  [[gnu::noinline]] void make_room(std::uint64_t first, std::size_t count) noexcept {
    if (first + count > capacity()) push_readers(first + count - capacity());
    short_wait<Machine> wait;
    for (std::uint64_t at = first; at != first + count; ++at) {
      while (stamps_[at & mask_].load(std::memory_order_acquire) != round_of(at) - 1) wait.pause();
    }
  }

  void push_readers(std::uint64_t to) noexcept {
    for (std::size_t i = 0; i < stage_count_; ++i) stages_[i]->push_to(to);
  }

  // A ring without stages forgets at once.
  std::uint64_t finished_by_all() const noexcept {
    std::uint64_t least = endless;
    for (std::size_t i = 0; i < stage_count_; ++i) {
      if (!stages_[i]->last) continue;
      std::uint64_t const finished = stages_[i]->finished();
      if (finished < least) least = finished;
    }
    return least;
  }

  // How many events from `from` on the stage may read, at most `max`.
  std::size_t readable(stage const& s, std::uint64_t from, std::size_t max) const noexcept {
    std::uint64_t until = from;
    if (s.after_count != 0) {
      until = s.finished_before();
    } else if constexpr (P == producers::one) {
      until = published_.load(std::memory_order_acquire);
    } else {
      while (until - from < max &&
             stamps_[until & mask_].load(std::memory_order_acquire) == round_of(until)) {
        ++until;
      }
    }
    if (until <= from) return 0;
    return until - from < max ? static_cast<std::size_t>(until - from) : max;
  }

  batch take_among_workers(stage& s, std::size_t worker, std::size_t max) noexcept {
    auto& begin = s.marks[worker].begin;
    std::uint64_t seen = s.position.load(std::memory_order_relaxed);
    for (bool marked = false;; marked = true) {
      std::size_t const count = readable(s, seen >> 1, max);
      if (count == 0) {
        if (marked) { // it may have held up others, who then saw nobody finish
          begin.store(stage::none, std::memory_order_release);
          wake_behind(s);
        }
        return {};
      }
      begin.store(seen >> 1, std::memory_order_release);
      if (s.position.compare_exchange_weak(seen, ((seen >> 1) + count) << 1, std::memory_order_release,
                                           std::memory_order_relaxed)) {
        return {seen >> 1, count};
      }
    }
  }

  // Set up once.
  std::size_t mask_;
  unsigned shift_ = 0;
  std::size_t ahead_; // how far a producer fetches places in advance
  bool dropping_;
  bool asymmetric_;
  ring_array<E> places_;
  ring_array<atomic<std::uint32_t>> stamps_; // of many producers
  stage* stages_[stage::stages_max] = {};
  std::size_t stage_count_ = 0;

  // The single producer's own.
  alignas(cache_line) std::uint64_t next_ = 0;
  std::uint64_t room_ = 0;
  atomic<bool> publishing_{false};
  ring_claims<Machine> claims_; // of many producers
  // Read by everyone.
  alignas(cache_line) atomic<std::uint64_t> published_{0};
  alignas(cache_line) atomic<std::uint64_t> end_{unknown};
  atomic<bool> closed_{false};
  ring_sleepers<Machine> readers_;
  ring_sleepers<Machine> writers_;
};

} // namespace cleave::detail
