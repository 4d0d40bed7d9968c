// SPDX-License-Identifier: BSL-1.0
// The connections that only read. Each read is one WAL snapshot: no writer waits for it, and it waits for no writer.
#pragma once

#include <cleave/base/function_ref.hpp>
#include <cleave/sqlite/database.hpp>

#include "recent_heads.hpp"

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace cleave::sqlite {

// One of them.
class reader : public database {
public:
  explicit reader(database opened) noexcept : database(std::move(opened)) {}
  // What the read transaction that it is in says of the log's end; read again when the file has changed.
  result<log_extent> extent();

private:
  log_extent extent_;
  std::optional<unsigned> data_version_; // SQLite's count of the changes to the file, when extent_ was read
};

class reader_pool {
public:
  // Connections are opened when they are first needed, `most` at once.
  reader_pool(database_options how, std::size_t most);

  // Calls work(connection) inside a read transaction. Any thread, also from inside `work`. errc::busy when all connections
  // stay in use for the busy wait of the options.
  using reading = function_ref<result<void>(reader&)>;
  result<void> read(reading work);
  // The same without a transaction: for work that is one statement, which SQLite gives a snapshot of its own for less.
  result<void> lend(reading work);

private:
  class lease;
  result<reader> open_one() const;

  database_options how_;
  std::size_t most_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::size_t open_ = 0;
  std::vector<reader> idle_; // the one used last is on top: its page cache is warm
};

// Turns off what would make a connection write behind the writer's back: checkpoints at close and after commits.
void forbid_checkpoints(database& db) noexcept;

} // namespace cleave::sqlite
