// SPDX-License-Identifier: BSL-1.0
// The texts behind the small integers of the log, for one read: what was asked for once is not asked for again.
#pragma once

#include <cleave/base/result.hpp>
#include <cleave/sqlite/database.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace cleave::sqlite {

class id_texts {
public:
  enum class of : std::uint8_t { streams, names };
  explicit id_texts(of which) noexcept : which_(which) {}

  // Valid until trim(). errc::corrupt when no text has that id.
  result<std::string_view> find(database& db, std::int64_t id);
  // Forgets all if it is a lot.
  void trim();

private:
  static constexpr std::size_t most = 16'384;

  of which_;
  std::unordered_map<std::int64_t, std::string> known_;
  std::int64_t last_id_ = 0; // events of one kind often come together
  std::string_view last_;
};

} // namespace cleave::sqlite
