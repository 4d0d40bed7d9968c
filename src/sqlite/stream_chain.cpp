// SPDX-License-Identifier: BSL-1.0
#include "stream_chain.hpp"

#include "chain_walk.hpp"

namespace cleave::sqlite {

namespace {

constexpr std::uint64_t block_events = stream_head::strides.front();

// Goes back by both pointers of a link.
class skipping_walk : public chain_walk {
public:
  using chain_walk::chain_walk;
  result<void> run(database& db) {
    static std::string const sql = sql_for("l.stream, l.version, l.previous, l.skip");
    return chain_walk::run(db, sql);
  }

protected:
  ~skipping_walk() = default;

  // Whether the second pointer may be taken, to that link.
  virtual bool may_skip(stream_link far) const noexcept = 0;
  // It goes on at at().
  virtual void moved() {}

private:
  bool take(sqlite3_value** row) final {
    std::uint64_t previous = 0;
    std::uint64_t skip = 0;
    if (!is_link(row[0], row[1], row[2], previous)) return false;
    std::uint64_t const stride = stream_head::stride_of(at().version);
    bool const sound = read_pointer(row[3], skip) && (skip == 0) == (stride == 0) && skip < at().position;
    if (!sound) return broken();
    stream_link const far{at().version - stride, skip};
    go_on_at(skip != 0 && may_skip(far) ? far : stream_link{at().version - 1, previous});
    moved();
    return true;
  }
};

// Goes back as long as `arrived(link)` is false for the next link; takes a second pointer only if may_skip(link behind it).
template <class Arrived, class MaySkip> class search final : public skipping_walk {
public:
  search(std::int64_t stream, stream_link from, Arrived arrived, MaySkip may_skip) noexcept
      : skipping_walk(stream, from), arrived_(arrived), may_skip_(may_skip) {}

  result<stream_link> find(database& db) {
    if (auto good = run(db); !good) return unexpected(std::move(good).error());
    return at();
  }

private:
  bool arrived() const noexcept override { return arrived_(at()); }
  bool may_skip(stream_link far) const noexcept override { return may_skip_(far); }

  Arrived arrived_;
  MaySkip may_skip_;
};

class block_search final : public skipping_walk {
public:
  block_search(std::int64_t stream, stream_link from, std::uint64_t lowest, std::vector<stream_link>& to)
      : skipping_walk(stream, from), lowest_(lowest), to_(to) {}

private:
  // The end of the block before the one that at() is in.
  std::uint64_t below() const noexcept { return (at().version - 1) / block_events * block_events; }
  bool arrived() const noexcept override { return below() < lowest_; }
  bool may_skip(stream_link far) const noexcept override { return far.version >= below(); }
  void moved() override {
    if (at().version % block_events == 0 && at().version >= lowest_) to_.push_back(at());
  }

  std::uint64_t lowest_;
  std::vector<stream_link>& to_;
};

} // namespace

result<stream_link> go_back(database& db, std::int64_t stream, stream_link from, std::uint64_t version) {
  return search(
             stream, from, [version](stream_link at) { return at.version <= version; },
             [version](stream_link far) { return far.version >= version; })
      .find(db);
}

result<void> find_blocks(database& db, std::int64_t stream, stream_link from, std::uint64_t lowest,
                         std::vector<stream_link>& to) {
  return block_search(stream, from, lowest, to).run(db);
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
