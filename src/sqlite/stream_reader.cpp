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
  stream_walk(stream_name stream, stream_range range, envelope_part wanted) noexcept
      : stream_(stream.text()), range_(range), wanted_(wanted) {}

  // Finds the place to begin. False: this snapshot is too old for that.
  result<bool> begin(snapshot_source& source, database& db, stream_name stream);
  bool done() const noexcept { return blocks_.empty(); }
  result<void> fill(event_batch& batch, database& db);
  version head() const noexcept { return version(end_.head.last.version); }

private:
  result<void> plan_forward(database& db);
  result<void> plan_backward(database& db);

  std::string_view stream_;
  stream_range range_;
  envelope_part wanted_;
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
  return find_blocks(db, end_.id, blocks_.back(), lowest_, blocks_);
}

result<void> stream_walk::plan_backward(database& db) {
  auto const from = go_back(db, end_.id, end_.head.last, range_.from.value());
  if (!from) return unexpected(from.error());
  blocks_.push_back(*from);
  lowest_ = from->version - std::min(range_.limit, from->version) + 1;
  return {};
}

// Takes a stream's events into a batch, the last one of a block first; goes on with the next block while the batch has room.
class batch_walk final : public chain_walk {
public:
  // `blocks`: their ends, the next one last, and not empty. `lowest`: the first version of the next one. Both become what is left.
  batch_walk(event_batch& batch, std::int64_t stream, std::vector<stream_link>& blocks, std::uint64_t& lowest,
             bool forward, envelope_part wanted) noexcept
      : chain_walk(stream, blocks.back()),
        batch_(batch),
        blocks_(blocks),
        lowest_(lowest),
        begin_(batch.size()),
        forward_(forward),
        wanted_(wanted) {}

  result<void> read(database& db) {
    static std::string const with_envelope = sql_for(event_batch::link_columns(envelope_part::whole));
    static std::string const without = sql_for(event_batch::link_columns(envelope_part::place));
    if (auto good = run(db, wanted_ == envelope_part::whole ? with_envelope : without); !good) return good;
    if (!sound_) return unexpected(batch_.damaged(db));
    if (!arrived_) leave_block();
    return {};
  }

private:
  bool arrived() const noexcept override { return arrived_; }

  bool take(sqlite3_value** row) override {
    using place = event_batch::link_place;
    std::uint64_t previous = 0;
    if (!is_link(row[place::stream], row[place::version], row[place::previous], previous)) return false;
    sound_ = batch_.add_link(row, at(), wanted_);
    if (!sound_) return false;
    bool const first_of_block = at().version == lowest_;
    go_on_at({at().version - 1, previous});
    if (first_of_block) end_block();
    bool const room_for_next = !forward_ || batch_.size() != begin_ ||
                               batch_.size() + block_events <= batch_events;
    return room_for_next && batch_.size() < batch_events && batch_.bytes() < batch_bytes;
  }
  void end_block() {
    if (forward_) {
      batch_.reverse_from(begin_);
      lowest_ = blocks_.back().version + 1;
    }
    begin_ = batch_.size();
    blocks_.pop_back();
    arrived_ = blocks_.empty();
    if (!arrived_) go_on_at(blocks_.back());
  }
  // The batch is full.
  void leave_block() {
    if (!forward_) {
      blocks_.back() = at();
    } else if (batch_.size() != begin_) {
      // Too much to be held at once: what is before comes first, as a block of its own.
      batch_.back_to(begin_);
      blocks_.push_back(at());
    }
  }

  event_batch& batch_;
  std::vector<stream_link>& blocks_;
  std::uint64_t& lowest_;
  std::size_t begin_; // of the block, in the batch
  bool forward_;
  envelope_part wanted_;
  bool arrived_ = false;
  bool sound_ = true;
};

result<void> stream_walk::fill(event_batch& batch, database& db) {
  bool const forward = range_.order == direction::forward;
  batch_walk walk(batch, end_.id, blocks_, lowest_, forward, wanted_);
  if (auto good = walk.read(db); !good) return good;
  return batch.add_names(db, stream_, names_);
}

} // namespace

result<version> read_stream(snapshot_source& source, stream_name stream, stream_range range,
                            envelope_part wanted, sink_ref sink) {
  if (auto good = check_stream_name(stream); !good) return unexpected(std::move(good).error());
  stream_walk walk(stream, range, wanted);
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
