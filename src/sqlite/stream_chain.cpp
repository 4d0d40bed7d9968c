// SPDX-License-Identifier: BSL-1.0
#include "stream_chain.hpp"

#include "chain_walk.hpp"

namespace cleave::sqlite {

namespace {

// Goes back as long as `arrived(link)` is false for the next link; takes a second pointer only if may_skip(link behind it).
template <class Arrived, class MaySkip> class search final : public chain_walk {
public:
  search(std::int64_t stream, stream_link from, Arrived arrived, MaySkip may_skip) noexcept
      : chain_walk(stream, from), arrived_(arrived), may_skip_(may_skip) {}

  bool take(sqlite3_value** row) override {
    std::uint64_t previous = 0;
    std::uint64_t skip = 0;
    if (!is_link(row[0], row[1], row[2], previous)) return false;
    std::uint64_t const stride = stream_head::stride_of(at().version);
    bool const sound = read_pointer(row[3], skip) && (skip == 0) == (stride == 0) && skip < at().position;
    if (!sound) return broken();
    stream_link const far{at().version - stride, skip};
    go_on_at(skip != 0 && may_skip_(far) ? far : stream_link{at().version - 1, previous});
    return true;
  }
  result<stream_link> find(database& db) {
    static std::string const sql = sql_for("l.stream, l.version, l.previous, l.skip");
    if (auto good = run(db, sql); !good) return unexpected(std::move(good).error());
    return at();
  }

private:
  bool arrived() const noexcept override { return arrived_(at()); }

  Arrived arrived_;
  MaySkip may_skip_;
};

} // namespace

result<stream_link> go_back(database& db, std::int64_t stream, stream_link from, std::uint64_t version) {
  return search(
             stream, from, [version](stream_link at) { return at.version <= version; },
             [version](stream_link far) { return far.version >= version; })
      .find(db);
}

result<stream_link> go_before(database& db, std::int64_t stream, stream_link from, std::uint64_t position) {
  return search(
             stream, from, [position](stream_link at) { return at.position < position; },
             [position](stream_link far) { return far.position >= position; })
      .find(db);
}

error broken_chain(database const& db, std::int64_t stream, stream_link at) {
  return make_error(
      errc::corrupt,
      "{}: the chain of stream {} is broken: position {} is not its version {} with what belongs to it",
      db.path(), stream, at.position, at.version);
}

} // namespace cleave::sqlite
