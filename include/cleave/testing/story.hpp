// SPDX-License-Identifier: BSL-1.0
// The sentence of a given/when/then while it is told, and its end. Compiled in src/testing/given_when_then.cpp.
#pragma once

#include <cleave/base/error.hpp>
#include <cleave/base/rejection.hpp>
#include <cleave/event/envelope.hpp>
#include <cleave/testing/report.hpp>
#include <cleave/testing/shown_value.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cleave::testing::detail {

inline constexpr std::string_view stream_of_unplaced = "given-1";

class story {
public:
  // Tells an event, and says what stands around it. The stream's name must outlive the use of the envelope.
  envelope given(shown_value const& event, std::string_view stream, timestamp recorded_at);
  void when(shown_value const& asked);

  // A function of the application failed: no end but this one holds any more. The first failure stays.
  void fail(error why);
  error const* failure() const noexcept { return failure_ ? &*failure_ : nullptr; }

  report then_events(std::span<shown_value const> expected, std::span<shown_value const> actual,
                     rejection const* refused) const;
  report then_rejected(std::string_view code, std::span<shown_value const> actual,
                       rejection const* refused) const;
  report then_answer(shown_value const& expected, std::optional<shown_value> const& actual,
                     error const* failure) const;
  report then_failed(errc code, std::optional<shown_value> const& actual, error const* failure) const;

private:
  struct counted_stream {
    std::string name;
    std::uint64_t version;
  };

  std::string text_;
  std::vector<counted_stream> streams_;
  std::uint64_t position_ = 0;
  std::optional<error> failure_;
};

} // namespace cleave::testing::detail
