// SPDX-License-Identifier: BSL-1.0
// A command on its way: what was decided, the events that it made, and what became of them.
#pragma once

#include <cleave/command/detail/command_type.hpp>
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
    done_ = {};
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

  // Inside the commit, which stores a rejection too where the command has an id. `request` says where the events go.
  template <class Commit> result<void> append_in(Commit& in, append_request const& request) {
    if (refused() == nullptr) request_ = request;
    else if (record_.id.nil()) return {};
    if (!record_.id.nil()) {
      answer_ = record_;
      answer_.refused = refused();
      request_.command = &answer_;
    }
    auto appended_now = in.append(request_);
    if (!appended_now) return unexpected(std::move(appended_now).error());
    done_ = *appended_now;
    return {};
  }
  appended const& done() const noexcept { return done_; }
  // Behind the commit.
  command_result finish() {
    if (done_.repeated) return answer(side_.store(), done_, record_);
    if (auto const* why = refused()) return unexpected(command_failure(*why));
    side_.published(request_, done_);
    return committed{done_.position, done_.version, false};
  }

  // With a commit of its own. Not for a rejection.
  command_result append(append_request request) {
    if (!record_.id.nil()) request.command = &record_;
    auto done = side_.append(request);
    if (done && !done->repeated) side_.published(request, *done);
    return answer(side_.store(), std::move(done), record_);
  }

private:
  WriteSide& side_;
  command_record const& record_;
  command_context const& context_;
  decision_slot decision_;
  command_record answer_; // that of record_, with the rejection
  std::optional<outgoing_events> events_;
  append_request request_;
  appended done_;
};

} // namespace cleave::detail
