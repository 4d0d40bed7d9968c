// SPDX-License-Identifier: BSL-1.0
// Reading the log, in batches: each batch is copied out of one snapshot and handed out when the snapshot is given back.
// That is as good as one snapshot, because what lies behind the head of the first batch never changes.
#pragma once

#include <cleave/event/append.hpp>
#include <cleave/event/event_store.hpp>
#include <cleave/sqlite/database.hpp>

#include "event_batch.hpp"
#include "item_walk.hpp"
#include "stream_chain.hpp"

#include <optional>

namespace cleave::sqlite {

// A stream's id, and its end. Version 0: no event.
struct stream_end {
  std::int64_t id = 0;
  stream_head head;
};

// The texts behind the integers of the log.
struct log_texts {
  id_texts streams{id_texts::of::streams};
  id_texts names{id_texts::of::names};
};

// Lends a connection inside a read transaction: one of the pool, or the writer's own.
class snapshot_source : public id_finder {
public:
  using reading = function_ref<result<void>(database&)>;
  virtual result<void> read(reading work) = 0;
  // The stream's end in the transaction that was lent. Nothing: this snapshot is too old; ask for another.
  virtual result<std::optional<stream_end>> find(database& db, stream_name stream) = 0;
  // Texts that outlive the read, or nullptr.
  virtual log_texts* kept_texts() noexcept { return nullptr; }

protected:
  ~snapshot_source() = default;
};

result<version> read_stream(snapshot_source& source, stream_name stream, stream_range range,
                            envelope_part wanted, sink_ref sink);
result<position> read_all(snapshot_source& source, log_range range, sink_ref sink);
result<position> read_head(database& db);

} // namespace cleave::sqlite
