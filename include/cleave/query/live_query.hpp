// SPDX-License-Identifier: BSL-1.0
// A live query: the first answer, and then each further one as soon as it differs.
//
//   cleave::live_query live(bank, balance_of{"alice"});
//   while (auto now = live.next(std::chrono::seconds(30))) show(now->answer);
//
// What it follows is the projection's progress: each advance asks the query again, and so does another change of the read model (a retry
// of dead letters, another version in its place); an answer that is the same as the one before is not told. So nothing is missed or told twice between the first answer and the rest: the first one is told in the same way.
// Events that the projection applies in one batch show in one answer. With cached_queries an advance that does not touch the answer
// costs a hit. The answers wait in a bounded queue; when that is full, all of it gives way to one fresh answer that says so.
#pragma once

#include <cleave/base/duration.hpp>
#include <cleave/base/step.hpp>
#include <cleave/query/progress.hpp>
#include <cleave/query/query_set.hpp>
#include <cleave/query/query_value.hpp>
#include <cleave/query/step_thread.hpp>

#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace cleave {

struct live_query_options {
  std::size_t queue = 16; // answers that wait for the consumer at the most; 1 or more
  std::int64_t poll_us = 1'000'000;
};

template <class Answer> struct live_answer {
  Answer answer;
  position reflects;   // every event up to here
  bool lagged = false; // others came before it and were given up, because the consumer was slow
};

// It has a thread of its own when the application has threads; otherwise next() does the work, or whoever calls step(). It must be
// destroyed before the application. Any thread may call any function; several that call next() share the answers between them.
template <query Q> class live_query {
  using result_type = typename Q::result_type;
  static_assert(
      std::equality_comparable<result_type> || detail::described_value<result_type>,
      "cleave: a live query tells what has changed: give its result_type operator==, or describe it with "
      "BOOST_DESCRIBE_STRUCT");

public:
  template <class Application> live_query(Application& application, Q q,
                                          live_query_options const& options = {})
      : q_(std::move(q)),
        options_(options),
        progress_(application.template progress_of<Q>()),
        application_(&application),
        ask_([](void* a, Q const& question, at_least wanted) {
          return static_cast<Application*>(a)->query(question, wanted);
        }) {
    CLEAVE_ASSERT(options.queue >= 1, "live_query_options::queue is at least 1");
    if (application.has_threads()) thread_.emplace(*this, progress_.advances(), options_.poll_us);
  }
  live_query(live_query const&) = delete;
  live_query& operator=(live_query const&) = delete;
  ~live_query() = default;

  // The next answer. errc::timeout when none came in time; what the query failed with, once for each time that it does; errc::stale,
  // for ever, when the projection has stopped.
  template <detail::duration_like Duration> result<live_answer<result_type>> next(Duration timeout) {
    return next(at_least(position(), timeout).timeout_us);
  }

  // Asks once, if the read model has changed since the last time. Failed when the projection has stopped.
  cleave::step step() noexcept {
    std::scoped_lock const lock(stepping_);
    if (stopped_) return step::failed;
    try {
      if (progress_.failed()) {
        stopped_ = true;
        auto why = progress_.wait(at_least(position(limits::position_max)));
        std::scoped_lock const queue_lock(queue_mutex_);
        ended_ = std::move(why).error();
        pushed_.publish(pushed_.last().next());
        return step::failed;
      }
      auto const rewrites = progress_.rewrites();
      auto const at = progress_.reached();
      if (asked_at_ && *asked_at_ == at && rewrites_ == rewrites) return step::idle;
      auto answered = ask_(application_, q_, at_least(at));
      asked_at_ = at;
      rewrites_ = rewrites;
      if (!answered) {
        last_.reset();
        push(unexpected(std::move(answered).error()));
      } else if (!last_ || !detail::same_value(*last_, *answered)) {
        last_ = *answered;
        push(live_answer<result_type>{std::move(*answered), at});
      }
      return step::worked;
    } catch (...) {
      stopped_ = true;
      return step::failed;
    }
  }
  // Answers in the queue, at this moment: at most live_query_options::queue.
  std::size_t waiting() const {
    std::scoped_lock const lock(queue_mutex_);
    return queue_.size();
  }
  // What the answers reflect, for a thread that steps it.
  position reached() const noexcept {
    std::scoped_lock const lock(stepping_);
    return asked_at_.value_or(position());
  }

private:
  result<live_answer<result_type>> next(std::int64_t timeout_us) {
    for (;;) {
      position seen;
      {
        std::scoped_lock const lock(queue_mutex_);
        if (!queue_.empty()) {
          auto first = std::move(queue_.front());
          queue_.pop_front();
          return first;
        }
        if (ended_) return unexpected(*ended_);
        seen = pushed_.last();
      }
      if (!thread_ && step() == step::worked) continue;
      if (!pushed_.wait_for(seen.next(), thread_ ? timeout_us : 0))
        return unexpected(make_error(errc::timeout, "no new answer from projection {} in {} ms",
                                     progress_.name(), timeout_us / 1000));
    }
  }

  void push(result<live_answer<result_type>> next) {
    std::scoped_lock const lock(queue_mutex_);
    if (queue_.size() >= options_.queue) {
      queue_.clear();
      if (next) next->lagged = true;
    }
    queue_.push_back(std::move(next));
    pushed_.publish(pushed_.last().next());
  }

  Q q_;
  live_query_options options_;
  projection_progress& progress_;
  void* application_;
  result<result_type> (*ask_)(void*, Q const&, at_least);
  std::mutex mutable stepping_; // guards what follows
  std::optional<position> asked_at_;
  std::uint64_t rewrites_ = 0;      // of the model, by then
  std::optional<result_type> last_; // the answer that was told last
  bool stopped_ = false;
  std::mutex mutable queue_mutex_;
  std::deque<result<live_answer<result_type>>> queue_;
  std::optional<error> ended_;        // why nothing more comes
  commit_signal pushed_;              // its head counts what was put into the queue, and the end
  std::optional<step_thread> thread_; // last: it ends before what it steps
};

template <class Application, class Q> live_query(Application&, Q) -> live_query<Q>;
template <class Application, class Q>
live_query(Application&, Q, live_query_options const&) -> live_query<Q>;

} // namespace cleave
