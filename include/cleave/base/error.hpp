// SPDX-License-Identifier: BSL-1.0
// The error that every fallible function of cleave returns when the machine, the data or a race is at fault.
#pragma once

#include <cleave/base/text.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace cleave {

// What kind of trouble it was. A program branches on the code and shows the text. The numbers are stable.
enum class errc : std::uint8_t {
  invalid_argument = 1, // a value that no call can accept: an empty name, a NUL in it, a range turned round
  limit_exceeded =
      2, // a stated limit was reached (base/limits.hpp or an option); the text names it and both values
  version_conflict = 3, // a lost race: the expectation of an append did not hold; nothing was stored
  duplicate_event =
      4, // an event id is already in the log, and the batch is not a plain repeat of its first append
  command_id_reused = 5, // the command id is known from another command
  not_found = 6,         // the named thing does not exist
  stale = 7,             // the read model did not reach the wanted position in time
  timeout = 8,           // a bounded wait ended
  busy = 9,              // another process holds the resource longer than the stated wait
  decode_failed = 10,    // stored or given bytes do not fit the type that they are to become
  encode_failed = 11,    // a value has no stored form: a text that is not UTF-8, a number that is not finite
  unknown_event = 12,    // a stored event name that no type of the reader carries
  handler_failed = 13,   // a function of the application threw; what it said is in the text
  io_error = 14,         // the operating system refused a read, a write or a sync
  disk_full = 15,        // no room left
  read_only = 16,        // the file or its folder cannot be written
  corrupt = 17,          // stored bytes contradict themselves
  newer_schema = 18,     // the file was written by a newer cleave
  not_a_store = 19,      // the file is something else
  store_failed = 20,     // the store refuses work after a failed commit until it is opened again
  stopped = 21,          // the component is shutting down or was closed
  unsupported = 22,      // this adapter cannot do that
  constraint_violated =
      23,              // a rule of the application's own tables (unique, foreign key, check) refused a row
  already_exists = 24, // the thing that was to be made is there, and is left as it is
};

// The code's name as written in the enumeration, e.g. "version_conflict"; "unknown" for a number that is none.
std::string_view to_string(errc code) noexcept;

// An error: a code, a text that names the thing, the place and the values, and, where one error came of another, the cause.
// Copies are deep. It is never empty: there is no "no error" value, result<T> says that.
class error {
public:
  error(errc code, std::string text) : code_(code), text_(std::move(text)) {}
  error(errc code, std::string text, error cause);
  error(error const& other);
  error(
      error&&
          other) noexcept; // not inline, like the destructor: every result<T> of every program would carry them
  error& operator=(error other) noexcept {
    code_ = other.code_;
    text_.swap(other.text_);
    std::swap(cause_, other.cause_);
    return *this;
  }
  ~error();

  errc code() const noexcept { return code_; }
  // The text of this error alone.
  std::string const& text() const noexcept { return text_; }
  // The error underneath, or nullptr. Owned by this error.
  error const* cause() const noexcept { return cause_; }
  // For people: "code: text", and ": " with each cause's text behind.
  std::string message() const;

private:
  errc code_;
  std::string text_;
  error const* cause_ =
      nullptr; // owned; a plain pointer because <memory> would double the cost of every core header
};

// make_error(errc::stale, "position {} not reached", p): an error with a formatted text.
template <class... Arguments>
error make_error(errc code, checked_format<sizeof...(Arguments)> format, Arguments const&... arguments) {
  return error(code, format_text(format, arguments...));
}

namespace detail {
// The error for the exception that is being handled now, thrown by the application's function `where`.
// Call it only inside a catch block.
error current_exception_error(std::string_view where);
} // namespace detail

} // namespace cleave
