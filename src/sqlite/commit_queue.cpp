// SPDX-License-Identifier: BSL-1.0
#include "commit_queue.hpp"

#include <cleave/base/relax.hpp>

#include "process_lock.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <thread>
#include <utility>

namespace cleave::sqlite {

namespace {

// Polling pays while the commit that is waited for ends within the time that waking a parked thread takes, and while a core is
// left for the leader.
constexpr std::int64_t poll_us = 50;
constexpr int rounds_between_looks = 64;
// For how many groups a yield that was too long is remembered.
constexpr int sleeping_groups = 256;
// Room is made for so many at once: the mutex is the callers', too.
constexpr std::size_t completed_at_once = 64;

} // namespace

void commit_queue::list::push_back(queued_write& write) noexcept {
  write.next_ = nullptr;
  if (last_ == nullptr) first_ = &write;
  else last_->next_ = &write;
  last_ = &write;
}

queued_write* commit_queue::list::pop_front() noexcept {
  queued_write* const write = first_;
  if (write == nullptr) return nullptr;
  first_ = write->next_;
  if (first_ == nullptr) last_ = nullptr;
  return write;
}

void commit_queue::list::put_before(list& others) noexcept {
  if (empty()) return;
  last_->next_ = others.first_;
  others.first_ = first_;
  if (others.last_ == nullptr) others.last_ = last_;
  *this = list();
}

void commit_queue::run(queued_write& write) {
  bool leads = false;
  {
    std::lock_guard const lock(mutex_);
    write.place_ = &place_for_next();
    if (!led_) {
      led_ = leads = true;
    } else {
      add(write);
    }
  }
  if (!leads && wait(write)) return;
  while (!lead(write)) {
    if (wait(write)) return;
  }
}

commit_queue::~commit_queue() {
  if (!server_.joinable()) return;
  {
    std::lock_guard const lock(mutex_);
    ending_ = true;
    has_work_.store(true, std::memory_order_relaxed);
  }
  work_.notify_one();
  server_.join();
}

result<void> commit_queue::post(queued_write& write) {
  std::lock_guard const lock(mutex_);
  if (detached_writes_ >= most_.detached_writes || detached_bytes_ + write.bytes_ > most_.detached_bytes) {
    return unexpected(
        make_error(errc::limit_exceeded,
                   "{} appends with {} bytes wait for their commit already, at most {} with {} are allowed",
                   detached_writes_, detached_bytes_, most_.detached_writes, most_.detached_bytes));
  }
  if (!server_.joinable()) {
    try {
      server_ = std::thread([this] { serve(); });
    } catch (...) {
      return unexpected(error(errc::limit_exceeded, "no thread for asynchronous appends",
                              cleave::detail::current_exception_error("std::thread")));
    }
  }
  ++detached_writes_;
  detached_bytes_ += write.bytes_;
  if (led_) {
    add(write);
    return {};
  }
  led_ = true;
  hand_to_server(&write);
  return {};
}

// Under the mutex.
void commit_queue::hand_to_server(queued_write* lead) noexcept {
  if (lead != nullptr) to_lead_ = lead;
  has_work_.store(true, std::memory_order_release);
  work_.notify_one();
}

bool commit_queue::wait_for_work(queued_write*& to_lead, list& to_complete) {
  std::int64_t const end = steady_us() + poll_us;
  for (int round = 1; !has_work_.load(std::memory_order_acquire); ++round) {
    cleave::detail::relax();
    if (round % rounds_between_looks == 0 && steady_us() >= end) break;
  }
  std::unique_lock lock(mutex_);
  work_.wait(lock, [&] {
    return to_lead_ != nullptr || !to_complete_.empty() || (ending_ && detached_writes_ == 0);
  });
  to_lead = std::exchange(to_lead_, nullptr);
  to_complete = std::exchange(to_complete_, list());
  has_work_.store(false, std::memory_order_relaxed);
  return to_lead != nullptr || !to_complete.empty();
}

void commit_queue::serve() {
  queued_write* to_lead = nullptr;
  list to_complete;
  while (wait_for_work(to_lead, to_complete)) {
    complete(to_complete);
    // When it is not answered, another thread leads now, and this write is in its group or in the queue.
    if (to_lead == nullptr || !lead(*to_lead)) continue;
    list own;
    own.push_back(*to_lead);
    complete(own);
  }
}

void commit_queue::complete(list done) noexcept {
  queued_write* next = done.pop_front();
  while (next != nullptr) {
    list part;
    std::size_t writes = 0;
    std::size_t bytes = 0;
    for (; next != nullptr && writes < completed_at_once; next = done.pop_front()) {
      ++writes;
      bytes += next->bytes_;
      part.push_back(*next);
    }
    {
      // First, so that whoever is told finds room for the next one.
      std::lock_guard const lock(mutex_);
      detached_writes_ -= writes;
      detached_bytes_ -= bytes;
    }
    part.for_each([](queued_write& write) { write.complete(); });
  }
}

write_counts commit_queue::counts() const {
  std::lock_guard const lock(mutex_);
  write_counts now = counts_;
  now.waiting = queued_;
  return now;
}

std::size_t commit_queue::waiting() const {
  std::lock_guard const lock(mutex_);
  return queued_;
}

bool commit_queue::lead(queued_write& self) {
  // It is open when another leader has handed it over.
  if (!open_) {
    if (auto begun = shared_.begin(self.deadline_us_); !begun) {
      self.fail(begun.error());
      pass_lead();
      return true;
    }
    open_ = true;
    group_began_us_ = steady_us();
  }
  for (queued_write* next = &self; next != nullptr; next = next_in_queue()) {
    if (next != &self && next->own_thread_) {
      self.state_.store(queued_write::waiting, std::memory_order_relaxed);
      wake(*next, queued_write::leading);
      return false;
    }
    next->apply();
    auto const health = shared_.check();
    if (health == group_transaction::health::lost) return repeat_without(*next, self);
    group_.push_back(*next);
    group_bytes_ += next->bytes_;
    ++group_writes_;
    if (health == group_transaction::health::failed) {
      error const reason = shared_.failure();
      shared_.roll_back();
      return fail_all(reason, self);
    }
  }
  return finish(self);
}

bool commit_queue::finish(queued_write& self) {
  std::int64_t const began_us = steady_us();
  if (auto committed = shared_.commit(); !committed) return fail_all(committed.error(), self);
  gather_us_ = static_cast<std::int64_t>(static_cast<double>(steady_us() - began_us) * most_.gather);
  last_group_writes_ = group_writes_;
  if (sleeping_groups_ != 0) --sleeping_groups_;
  std::size_t const writes = group_writes_;
  list const waiting = answer_detached(close_group(), self);
  if (shared_.wants_tidying()) {
    answer(waiting);
    shared_.tidy();
    pass_lead(writes);
  } else {
    // The next group's begin is worth more than this one's goodbyes.
    pass_lead(writes);
    answer(waiting);
  }
  return true;
}

bool commit_queue::fail_all(error const& reason, queued_write& self) {
  list const members = close_group();
  members.for_each([&](queued_write& write) { write.fail(reason); });
  list const waiting = answer_detached(members, self);
  pass_lead();
  answer(waiting);
  return true;
}

// The culprit has its answer; all others of the group go back to the head of the queue.
bool commit_queue::repeat_without(queued_write& culprit, queued_write& self) {
  shared_.roll_back();
  list members = close_group();
  if (&culprit != &self) self.state_.store(queued_write::waiting, std::memory_order_relaxed);
  members.put_before(taken_);
  if (&culprit != &self) tell(culprit);
  pass_lead();
  return &culprit == &self;
}

// Before the lead is passed on, so that completions come in the order of the groups.
commit_queue::list commit_queue::answer_detached(list members, queued_write const& self) noexcept {
  list waiting;
  list detached;
  members.for_each([&](queued_write& write) {
    if (&write != &self) (write.detached_ ? detached : waiting).push_back(write);
  });
  if (!detached.empty()) {
    std::lock_guard const lock(mutex_);
    detached.for_each([&](queued_write& write) { to_complete_.push_back(write); });
    hand_to_server(nullptr);
  }
  return waiting;
}

void commit_queue::answer(list waiting) noexcept {
  parking_place* last = nullptr;
  waiting.for_each([&](queued_write& write) {
    parking_place* const place = write.place_;
    // Behind this line the write may be gone.
    write.state_.store(queued_write::done, std::memory_order_release);
    if (last != nullptr && place != last) last->call_all();
    last = place;
  });
  if (last != nullptr) last->call_all();
}

parking_place& commit_queue::place_for_next() noexcept {
  return queue_.empty() ? leaders_places_[place_] : groups_places_[place_];
}

void commit_queue::tell(queued_write& write) noexcept {
  if (!write.detached_) return wake(write, queued_write::done);
  std::lock_guard const lock(mutex_);
  to_complete_.push_back(write);
  hand_to_server(nullptr);
}

commit_queue::list commit_queue::close_group() noexcept {
  list const members = std::exchange(group_, list());
  group_bytes_ = 0;
  group_writes_ = 0;
  open_ = false;
  return members;
}

queued_write* commit_queue::next_in_queue() {
  bool const room = group_writes_ < most_.writes && group_bytes_ < most_.bytes &&
                    steady_us() - group_began_us_ < most_.us;
  if (!room) return nullptr;
  if (taken_.empty()) {
    std::unique_lock lock(mutex_);
    if (queue_.empty()) gather(lock);
    take_all();
  }
  return taken_.pop_front();
}

// Those who were answered together are about to come again: a commit for the first of them alone would keep all others waiting. The
// core may be what they wait for, so the leader lets them have it. To yield costs less than to sleep, unless somebody else computes,
// who then has the core for milliseconds: when that was so, leaders sleep for a while.
void commit_queue::gather(std::unique_lock<std::mutex>& lock) {
  if (group_writes_ >= last_group_writes_) return;
  std::int64_t const end_us = group_began_us_ + gather_us_;
  std::int64_t now_us = steady_us();
  if (sleeping_groups_ == 0 && most_.longest_yield_us > 0) {
    lock.unlock();
    while (now_us < end_us && queued_.load(std::memory_order_relaxed) == 0) {
      std::this_thread::yield();
      std::int64_t const back_us = steady_us();
      if (back_us - now_us > most_.longest_yield_us) sleeping_groups_ = sleeping_groups;
      now_us = back_us;
    }
    lock.lock();
    return;
  }
  wanted_ = last_group_writes_ - group_writes_;
  gathered_.wait_for(lock, std::chrono::microseconds(end_us - now_us), [&] { return queued_ >= wanted_; });
  wanted_ = 0;
}

void commit_queue::add(queued_write& write) noexcept {
  queue_.push_back(write);
  if (++queued_ == wanted_) gathered_.notify_one();
}

void commit_queue::take_all() noexcept {
  taken_ = std::exchange(queue_, list());
  queued_.store(0, std::memory_order_relaxed);
  place_ = (place_ + 1) % places;
}

void commit_queue::pass_lead(std::size_t committed) {
  queued_write* next = nullptr;
  {
    std::lock_guard const lock(mutex_);
    if (committed != 0) {
      auto const size = static_cast<std::size_t>(std::bit_width(committed - 1));
      ++counts_.groups[std::min(size, write_counts::sizes - 1)];
      counts_.writes += committed;
    }
    if (taken_.empty()) take_all();
    next = taken_.pop_front();
    if (next == nullptr) led_ = false;
    if (next != nullptr && next->detached_) {
      hand_to_server(next);
      return;
    }
  }
  if (next != nullptr) wake(*next, queued_write::leading);
}

bool commit_queue::wait(queued_write& write) {
  static int const cores = static_cast<int>(std::thread::hardware_concurrency());
  int const waiting_before = waiting_threads_.fetch_add(1, std::memory_order_relaxed);
  if (waiting_before < cores - 1) {
    std::int64_t const end = steady_us() + poll_us;
    for (int round = 1; write.state_.load(std::memory_order_acquire) == queued_write::waiting; ++round) {
      cleave::detail::relax();
      if (round % rounds_between_looks == 0 && steady_us() >= end) break;
    }
  }
  for (;;) {
    int const calls = write.place_->calls();
    if (write.state_.load(std::memory_order_acquire) != queued_write::waiting) break;
    write.place_->wait(calls);
  }
  waiting_threads_.fetch_sub(1, std::memory_order_relaxed);
  return write.state_.load(std::memory_order_acquire) == queued_write::done;
}

void commit_queue::wake(queued_write& write, queued_write::state why) noexcept {
  parking_place* const place = write.place_;
  // Behind this line the write may be gone.
  write.state_.store(why, std::memory_order_release);
  place->call_all();
}

} // namespace cleave::sqlite
