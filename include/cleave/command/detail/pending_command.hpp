// SPDX-License-Identifier: BSL-1.0
// A command on its way: what was decided, the events that it made, and what became of them.
#pragma once

#include <cleave/command/detail/command_type.hpp>
#include <cleave/command/detail/key_turns.hpp>
#include <cleave/command/write_side.hpp>
#include <cleave/event/append.hpp>
#include <cleave/event/event_store.hpp>

#include <optional>
#include <span>
#include <utility>

namespace cleave::detail {

template <class WriteSide> class pending_command {
public:
  // All must outlive it.
  pending_command(WriteSide& side, command_record const& record, command_context const& context) noexcept
      : side_(side), record_(record), context_(context) {}

  // Of an attempt before this one nothing is left.
  result<void> decide(decide_type const& by, void const* state, void const* command) {
    request_ = {};
    done_.reset();
    events_.reset();
    try {
      decision_.decide(by, state, command);
    } catch (...) {
      return unexpected(current_exception_error("decide"));
    }
    return {};
  }
  decided const& decision() const noexcept { return *decision_; }
  rejection const* refused() const noexcept { return decision_->refused(); }
  // Of what was decided; none for a rejection. `at`: the store, or the commit that they are for.
  template <class At> std::span<new_event const> events(At& at) {
    if (refused() != nullptr || decision_->size() == 0) return {};
    clock_ref const& clock = side_.options().clock;
    timestamp now;
    if constexpr (tells_time<At>) now = at.now(clock);
    else now = clock.now();
    return events_.emplace(*decision_, side_.options().ids, now, context_).view();
  }

  // Inside the commit, which stores a rejection too where the command has an id. `streams` says where the events go.
  template <class Commit> result<void> append_in(Commit& in, std::span<stream_append const> streams) {
    if (refused() == nullptr) request_.streams = streams;
    else if (record_.id.nil()) return {};
    if (!record_.id.nil()) {
      answer_ = record_;
      answer_->refused = refused();
      request_.command = &*answer_;
    }
    result<appended> const& done = done_.make([&] { return in.append(request_); });
    if (!done) return unexpected(done.error());
    return {};
  }
  // Of a rejection that is not stored there is none.
  appended const& done() const { return *done_.get(); }
  bool repeated() const { return done_.there() && done().repeated; }
  // Behind the commit.
  command_result finish() {
    if (repeated()) return answer(side_.store(), result<appended>(done()), record_);
    if (auto const* why = refused()) return unexpected(command_failure(*why));
    side_.published(request_, done());
    return committed{done().position, done().version, false};
  }

  // With a commit of its own, which ends the turn. Not for a rejection.
  command_result append(append_request request, key_turns::turn& turn) {
    if (!record_.id.nil()) request.command = &record_;
    auto done = side_.append(request);
    turn.end();
    if (done && !done->repeated) side_.published(request, *done);
    return answer(side_.store(), std::move(done), record_);
  }

private:
  // What the store answers, made in its place: a copy would be read while what it is put together from is still on its way.
  class answer_slot {
  public:
    answer_slot() noexcept {}
    answer_slot(answer_slot const&) = delete;
    answer_slot& operator=(answer_slot const&) = delete;
    ~answer_slot() { reset(); }
    template <class Append> result<appended> const& make(Append append) {
      reset();
      new (&made_) result<appended>(append());
      there_ = true;
      return made_;
    }
    void reset() noexcept {
      if (there_) made_.~result();
      there_ = false;
    }
    bool there() const noexcept { return there_; }
    result<appended> const& get() const noexcept { return made_; }

  private:
    union {
      result<appended> made_;
    };
    bool there_ = false;
  };

  WriteSide& side_;
  command_record const& record_;
  command_context const& context_;
  decision_slot decision_;
  std::optional<command_record> answer_; // that of record_, with the rejection
  std::optional<outgoing_events> events_;
  append_request request_;
  answer_slot done_;
};

} // namespace cleave::detail
