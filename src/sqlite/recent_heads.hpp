// SPDX-License-Identifier: BSL-1.0
// Where each stream ends.
//
// The table cleave_heads has the end of each stream as of a position, the watermark (`heads_at` in cleave_meta). The streams that
// have grown since are in memory, in recent_heads. When there are many, the writer puts them into the table in order of the
// streams' ids, so that many fall on one page, a few rows with each commit, so that no commit waits for all; then it moves the
// watermark. Whoever opens the file, or finds that another process has written, reads the log from the watermark to catch up.
#pragma once

#include <cleave/base/result.hpp>
#include <cleave/sqlite/database.hpp>

#include "stream_chain.hpp"

#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

namespace cleave::sqlite {

// What a snapshot says of the log's end, and of the tables that lag behind it.
struct log_extent {
  std::uint64_t head = 0;
  std::uint64_t watermark = 0; // of the table of heads
  std::int64_t youngest = 0;   // the stream with the greatest id
  std::int64_t named = 0;      // the watermark of the table of names (recent_names.hpp)
  std::uint64_t told = 0;      // the watermark of the table of outcomes (recent_outcomes.hpp)
};
result<log_extent> read_extent(database& db);

// The streams with events behind the watermark. Shared by the writer and the readers of a process; any thread.
class recent_heads {
public:
  using entry = std::pair<std::int64_t, stream_head>; // of the stream with that id

  // The stream's end as the transaction of `db` sees it, whose extent that is; version 0 when it has no event. Nothing: this snapshot is
  // older than what is known here; begin another.
  result<std::optional<stream_head>> find(database& db, log_extent const& extent, std::int64_t stream);

  // The same for who has read the stream's row of the table in that transaction: `stored`.
  result<std::optional<stream_head>> find(database& db, log_extent const& extent, std::int64_t stream,
                                          stream_head const& stored);

  // For the writer. Inside its transaction, before it has changed anything: learns what other processes have committed.
  result<void> catch_up(database& db, log_extent const& extent);
  // After that: the stream's committed end.
  result<stream_head> committed(database& db, std::int64_t stream) const;
  // The ends after a commit, which has moved the log's head to `head`; when nobody has been told of it yet. Without memory it ends
  // the program: the commit is there already.
  void note(std::span<entry const> changed, std::uint64_t head) noexcept;

  // How much a process would have to read to catch up.
  std::size_t streams() const;
  std::uint64_t events() const;
  // For writing them into the table: all streams, in order; what is known of some of them; and that it is committed.
  std::vector<std::int64_t> sorted_streams() const;
  void copy(std::span<std::int64_t const> streams, std::vector<entry>& to) const;
  void written(std::uint64_t watermark);

private:
  // What is known here; nothing inside: the table has the stream's end. Nothing outside: see find.
  using known_head = std::optional<stream_head>;
  result<std::optional<known_head>> look(database& db, log_extent const& extent, std::int64_t stream);
  result<void> catch_up_locked(database& db, log_extent const& extent);
  result<void> read_log(database& db, std::uint64_t upto);
  void move_watermark(std::uint64_t to);

  mutable std::mutex mutex_;
  std::unordered_map<std::int64_t, stream_head> heads_;
  std::uint64_t watermark_ = 0;
  std::uint64_t complete_ = 0; // the position up to which heads_ is right
};

} // namespace cleave::sqlite
