// SPDX-License-Identifier: BSL-1.0
// Reading one stream along its chain.
#include "chain_walk.hpp"
#include "log_reader.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace cleave::sqlite {

namespace {

constexpr std::size_t batch_events = 512;
constexpr std::size_t batch_bytes = std::size_t{1024} * 1024;
constexpr std::uint64_t block_events = stream_head::strides.front();

// What is left to read of a stream, in batches that may come out of different snapshots: what lies behind the end never changes.
class stream_walk {
public:
  stream_walk(stream_name stream, stream_range range) noexcept : stream_(stream.text()), range_(range) {}

  // Finds the place to begin. False: this snapshot is too old for that.
  result<bool> begin(snapshot_source& source, database& db, stream_name stream);
  bool done() const noexcept { return blocks_.empty(); }
  result<void> fill(event_batch& batch, database& db);
  version head() const noexcept { return version(end_.head.last.version); }

private:
  result<void> plan_forward(database& db);
  result<void> plan_backward(database& db);
  // Reads back from a block's end to lowest_, or until the batch has enough. Where to go on.
  result<stream_link> read_back(event_batch& batch, database& db, stream_link from);

  std::string_view stream_;
  stream_range range_;
  stream_end end_;
  id_texts names_{id_texts::of::names};
  // The ends of the blocks to read, the next one last. Forward, a block has 64 events at most and is read as a whole; backward,
  // there is only one.
  std::vector<stream_link> blocks_;
  std::uint64_t lowest_ = 0; // forward: the version to go on with; backward: the last one
};

result<bool> stream_walk::begin(snapshot_source& source, database& db, stream_name stream) {
  auto const found = source.find(db, stream);
  if (!found) return unexpected(found.error());
  if (!*found) return false;
  end_ = **found;
  bool const forward = range_.order == direction::forward;
  bool const nothing = range_.limit == 0 || end_.head.last.version == 0 ||
                       (forward ? range_.from.value() > end_.head.last.version : range_.from.value() == 0);
  if (nothing) return true;
  if (auto good = forward ? plan_forward(db) : plan_backward(db); !good)
    return unexpected(std::move(good).error());
  return true;
}

result<void> stream_walk::plan_forward(database& db) {
  stream_head const& head = end_.head;
  lowest_ = std::max<std::uint64_t>(range_.from.value(), 1);
  std::uint64_t const wanted = std::min(range_.limit, head.last.version - lowest_ + 1);
  std::uint64_t const to = lowest_ + (wanted - 1);
  auto const end = go_back(db, end_.id, head.last, to);
  if (!end) return unexpected(end.error());
  blocks_.push_back(*end);
  // The mark spares the steps from the stream's end to the block before it.
  std::uint64_t const marked = to / block_events * block_events;
  if (to == head.last.version && marked < to && marked >= lowest_)
    blocks_.push_back({marked, head.marks.front()});
  for (;;) {
    std::uint64_t const below = (blocks_.back().version - 1) / block_events * block_events;
    if (below < lowest_) return {};
    auto const block = go_back(db, end_.id, blocks_.back(), below);
    if (!block) return unexpected(block.error());
    blocks_.push_back(*block);
  }
}

result<void> stream_walk::plan_backward(database& db) {
  auto const from = go_back(db, end_.id, end_.head.last, range_.from.value());
  if (!from) return unexpected(from.error());
  blocks_.push_back(*from);
  lowest_ = from->version - std::min(range_.limit, from->version) + 1;
  return {};
}

// Takes a stream's events into a batch, the last one first.
class batch_walk final : public chain_walk {
public:
  batch_walk(event_batch& batch, std::int64_t stream, stream_link from, std::uint64_t lowest) noexcept
      : chain_walk(stream, from), batch_(batch), lowest_(lowest) {}

  static std::string const& sql() {
    static std::string const made = sql_for(std::string(event_batch::columns) + ", l.previous");
    return made;
  }
  bool take(sqlite3_value** row) override {
    using place = event_batch::place;
    std::uint64_t previous = 0;
    if (!is_link(row[place::stream], row[place::version], row[place::behind], previous)) return false;
    sound_ = batch_.add(row);
    if (!sound_) return false;
    go_on_at({at().version - 1, previous});
    return batch_.size() < batch_events && batch_.bytes() < batch_bytes;
  }
  bool sound() const noexcept { return sound_; }

private:
  bool arrived() const noexcept override { return at().version < lowest_; }

  event_batch& batch_;
  std::uint64_t lowest_;
  bool sound_ = true;
};

result<stream_link> stream_walk::read_back(event_batch& batch, database& db, stream_link from) {
  std::size_t const first = batch.size();
  batch_walk walk(batch, end_.id, from, lowest_);
  if (auto good = walk.run(db, batch_walk::sql()); !good) return unexpected(std::move(good).error());
  if (!walk.sound()) return unexpected(batch.damaged(db));
  if (auto good = batch.add_names(db, first, stream_, names_); !good)
    return unexpected(std::move(good).error());
  return walk.at();
}

result<void> stream_walk::fill(event_batch& batch, database& db) {
  if (range_.order == direction::backward) {
    auto const reached = read_back(batch, db, blocks_.back());
    if (!reached) return unexpected(reached.error());
    blocks_.back() = *reached;
    if (reached->version < lowest_) blocks_.clear();
    return {};
  }
  while (!blocks_.empty() && batch.size() + block_events <= batch_events && batch.bytes() < batch_bytes) {
    std::size_t const first = batch.size();
    auto const reached = read_back(batch, db, blocks_.back());
    if (!reached) return unexpected(reached.error());
    if (reached->version >= lowest_) {
      // Too much to be held at once: what is before comes first, as a block of its own.
      batch.back_to(first);
      blocks_.push_back(*reached);
      continue;
    }
    batch.reverse_from(first);
    lowest_ = blocks_.back().version + 1;
    blocks_.pop_back();
  }
  return {};
}

} // namespace

result<version> read_stream(snapshot_source& source, stream_name stream, stream_range range, sink_ref sink) {
  if (auto good = check_stream_name(stream); !good) return unexpected(std::move(good).error());
  stream_walk walk(stream, range);
  event_batch batch;
  for (bool begun = false;;) {
    batch.clear();
    auto const read = source.read([&](database& db) -> result<void> {
      if (!begun) {
        auto const current = walk.begin(source, db, stream);
        if (!current) return unexpected(current.error());
        begun = *current;
      }
      return begun && !walk.done() ? walk.fill(batch, db) : result<void>();
    });
    if (!read) return unexpected(read.error());
    if (!begun) continue;
    std::uint64_t reached = 0;
    auto const more = batch.hand_out(sink, reached);
    if (!more) return unexpected(more.error());
    if (!*more || walk.done()) return walk.head();
  }
}

} // namespace cleave::sqlite
