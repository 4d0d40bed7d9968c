// SPDX-License-Identifier: BSL-1.0
// Where the writes of all threads meet. One of the waiting threads leads, the others wait for it.
//
// - A write that finds nobody leading is run by its own thread at once.
// - A leader takes what has queued up into its transaction, commits, answers all, and passes the lead to the first of the
//   queue, whose write begins the next group. So nobody serves others for longer than one group, and order is kept.
// - A group waits for those who were answered with the last one, at most as long as that one's commit took; who was answered alone
//   waits for nobody.
// - A write that runs code of the application is run by its own thread: a leader that meets one hands the open transaction over.
// - A write that nobody waits for (detached) is led by a thread of the queue, which starts with the first of them; it also tells
//   them what became of them, one after another, in the order of their commits.
#pragma once

#include <cleave/base/result.hpp>
#include <cleave/event/write_counts.hpp>

#include "parking_place.hpp"

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <thread>

namespace cleave::sqlite {

// One write. It lives on the stack of the thread that waits for it, or is detached.
class queued_write {
public:
  queued_write(queued_write const&) = delete;
  queued_write& operator=(queued_write const&) = delete;
  virtual ~queued_write() = default;

  // Does it inside the open transaction. Runs on whatever thread leads, unless own_thread. Several times, if it has to be
  // repeated in another transaction.
  virtual void apply() = 0;
  // What apply() noted is void: the transaction has failed.
  virtual void fail(error const& reason) = 0;
  // Of a detached write: the last call. Committed, or failed.
  virtual void complete() noexcept {}

  // How it is run.
  enum class kind : std::uint8_t { plain, own_thread, detached };

protected:
  queued_write(kind what, std::int64_t deadline_us, std::size_t bytes = 0) noexcept
      : own_thread_(what == kind::own_thread),
        detached_(what == kind::detached),
        bytes_(bytes),
        deadline_us_(deadline_us) {}
  // Of a detached one, before it is queued.
  void set(std::int64_t deadline_us, std::size_t bytes) noexcept {
    deadline_us_ = deadline_us;
    bytes_ = bytes;
  }

private:
  friend class commit_queue;
  enum state : std::uint8_t { waiting, leading, done };

  bool own_thread_; // runs code of the application
  bool detached_;
  std::size_t bytes_;
  std::int64_t deadline_us_;
  std::atomic<int> state_{waiting};
  parking_place* place_ = nullptr;
  queued_write* next_ = nullptr;
};

// The transaction that a group shares. Only the leader calls it.
class group_transaction {
public:
  virtual result<void> begin(std::int64_t deadline_us) = 0;
  // What became of the transaction in the last apply(): nothing; lost, through the fault of that write alone; or lost because the
  // machine failed, with the reason for all.
  enum class health : std::uint8_t { good, lost, failed };
  virtual health check() = 0;
  virtual error failure() = 0;
  virtual void roll_back() = 0;
  virtual result<void> commit() = 0;
  // After the members of a group are answered, before the lead is passed on: work that only the leader's caller waits for.
  virtual bool wants_tidying() const = 0;
  virtual void tidy() = 0;

protected:
  ~group_transaction() = default;
};

class commit_queue {
public:
  // A group takes in nothing more when it has reached one of them.
  struct bounds {
    std::size_t writes = 512;
    std::size_t bytes = std::size_t{8} * 1024 * 1024;
    std::int64_t us = 5'000;
    // A leader that has fewer writes than the last group had waits for more of them, at most so many times what that group's commit took.
    double gather = 1;
    // It yields its core to them, and sleeps for some groups after a yield that took longer. 0: it always sleeps.
    std::int64_t longest_yield_us = 1'000;
    // Detached writes that are not completed, but for some that are being told.
    std::size_t detached_writes = 16'384;
    std::size_t detached_bytes = std::size_t{64} * 1024 * 1024;
  };

  explicit commit_queue(group_transaction& shared, bounds most) noexcept : shared_(shared), most_(most) {}
  commit_queue(commit_queue const&) = delete;
  commit_queue& operator=(commit_queue const&) = delete;
  // Waits until all detached writes are completed.
  ~commit_queue();

  // Returns when the write is committed or has failed.
  void run(queued_write& write);
  // Takes a detached write in; complete() will be called on the queue's thread. errc::limit_exceeded when there are too many:
  // then it is not taken.
  result<void> post(queued_write& write);
  // Writes that wait for a leader to take them in, at this moment.
  std::size_t waiting() const;
  // The groups that are committed, and what waits.
  write_counts counts() const;

private:
  class list {
  public:
    bool empty() const noexcept { return first_ == nullptr; }
    void push_back(queued_write& write) noexcept;
    queued_write* pop_front() noexcept; // nullptr when empty
    // All of this list goes in front of `others`; this one is empty then.
    void put_before(list& others) noexcept;
    template <class F> void for_each(F f) const {
      for (queued_write* at = first_; at != nullptr;) {
        queued_write* const next = at->next_; // f may end the life of *at
        f(*at);
        at = next;
      }
    }

  private:
    queued_write* first_ = nullptr;
    queued_write* last_ = nullptr;
  };

  // The caller leads; its own write is not applied yet. True: it is answered and the lead is passed on. False: wait for it.
  bool lead(queued_write& self);
  bool finish(queued_write& self);
  bool repeat_without(queued_write& culprit, queued_write& self);
  bool fail_all(error const& reason, queued_write& self);
  // Tells the detached ones but self; the others of the list but self.
  list answer_detached(list members, queued_write const& self) noexcept;
  void answer(list waiting) noexcept;
  void tell(queued_write& write) noexcept; // that it is done
  list close_group() noexcept;
  queued_write* next_in_queue(); // nullptr: none, or the group is full
  void gather(std::unique_lock<std::mutex>& lock);
  void add(queued_write& write) noexcept; // under the mutex, as the next
  void take_all() noexcept;
  void pass_lead(std::size_t committed = 0); // writes of the group
  // Until the write is done (true) or leads (false).
  bool wait(queued_write& write);
  static void wake(queued_write& write, queued_write::state why) noexcept;
  parking_place& place_for_next() noexcept; // under the mutex
  // The queue's thread.
  void serve();
  void hand_to_server(queued_write* lead) noexcept;              // nullptr: only to be told of completed ones
  bool wait_for_work(queued_write*& to_lead, list& to_complete); // false: the end
  void complete(list done) noexcept;

  group_transaction& shared_;
  bounds most_;
  mutable std::mutex mutex_;
  list queue_;
  std::atomic<std::size_t> queued_{0}; // changed under the mutex
  std::size_t wanted_ = 0;             // so many of them wake a leader that gathers; 0: it does not
  std::condition_variable gathered_;
  bool led_ = false;
  // Of the queue's thread, under the mutex.
  queued_write* to_lead_ = nullptr;
  list to_complete_;
  std::size_t detached_writes_ = 0;
  std::size_t detached_bytes_ = 0;
  bool ending_ = false;
  std::condition_variable work_;
  std::atomic<bool> has_work_{false}; // so that it can be looked for without the mutex
  std::thread server_;
  // Those who will be answered together sleep in one place, so that one call wakes them all: to wake one after another takes longer than
  // the commit. The first of them is going to lead, and sleeps elsewhere. A place that is used again too soon only wakes too many.
  static constexpr std::size_t places = 8;
  std::array<parking_place, places> leaders_places_{};
  std::array<parking_place, places> groups_places_{};
  std::size_t place_ = 0; // changes whenever the queue is taken
  std::atomic<int> waiting_threads_{0};
  // Of the leader.
  list taken_; // from the queue, for this group or the next
  list group_;
  std::size_t group_writes_ = 0;
  std::size_t group_bytes_ = 0;
  std::int64_t group_began_us_ = 0;
  // Of the last group.
  std::size_t last_group_writes_ = 0;
  std::int64_t gather_us_ = 0;
  int sleeping_groups_ = 0; // whose leaders gather asleep
  bool open_ = false;
  write_counts counts_; // under the mutex
};

} // namespace cleave::sqlite
