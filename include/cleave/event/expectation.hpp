// SPDX-License-Identifier: BSL-1.0
// What the writer of an append takes for granted about the stream: the optimistic check.
#pragma once

#include <cleave/base/error.hpp>
#include <cleave/event/position.hpp>
#include <cleave/event/stream.hpp>

#include <cstdint>
#include <string>

namespace cleave {

class expectation {
public:
  enum class kind : std::uint8_t { any, no_stream, stream_exists, exactly };

  // No check.
  static constexpr expectation any() noexcept { return expectation(kind::any, version()); }
  // The stream has no event. The same as exactly(version(0)).
  static constexpr expectation no_stream() noexcept { return expectation(kind::no_stream, version()); }
  // The stream has at least one event.
  static constexpr expectation stream_exists() noexcept {
    return expectation(kind::stream_exists, version());
  }
  // The stream's last event has this version; version 0: no event.
  static constexpr expectation exactly(version v) noexcept {
    return v == version() ? no_stream() : expectation(kind::exactly, v);
  }

  constexpr kind which() const noexcept { return kind_; }
  // The version wanted by `exactly`; 0 for the others.
  constexpr version expected() const noexcept { return version_; }
  // Whether a stream whose last version is `actual` satisfies it.
  constexpr bool holds_at(version actual) const noexcept {
    switch (kind_) {
    case kind::any: return true;
    case kind::no_stream: return actual == version();
    case kind::stream_exists: return actual != version();
    case kind::exactly: return actual == version_;
    }
    return false;
  }
  friend constexpr bool operator==(expectation, expectation) noexcept = default;

private:
  constexpr expectation(kind k, version v) noexcept : kind_(k), version_(v) {}
  kind kind_;
  version version_;
};

// errc::version_conflict, "wrong expected version 3 (stream account-42, actual 5)": the one text for all stores.
error version_conflict(stream_name stream, expectation expected, version actual);

} // namespace cleave
