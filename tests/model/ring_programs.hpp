// SPDX-License-Identifier: BSL-1.0
// Small programs on a ring, each with what must hold in every schedule of it. Templates over the ring, so that rings with planted
// bugs can be run too.
#pragma once

#include <cleave/event/async_options.hpp>

#include "scenario.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace ring_model {

using cleave::producers;
using cleave::publish_outcome;
using cleave::when_full;
using simulated::machine;
using simulated::one;
using simulated::plain;
using simulated::require;
using simulated::scenario;

constexpr std::size_t events_max = 8;
constexpr std::size_t to_the_end = ~std::size_t{0};

template <template <class, producers, class> class Ring, producers P> struct ring_program
    : simulated::program {
  using ring = Ring<plain, P, machine>;
  using stage = typename ring::stage;

  explicit ring_program(std::size_t capacity, bool parks = false, when_full full = when_full::wait)
      : r(capacity, full), parking(parks) {}

  // False: closed.
  bool publish(std::uint64_t value) {
    std::uint64_t at = 0;
    for (;;) {
      publish_outcome const done = r.claim(1, at);
      if (done == publish_outcome::closed) return false;
      if (done == publish_outcome::taken) break;
      if (parking) r.writers().park([this] { return r.has_room(1) || r.is_closed(); });
      else machine::relax();
    }
    r[at] = plain(value);
    r.publish(at, 1);
    return true;
  }
  // Hands events to use(value) until it has had `count`, or to the end.
  template <class Use>
  std::size_t consume(stage& s, std::size_t worker, std::size_t count, std::size_t batch, Use use) {
    std::size_t had = 0;
    while (had < count) {
      auto const taken = r.take(s, worker, batch);
      if (taken.count == 0) {
        if (r.is_at_end(s)) break;
        if (parking) r.readers().park([&] { return r.has_news(s); });
        else machine::relax();
        continue;
      }
      for (std::size_t i = 0; i < taken.count; ++i) use(r[taken.first + i].read());
      r.finish(s, worker, taken);
      had += taken.count;
    }
    return had;
  }

  ring r;
  bool parking;
};

// One publishes, each of `Readers` sees all of it in order.
template <template <class, producers, class> class Ring, producers P, std::size_t Capacity,
          std::size_t Readers, bool Parking>
struct broadcast : ring_program<Ring, P> {
  using base = ring_program<Ring, P>;
  static constexpr std::uint64_t count = 3;
  broadcast() : base(Capacity, Parking) {
    for (auto& s : stages) s = &this->r.add_stage(1);
  }
  std::size_t threads() const override { return 1 + Readers; }
  void run(std::size_t thread) override {
    if (thread == 0) {
      for (std::uint64_t value = 1; value <= count; ++value) this->publish(value);
    } else {
      std::uint64_t last = 0;
      this->consume(*stages[thread - 1], 0, count, 2, [&](std::uint64_t value) {
        require(value == last + 1, "a reader does not see every event in order");
        last = value;
      });
    }
  }
  std::array<typename base::stage*, Readers> stages{};
};

// Two publish two events each; the reader sees all, those of each publisher in order.
template <template <class, producers, class> class Ring, std::size_t Capacity, bool Parking>
struct many_to_one : ring_program<Ring, producers::many> {
  using base = ring_program<Ring, producers::many>;
  many_to_one() : base(Capacity, Parking), reader(this->r.add_stage(1)) {}
  std::size_t threads() const override { return 3; }
  void run(std::size_t thread) override {
    if (thread < 2) {
      this->publish(10 * (thread + 1) + 1);
      this->publish(10 * (thread + 1) + 2);
    } else {
      std::array<std::uint64_t, 2> last{10, 20};
      this->consume(reader, 0, 4, 2, [&](std::uint64_t value) {
        require(value / 10 == 1 || value / 10 == 2, "a reader sees what nobody published");
        auto& of_publisher = last[value / 10 == 1 ? 0 : 1];
        require(value == of_publisher + 1, "events of one publisher are lost, doubled or out of order");
        of_publisher = value;
      });
    }
  }
  typename base::stage& reader;
};

// One publishes so often that the other has to wait for its turn, and so the other way round.
template <template <class, producers, class> class Ring, std::size_t Capacity>
struct turns : ring_program<Ring, producers::many> {
  using base = ring_program<Ring, producers::many>;
  static constexpr std::uint64_t each = 5;
  turns() : base(Capacity), reader(this->r.add_stage(1)) {}
  std::size_t threads() const override { return 3; }
  void run(std::size_t thread) override {
    if (thread < 2) {
      for (std::uint64_t i = 1; i <= each; ++i) this->publish(10 * (thread + 1) + i);
    } else {
      std::array<std::uint64_t, 2> last{10, 20};
      this->consume(reader, 0, 2 * each, 2, [&](std::uint64_t value) {
        require(value / 10 == 1 || value / 10 == 2, "a reader sees what nobody published");
        auto& of_publisher = last[value / 10 == 1 ? 0 : 1];
        require(value == of_publisher + 1, "events of one publisher are lost, doubled or out of order");
        of_publisher = value;
      });
    }
  }
  typename base::stage& reader;
};

// B sees an event only after A is done with it.
template <template <class, producers, class> class Ring, producers P, bool Parking>
struct one_after_another : ring_program<Ring, P> {
  using base = ring_program<Ring, P>;
  one_after_another() : base(2, Parking), a(&this->r.add_stage(1)), b(&this->r.add_stage(1, &a, 1)) {}
  std::size_t threads() const override { return 3; }
  void run(std::size_t thread) override {
    if (thread == 0) {
      for (std::uint64_t value = 1; value <= 3; ++value) this->publish(value);
    } else if (thread == 1) {
      this->consume(*a, 0, 3, 1, [&](std::uint64_t value) { done_by_a[value % events_max] = plain(value); });
    } else {
      this->consume(*b, 0, 3, 2, [&](std::uint64_t value) {
        require(done_by_a[value % events_max].read() == value, "B sees an event that A is not done with");
      });
    }
  }
  typename base::stage* a;
  typename base::stage* b;
  std::array<plain, events_max> done_by_a{};
};

// Two workers share the events; a stage after them sees what they did.
template <template <class, producers, class> class Ring, producers P, bool Parking>
struct competition : ring_program<Ring, P> {
  using base = ring_program<Ring, P>;
  competition()
      : base(2, Parking), workers(&this->r.add_stage(2)), behind(&this->r.add_stage(1, &workers, 1)) {}
  std::size_t threads() const override { return 4; }
  void run(std::size_t thread) override {
    if (thread == 0) {
      for (std::uint64_t value = 1; value <= 3; ++value) this->publish(value);
      this->r.close();
    } else if (thread <= 2) {
      this->consume(*workers, thread - 1, to_the_end, 1, [&](std::uint64_t value) {
        require(done[value % events_max].read() == 0, "two workers got one event");
        done[value % events_max] = plain(value);
      });
    } else {
      std::size_t const seen = this->consume(*behind, 0, to_the_end, 2, [&](std::uint64_t value) {
        require(done[value % events_max].read() == value,
                "the stage behind sees an event that no worker is done with");
      });
      require(seen == 3, "the stage behind misses events");
    }
  }
  void check() override {
    for (std::uint64_t value = 1; value <= 3; ++value)
      require(done[value].read() == value, "no worker got an event");
  }
  typename base::stage* workers;
  typename base::stage* behind;
  std::array<plain, events_max> done{};
};

// Two workers alone, with nothing behind them that would make them visible.
template <template <class, producers, class> class Ring, producers P, std::size_t Capacity, bool Parking>
struct competition_alone : ring_program<Ring, P> {
  using base = ring_program<Ring, P>;
  static constexpr std::uint64_t count = Capacity + 2;
  competition_alone() : base(Capacity, Parking), workers(&this->r.add_stage(2)) {}
  std::size_t threads() const override { return 3; }
  void run(std::size_t thread) override {
    if (thread == 0) {
      for (std::uint64_t value = 1; value <= count; ++value) this->publish(value);
      this->r.close();
    } else {
      this->consume(*workers, thread - 1, to_the_end, 1, [&](std::uint64_t value) {
        require(!seen[value % events_max], "two workers got one event");
        seen[value % events_max] = true;
      });
    }
  }
  void check() override {
    for (std::uint64_t value = 1; value <= count; ++value) require(seen[value], "no worker got an event");
  }
  typename base::stage* workers;
  std::array<bool, events_max> seen{};
};

// Publishers never wait: what a slow reader has not taken gives way.
template <template <class, producers, class> class Ring, producers P, std::size_t Capacity,
          std::size_t Publishers, std::size_t Readers>
struct dropping : ring_program<Ring, P> {
  using base = ring_program<Ring, P>;
  dropping() : base(Capacity, false, when_full::drop_oldest), readers(this->r.add_stage(Readers)) {}
  std::size_t threads() const override { return Publishers + Readers; }
  void run(std::size_t thread) override {
    if (thread < Publishers) {
      for (std::uint64_t i = 1; i <= 4 / Publishers; ++i) this->publish(10 * (thread + 1) + i);
      if (finished.fetch_add(1, std::memory_order_relaxed) + 1 == Publishers) this->r.close();
    } else {
      std::array<std::uint64_t, 3> last{};
      for (;;) {
        std::array<std::uint64_t, 2> copies{};
        std::size_t copied = 0;
        std::size_t const count = this->r.copy_out(readers, 2,
                                                   [&](plain const& e) { copies[copied++] = e.read(); });
        if (count == 0) {
          if (this->r.is_at_end(readers)) break;
          machine::relax();
        }
        for (std::size_t i = 0; i < count; ++i) {
          auto& of_publisher = last[copies[i] / 10 == 1 ? 1 : 2];
          require(copies[i] > of_publisher, "events of one publisher are doubled or out of order");
          of_publisher = copies[i];
          ++taken[thread - Publishers];
        }
      }
    }
  }
  void check() override {
    std::uint64_t all = readers.dropped.load(std::memory_order_relaxed);
    for (std::uint64_t t : taken) all += t;
    require(all == 4, "events are neither taken nor counted as dropped");
  }
  typename base::stage& readers;
  simulated::atomic<std::uint64_t> finished{0};
  std::array<std::uint64_t, Readers> taken{};
};

// Publishers go on until they are told that the ring is closed; what was taken is read, nothing else. Or nobody reads, and they
// must not wait for ever.
template <template <class, producers, class> class Ring, producers P, std::size_t Publishers, bool Parking,
          bool Reading = true>
struct closing : ring_program<Ring, P> {
  using base = ring_program<Ring, P>;
  closing() : base(Reading ? 2 : 1, Parking), reader(this->r.add_stage(1)) {}
  std::size_t threads() const override { return Publishers + (Reading ? 2 : 1); }
  void run(std::size_t thread) override {
    if (thread < Publishers) {
      while (published[thread] < 2 && this->publish(10 * (thread + 1) + published[thread]))
        ++published[thread];
    } else if (thread == Publishers) {
      this->r.close();
    } else {
      this->consume(reader, 0, to_the_end, 2, [&](std::uint64_t) { ++read; });
    }
  }
  void check() override {
    std::uint64_t all = 0;
    for (std::uint64_t p : published) all += p;
    require(all == this->r.end(), "what was published before the close is not what readers are told of");
    require(!Reading || all == read, "what was published before the close is not what was read");
  }
  typename base::stage& reader;
  std::array<std::uint64_t, Publishers> published{};
  std::uint64_t read = 0;
};

} // namespace ring_model
