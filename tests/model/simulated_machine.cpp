// SPDX-License-Identifier: BSL-1.0
#include "simulated_machine.hpp"

#include "fiber.hpp"

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <utility>
#include <vector>

namespace simulated {

namespace {

constexpr std::size_t decisions_max = 20'000; // of one schedule: more is a thread that never ends

struct written {
  std::uint64_t value;
  view released; // what a load that acquires it learns
};
struct location {
  std::vector<written> history{};
  std::uint16_t last_seq_cst = 0; // no sequentially consistent load may read an older one
  std::size_t maker = 0;          // which has to happen before every use
  std::uint16_t made = 0;
};

enum class state : std::uint8_t { ready, polling, locking, waiting, done };
struct thread {
  view known{};
  simulated::state state = state::done;
  // Of what it has read since it last relaxed: which store, counted from 1; 0: not read.
  std::array<std::uint16_t, locations_max> polled{};
  lot const* at = nullptr;
};

struct decision {
  std::uint16_t taken;
  std::uint16_t alternatives;
};

struct orders {
  bool acquire;
  bool release;
  bool seq_cst;
};

// Thread 0 is the driver, which makes the program and checks it.
struct exploration {
  options wanted{};
  outcome result{};
  std::array<location, locations_max> locations{};
  std::size_t location_count = 0;
  std::array<thread, threads_max> threads{};
  std::array<std::unique_ptr<fiber>, threads_max> fibers{};
  std::size_t count = 0;
  std::size_t current = 0;
  program* body = nullptr;
  std::array<std::optional<machine::producer>, threads_max> producers{}; // those that have been asked for
  char const* violation = nullptr;

  std::vector<decision> script{}; // decisions: taken from here first, then by default or at random
  std::size_t decided = 0;
  bool random = false;
  std::uint64_t calm = 1; // one decision of so many is made at random: a power of two
  std::uint64_t generator = 1;

  thread& me() { return threads[current]; }
  std::uint64_t next_random();
  std::size_t decide(std::size_t alternatives);
  bool can_go(std::size_t t) const;
  bool pick_next();
  void leave_for(std::size_t next);
  void pause(simulated::state why);
  void end_schedule(char const* why);
  void point();
  void use(std::size_t l);
  bool keeps(std::source_location const& at, promise what);
  orders effective(std::memory_order order, std::source_location const& at);
  orders effective_on_failure(std::memory_order order, std::source_location const& at);
  std::uint64_t read_at(std::size_t l, std::size_t index, bool acquire);
  void write(std::size_t l, std::uint64_t value, orders how, view const* before);
  void run_schedule(program_maker const& make);
  bool next_script();
};

exploration* run = nullptr;

std::uint64_t exploration::next_random() { // xorshift64*, Vigna 2016
  generator ^= generator >> 12;
  generator ^= generator << 25;
  generator ^= generator >> 27;
  return (generator * 0x2545f4914f6cdd1dU) >> 32;
}

std::size_t exploration::decide(std::size_t alternatives) {
  if (alternatives <= 1) return 0;
  if (decided < script.size()) return script[decided++].taken;
  std::size_t taken = 0;
  if (random && (next_random() & (calm - 1)) == 0) taken = next_random() % alternatives;
  script.push_back({static_cast<std::uint16_t>(taken), static_cast<std::uint16_t>(alternatives)});
  ++decided;
  return taken;
}

bool exploration::can_go(std::size_t t) const {
  thread const& one = threads[t];
  if (one.state == state::ready) return true;
  if (one.state != state::polling) return false; // done; or a lot makes it ready
  // It goes on when something that it looked at has a newer value than it has seen.
  for (std::size_t l = 0; l < location_count; ++l) {
    if (one.polled[l] != 0 && one.polled[l] < locations[l].history.size()) return true;
  }
  return false;
}

// Chooses who goes on. The default is the current thread, then the next ones in turn.
bool exploration::pick_next() {
  std::array<std::size_t, threads_max> able{};
  std::size_t found = 0;
  std::size_t t = current;
  for (std::size_t step = 0; step < count; ++step) {
    if (can_go(t)) able[found++] = t;
    t = t == count ? 1 : t + 1;
  }
  if (found == 0) return false;
  leave_for(able[decide(found)]);
  return true;
}

void exploration::leave_for(std::size_t next) {
  std::size_t const before = std::exchange(current, next);
  if (next != before) fibers[before]->switch_to(*fibers[next]);
  // Back again, as the one who was chosen.
  thread& t = threads[before];
  if (t.state != state::polling) return;
  for (std::size_t l = 0; l < location_count; ++l) {
    if (t.polled[l] != 0) t.known.oldest[l] = static_cast<std::uint16_t>(locations[l].history.size() - 1);
  }
  t.polled = {};
  t.state = state::ready;
}

// The threads stay where they are.
void exploration::end_schedule(char const* why) {
  if (violation == nullptr) violation = why;
  leave_for(0);
}

void exploration::pause(simulated::state why) {
  threads[current].state = why;
  if (!pick_next()) end_schedule("all threads wait for ever");
}

// Before each operation: perhaps another thread first.
void exploration::point() {
  if (current == 0) return; // the driver is alone
  if (violation != nullptr) leave_for(0);
  if (decided > decisions_max) end_schedule("a schedule does not end");
  pick_next();
}

void fiber_main() {
  fiber::arrived();
  for (;;) {
    run->body->run(run->current - 1);
    run->me().state = state::done;
    if (run->pick_next()) continue;
    bool const all_done = std::all_of(run->threads.begin(), run->threads.end(),
                                      [](thread const& t) { return t.state == state::done; });
    if (all_done) run->leave_for(0);
    else run->end_schedule("all threads wait for ever");
  }
}

void exploration::use(std::size_t l) {
  point();
  location const& used = locations[l];
  if (current != 0)
    require(used.made <= me().known.clock[used.maker], "a data race: an atomic is made beside its use");
}

// Whether an operation keeps a promise of its memory order.
bool exploration::keeps(std::source_location const& at, promise what) {
  if (wanted.broken.line == at.line() && wanted.broken.column == at.column() &&
      wanted.broken.promise == what && wanted.broken.file == at.file_name()) {
    return false;
  }
  if (wanted.collect_sites) result.sites.insert({at.file_name(), at.line(), at.column(), what});
  return true;
}

orders exploration::effective(std::memory_order order, std::source_location const& at) {
  orders how{order == std::memory_order_acquire || order == std::memory_order_acq_rel ||
                 order == std::memory_order_seq_cst,
             order == std::memory_order_release || order == std::memory_order_acq_rel ||
                 order == std::memory_order_seq_cst,
             order == std::memory_order_seq_cst};
  if (current == 0) return how;
  if (how.seq_cst) {
    how.seq_cst = keeps(at, promise::one_order);
  } else {
    how.acquire = how.acquire && keeps(at, promise::acquire);
    how.release = how.release && keeps(at, promise::release);
  }
  return how;
}

orders exploration::effective_on_failure(std::memory_order order, std::source_location const& at) {
  orders how{order != std::memory_order_relaxed, false, order == std::memory_order_seq_cst};
  if (how.seq_cst) how.seq_cst = keeps(at, promise::one_order_on_failure);
  else how.acquire = how.acquire && keeps(at, promise::acquire_on_failure);
  return how;
}

std::uint64_t exploration::read_at(std::size_t l, std::size_t index, bool acquire) {
  thread& t = me();
  written const& from = locations[l].history[index];
  t.known.oldest[l] = std::max(t.known.oldest[l], static_cast<std::uint16_t>(index));
  t.polled[l] = static_cast<std::uint16_t>(index + 1);
  if (acquire) t.known.join(from.released);
  return from.value;
}

// `before`: what the store continues, if it is part of a read-modify-write.
void exploration::write(std::size_t l, std::uint64_t value, orders how, view const* before) {
  thread& t = me();
  location& where = locations[l];
  auto const index = static_cast<std::uint16_t>(where.history.size());
  t.known.oldest[l] = index;
  written added{value, {}};
  added.released.oldest[l] = index;
  if (before != nullptr) added.released.join(*before);
  if (how.release) added.released.join(t.known);
  ++t.known.clock[current]; // what comes now is not released by this store
  where.history.push_back(added);
  if (how.seq_cst) where.last_seq_cst = index;
}

// Runs one schedule to its end or to its first violation.
void exploration::run_schedule(program_maker const& make) {
  location_count = 0;
  for (auto& p : producers) p.reset();
  threads = {};
  current = 0;
  decided = 0;
  violation = nullptr;
  auto const made = make();
  body = made.get();
  count = body->threads();
  for (std::size_t t = 1; t <= count; ++t) {
    threads[t].known = threads[0].known;
    threads[t].known.clock[t] = 1;
    threads[t].state = state::ready;
    if (!fibers[t]) fibers[t] = std::make_unique<fiber>(&fiber_main);
  }
  leave_for(1);
  if (violation == nullptr) body->check();
}

// The next script with at most `deviations` decisions that differ from the default; false when there is none.
bool exploration::next_script() {
  std::size_t taken = 0;
  for (decision const& d : script) taken += d.taken != 0 ? 1 : 0;
  while (!script.empty()) {
    decision& last = script.back();
    std::size_t const others = taken - (last.taken != 0 ? 1 : 0);
    if (last.taken + 1 < last.alternatives && others < wanted.deviations) {
      ++last.taken;
      return true;
    }
    taken = others;
    script.pop_back();
  }
  return false;
}

} // namespace

outcome explore(options const& wanted, program_maker const& make) {
  exploration e;
  e.wanted = wanted;
  e.fibers[0] = std::make_unique<fiber>();
  run = &e;
  while (e.violation == nullptr && e.result.schedules < wanted.bounded_schedules && !e.result.bounded_all) {
    e.run_schedule(make);
    ++e.result.schedules;
    e.result.bounded_all = !e.next_script();
  }
  e.random = true;
  e.generator = wanted.seed * 0x9e3779b97f4a7c15U | 1U;
  while (e.violation == nullptr && e.result.schedules < wanted.schedules) {
    e.script.clear();
    e.calm = std::uint64_t{1} << (e.result.schedules % 5);
    e.run_schedule(make);
    ++e.result.schedules;
  }
  run = nullptr;
  if (e.violation != nullptr) e.result.violation = e.violation;
  return std::move(e.result);
}

void require(bool condition, char const* what) {
  if (!condition && run->violation == nullptr) run->violation = what;
}

namespace detail {

std::size_t new_location(std::uint64_t initial) {
  if (run->location_count == locations_max) {
    std::fputs("simulated machine: a program has too many atomics\n", stderr);
    std::abort();
  }
  location& made = run->locations[run->location_count];
  made.history.clear();
  made.history.push_back({initial, {}});
  made.last_seq_cst = 0;
  made.maker = run->current;
  made.made = run->me().known.clock[run->current];
  return run->location_count++;
}

std::uint64_t load(std::size_t l, std::memory_order order, where const& at) {
  run->use(l);
  location const& from = run->locations[l];
  std::size_t const newest = from.history.size() - 1;
  if (run->current == 0) return from.history[newest].value;
  orders const how = run->effective(order, at);
  std::size_t oldest = run->me().known.oldest[l];
  if (how.seq_cst) oldest = std::max<std::size_t>(oldest, from.last_seq_cst);
  return run->read_at(l, newest - run->decide(newest - oldest + 1), how.acquire);
}

void store(std::size_t l, std::uint64_t value, std::memory_order order, where const& at) {
  run->use(l);
  run->write(l, value, run->effective(order, at), nullptr);
}

std::uint64_t read_modify_write(std::size_t l, std::memory_order order, where const& at,
                                std::uint64_t (*change)(std::uint64_t, std::uint64_t),
                                std::uint64_t operand) {
  run->use(l);
  orders const how = run->effective(order, at);
  std::size_t const newest = run->locations[l].history.size() - 1;
  std::uint64_t const old = run->read_at(l, newest, how.acquire);
  view const before = run->locations[l].history[newest].released;
  run->write(l, change(old, operand), how, &before);
  return old;
}

bool compare_exchange(std::size_t l, std::uint64_t& expected, std::uint64_t desired,
                      std::memory_order success, std::memory_order failure, where const& at) {
  run->use(l);
  location const& from = run->locations[l];
  std::size_t const newest = from.history.size() - 1;
  // It may fail on an older value that differs, or meets the newest.
  std::size_t index = newest;
  orders const failing = run->effective_on_failure(failure, at);
  if (run->current != 0) {
    std::size_t oldest = run->me().known.oldest[l];
    if (failing.seq_cst) oldest = std::max<std::size_t>(oldest, from.last_seq_cst);
    index = newest - run->decide(newest - oldest + 1);
    if (index != newest && from.history[index].value == expected) index = newest;
  }
  if (from.history[index].value != expected) {
    expected = run->read_at(l, index, failing.acquire);
    return false;
  }
  orders const how = run->effective(success, at);
  run->read_at(l, newest, how.acquire);
  view const before = from.history[newest].released;
  run->write(l, desired, how, &before);
  return true;
}

} // namespace detail

void lot::lock() {
  run->point();
  if (run->current == 0) return;
  while (held_) {
    run->me().at = this;
    run->pause(state::locking);
  }
  held_ = true;
  run->me().known.join(released_);
}

void lot::unlock() {
  run->point();
  if (run->current == 0) return;
  released_ = run->me().known;
  ++run->me().known.clock[run->current];
  held_ = false;
  for (thread& t : run->threads) {
    if (t.state == state::locking && t.at == this) t.state = state::ready;
  }
}

void lot::wait() {
  // Giving the lock away and waiting is one step: no notification comes in between.
  released_ = run->me().known;
  ++run->me().known.clock[run->current];
  held_ = false;
  for (thread& t : run->threads) {
    if (t.state == state::locking && t.at == this) t.state = state::ready;
  }
  run->me().at = this;
  run->pause(state::waiting);
  lock();
}

void lot::notify_all() {
  run->point();
  for (thread& t : run->threads) {
    if (t.state == state::waiting && t.at == this) t.state = state::ready;
  }
}

bool machine::has_process_barrier() { return run->wanted.process_barrier; }

void machine::process_barrier() {
  run->point();
  if (run->wanted.broken_process_barrier) return;
  for (std::size_t t = 0; t <= run->count; ++t) {
    for (std::size_t l = 0; l < run->location_count; ++l) {
      run->threads[t].known.oldest[l] = static_cast<std::uint16_t>(run->locations[l].history.size() - 1);
    }
  }
}

machine::producer* machine::this_producer() {
  auto& mine = run->producers[run->current];
  if (!mine) mine.emplace();
  return &*mine;
}

void machine::relax() {
  if (run->current == 0) return;
  run->pause(state::polling);
}

std::uint64_t plain::read() const {
  if (run == nullptr || run->current == 0) return value_;
  view const& known = run->me().known;
  require(written_ <= known.clock[writer_], "a data race: a read beside a write");
  read_[run->current] = known.clock[run->current];
  return value_;
}

void plain::write(std::uint64_t value) {
  if (run != nullptr && run->current != 0) {
    view const& known = run->me().known;
    require(written_ <= known.clock[writer_], "a data race: two writes");
    for (std::size_t t = 0; t < threads_max; ++t) {
      require(read_[t] <= known.clock[t], "a data race: a write beside a read");
    }
    writer_ = run->current;
    written_ = known.clock[run->current];
  }
  value_ = value;
}

} // namespace simulated
