// SPDX-License-Identifier: BSL-1.0
// How the events of a stream are found.
//
// Each row of the log carries the position of its stream's event before it, and every 64th and 4,096th one also that of the
// event as many versions before: a stream is read from its end, and any version is reached in a few dozen steps. The ends of the
// streams are in recent_heads.
//
// Tried, at 10^6 events of 200 bytes over 10,000 to 100,000 streams in random order, batches of 100, events per second of
// processor time; this one has 170,000:
// - a unique index on (stream, version), with stream names 35,000, with small integers 60,000: each event of a batch falls on another
//   page of the index, so that a batch writes 112 pages instead of 14, and more as the file grows;
// - the head of each stream in a row that is updated with every event: the same pages again, the gain is lost;
// - the log clustered by (stream, version): loads five times faster, writes slower than with the index;
// - lists of positions for each stream, written for 65,536 events at a time: the lists of random streams lie on as many pages.
// With the index, too, each event that is loaded is a search in the log. The chain costs 1.07 times the instructions of that where
// a virtual table names the positions (see log_rows.hpp), 1.9 times where each search is a statement of its own, and 2.2 times in a
// recursive query.
#pragma once

#include <cleave/base/result.hpp>
#include <cleave/sqlite/database.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace cleave::sqlite {

// A row of the log as a link in its stream's chain. Version 0: before the first one.
struct stream_link {
  std::uint64_t version = 0;
  std::uint64_t position = 0;
};

// The last event of a stream, and what the next one has to point to.
struct stream_head {
  // Versions that are multiples of these have a second pointer, over as many versions.
  static constexpr std::array<std::uint64_t, 2> strides{64, 4'096};

  stream_link last;
  // The positions of the last events whose versions are multiples of the strides; 0: none.
  std::array<std::uint64_t, strides.size()> marks{};

  // How far back the second pointer of that version reaches; 0: it has none.
  static constexpr std::uint64_t stride_of(std::uint64_t version) noexcept {
    std::uint64_t found = 0;
    for (std::uint64_t const stride : strides) {
      if (version % stride == 0 && version > stride) found = stride;
    }
    return found;
  }
  // The second pointer of the next event; 0: none.
  constexpr std::uint64_t skip_of_next() const noexcept {
    std::uint64_t const stride = stride_of(last.version + 1);
    for (std::size_t i = 0; i < strides.size(); ++i) {
      if (strides[i] == stride) return marks[i];
    }
    return 0;
  }
  // The next event is stored at that position.
  constexpr void add(std::uint64_t position) noexcept {
    last = {last.version + 1, position};
    for (std::size_t i = 0; i < strides.size(); ++i) {
      if (last.version % strides[i] == 0) marks[i] = position;
    }
  }
};

// Goes back from a link of the stream to `version`, at most that of the link. errc::corrupt where the chain is broken.
result<stream_link> go_back(database& db, std::int64_t stream, stream_link from, std::uint64_t version);
// Goes back from a link of the stream to version `lowest`, and adds the links whose versions are multiples of the first stride on the
// way, each of which must be at least `lowest` and before `from`. errc::corrupt where the chain is broken.
result<void> find_blocks(database& db, std::int64_t stream, stream_link from, std::uint64_t lowest,
                         std::vector<stream_link>& to);
// Goes back to the stream's last event before `position`; version 0 when there is none.
result<stream_link> go_before(database& db, std::int64_t stream, stream_link from, std::uint64_t position);

// The row at `at` is not the link that the chain says it is.
error broken_chain(database const& db, std::int64_t stream, stream_link at);

} // namespace cleave::sqlite
