// SPDX-License-Identifier: BSL-1.0
// Which id a stream's name has.
//
// The table cleave_stream_ids has the ids by name, of the streams up to an id, the watermark (`names_at` in cleave_meta). The younger
// streams are in memory, in recent_names. A new name belongs anywhere among the old ones, so that in a table that is kept up to date
// each new stream writes a page of its own: of the 28 pages of a commit with 55 new streams 20 were these, and 64 threads got half as far.
// So the table is filled as that of the heads is (recent_heads.hpp): in the order of the names, so that many fall on one page, a few
// rows with each commit. Whoever opens the file, or finds that another process has written, reads the streams behind the watermark.
#pragma once

#include <cleave/base/result.hpp>
#include <cleave/sqlite/database.hpp>

#include "recent_heads.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cleave::sqlite {

// The streams behind the watermark. Shared by the writer and the readers of a process; any thread.
class recent_names {
public:
  static constexpr std::int64_t none = 0; // no stream has this id

  // The id of the stream with that name as the transaction of `db` sees it, whose extent that is. Nothing: this snapshot is older than
  // what is known here; begin another.
  result<std::optional<std::int64_t>> find(database& db, log_extent const& extent, std::string_view name);

  // For the writer. Inside its transaction, before it has changed anything: learns what other processes have committed.
  result<void> catch_up(database& db, log_extent const& extent);
  // After that: the id of a committed stream.
  result<std::int64_t> committed(database& db, std::string_view name) const;
  // The streams that a commit has added, in the order of their ids; when nobody has been told of it yet. Without memory it ends the
  // program: the commit is there already.
  using entry = std::pair<std::string_view, std::int64_t>;
  void note(std::span<entry const> added) noexcept;

  // How many streams a process would have to read to catch up.
  std::size_t streams() const;
  // For writing them into the table: the youngest stream that is known; `most` of the names behind `after` whose streams are not younger
  // than `upto`, in order; and that all up to there are committed.
  std::int64_t youngest() const;
  using owned_entry = std::pair<std::string, std::int64_t>;
  void copy(std::string_view after, std::int64_t upto, std::size_t most, std::vector<owned_entry>& to) const;
  void written(std::int64_t watermark);

private:
  result<void> catch_up_locked(database& db, log_extent const& extent);
  void move_watermark(std::int64_t to);

  mutable std::mutex mutex_;
  std::map<std::string, std::int64_t, std::less<>>
      ids_; // in order, so that a slice for the table is found in place
  std::int64_t watermark_ = 0;
  std::int64_t complete_ = 0; // the stream up to which ids_ is right
};

} // namespace cleave::sqlite
