// SPDX-License-Identifier: BSL-1.0
#include "stream_chain.hpp"

#include <fmt/format.h>

namespace cleave::sqlite {

namespace {

struct pointers {
  std::uint64_t previous = 0;
  std::uint64_t skip = 0;
};

// The pointers of the row at `at`; `row` is the statement below.
constexpr std::string_view row_of_position =
    "SELECT stream, version, coalesce(previous, 0), coalesce(skip, 0) FROM cleave_log WHERE position = ?1";

result<pointers> follow(database const& db, statement& row, std::int64_t stream, stream_link at) {
  if (auto good = row.bind(at.position); !good) return unexpected(std::move(good).error());
  auto const there = row.step();
  if (!there) return unexpected(there.error());
  if (!*there) return unexpected(broken_chain(db, stream, at));
  auto const found = row.row<std::int64_t, std::uint64_t, std::uint64_t, std::uint64_t>();
  row.reset();
  if (!found) return unexpected(error(errc::corrupt, broken_chain(db, stream, at).text(), found.error()));
  auto const [owner, version, previous, skip] = *found;
  // A pointer forward would be a circle.
  bool const sound = owner == stream && version == at.version && (previous == 0) == (version == 1) &&
                     previous < at.position && skip < at.position &&
                     (skip == 0) == (stream_head::stride_of(version) == 0);
  if (!sound) return unexpected(broken_chain(db, stream, at));
  return pointers{previous, skip};
}

// Goes back as long as `wanted(link)` is false for the next link; takes a second pointer only if may_skip(link behind it).
template <class Arrived, class MaySkip>
result<stream_link> go(database& db, std::int64_t stream, stream_link at, Arrived arrived, MaySkip may_skip) {
  if (arrived(at)) return at;
  auto row = db.prepare(row_of_position);
  if (!row) return unexpected(std::move(row).error());
  while (!arrived(at)) {
    auto const next = follow(db, *row, stream, at);
    if (!next) return unexpected(next.error());
    stream_link const far{at.version - stream_head::stride_of(at.version), next->skip};
    at = next->skip != 0 && may_skip(far) ? far : stream_link{at.version - 1, next->previous};
  }
  return at;
}

} // namespace

result<stream_link> go_back(database& db, std::int64_t stream, stream_link from, std::uint64_t version) {
  return go(
      db, stream, from, [&](stream_link at) { return at.version <= version; },
      [&](stream_link far) { return far.version >= version; });
}

result<stream_link> go_before(database& db, std::int64_t stream, stream_link from, std::uint64_t position) {
  return go(
      db, stream, from, [&](stream_link at) { return at.position < position; },
      [&](stream_link far) { return far.position >= position; });
}

error broken_chain(database const& db, std::int64_t stream, stream_link at) {
  return make_error(
      errc::corrupt,
      "{}: the chain of stream {} is broken: position {} is not its version {} with what belongs to it",
      db.path(), stream, at.position, at.version);
}

} // namespace cleave::sqlite
