// SPDX-License-Identifier: BSL-1.0
// What the sender of a command gets back, and what it may say along with it.
#pragma once

#include <cleave/base/error.hpp>
#include <cleave/base/principal.hpp>
#include <cleave/base/rejection.hpp>
#include <cleave/base/result.hpp>
#include <cleave/event/envelope.hpp>
#include <cleave/event/position.hpp>

#include <string>
#include <utility>
#include <variant>

namespace cleave {

// The command was executed, and what it did is committed.
struct committed {
  cleave::position
      position; // of its last event; the head of the log when it had none. Ask queries for at_least this.
  cleave::version version; // of its stream behind its last event
  bool repeated = false;   // a command of this id was executed before; this is the answer of then
};

// The command was not executed: the domain refused it, or something failed. Either way nothing of it is stored (but the
// rejection itself, for a command with an id).
class command_failure {
public:
  command_failure(cleave::rejection refused) : why_(std::move(refused)) {}
  command_failure(cleave::error failed) : why_(std::move(failed)) {}

  bool is_rejection() const noexcept { return why_.index() == 0; }
  // The domain's answer. A bug of the caller if it is an error.
  cleave::rejection const& rejection() const {
    return CLEAVE_ASSERT(is_rejection(), "not a rejection"), *std::get_if<0>(&why_);
  }
  // What failed. A bug of the caller if it is a rejection.
  cleave::error const& error() const {
    return CLEAVE_ASSERT(!is_rejection(), "not an error"), *std::get_if<1>(&why_);
  }
  // For people: "rejected: code: text", or the error's message.
  std::string message() const {
    return is_rejection() ? "rejected: " + rejection().code + ": " + rejection().text : error().message();
  }

private:
  std::variant<cleave::rejection, cleave::error> why_;
};

using command_result = result<committed, command_failure>;

// What comes along with a command. Views: they need to live until execute returns.
struct command_context {
  command_id id{}; // not nil: executed once; a repeat gets the first outcome, also after a restart
  correlation_id correlation{}; // goes into the events' metadata; so do the other two
  causation_id causation{};
  std::span<header const> headers{};
  cleave::principal const* principal =
      nullptr;          // who sends it; nullptr: nobody says. For middleware, like the next
  timestamp deadline{}; // not begun after it; 0: none
};
// What comes along when the sender says nothing.
inline constexpr command_context no_context{};

} // namespace cleave
