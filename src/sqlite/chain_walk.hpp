// SPDX-License-Identifier: BSL-1.0
// Going back along a stream's chain in one run of one statement.
#pragma once

#include <cleave/base/result.hpp>
#include <cleave/sqlite/database.hpp>

#include "log_rows.hpp"
#include "stream_chain.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace cleave::sqlite {

// Who derives from it takes what stands in the rows, and says with pass() how it goes on.
class chain_walk : public row_taker {
public:
  chain_walk(std::int64_t stream, stream_link from) noexcept : stream_(stream), at_(from) {}

  // The statement for a walk that takes these columns of cleave_log l.
  static std::string sql_for(std::string_view columns);
  // Walks until it has arrived, or has enough. errc::corrupt where the chain is broken.
  result<void> run(database& db, std::string_view sql);
  // The link to be read next.
  stream_link at() const noexcept { return at_; }

protected:
  ~chain_walk() = default;

  // Asked before each link.
  virtual bool arrived() const noexcept = 0;
  // The row holds these values. False: it is not the link at(), which run() will report. `previous` is the position before it, 0 for
  // none.
  bool is_link(sqlite3_value* stream, sqlite3_value* version, sqlite3_value* previous_value,
               std::uint64_t& previous) noexcept;
  void go_on_at(stream_link next) noexcept { at_ = next; }
  bool broken() noexcept {
    broken_ = true;
    return false;
  }

private:
  std::uint64_t next() noexcept final;

  std::int64_t stream_;
  stream_link at_;
  std::uint64_t asked_for_ = 0;
  bool broken_ = false;
};

// A position in a column that is NULL where there is none. False: it is something else.
bool read_pointer(sqlite3_value* from, std::uint64_t& to) noexcept;

} // namespace cleave::sqlite
