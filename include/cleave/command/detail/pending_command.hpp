// SPDX-License-Identifier: BSL-1.0
// A command on its way: what was decided, the events that it made, and what became of them.
#pragma once

#include <cleave/command/detail/command_type.hpp>
#include <cleave/command/write_side.hpp>
#include <cleave/event/append.hpp>

#include <optional>
#include <span>
#include <utility>

namespace cleave::detail {

template <class WriteSide> class pending_command {
public:
  // All must outlive it.
  pending_command(WriteSide& side, command_record const& record, command_context const& context) noexcept
      : side_(side), record_(record), context_(context), answer_(record) {}

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
  // Of what was decided; none for a rejection.
  std::span<new_event const> events() {
    if (refused() == nullptr) return events_.emplace(*decision_, side_.options(), context_).view();
    return {};
  }

  // Inside the commit, which stores a rejection too where the command has an id. `request` says where the events go.
  template <class Commit> result<void> append_in(Commit& in, append_request const& request) {
    request_ = refused() == nullptr ? request : append_request{};
    answer_.refused = refused();
    if (!record_.id.nil()) request_.command = &answer_;
    if (refused() != nullptr && record_.id.nil()) return {};
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
