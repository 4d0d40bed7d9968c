// SPDX-License-Identifier: BSL-1.0
// The connections that only read. Each read is one WAL snapshot: no writer waits for it, and it waits for no writer.
#pragma once

#include <cleave/base/function_ref.hpp>
#include <cleave/sqlite/database.hpp>

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <vector>

namespace cleave::sqlite {

class reader_pool {
public:
  // Connections are opened when they are first needed, `most` at once.
  reader_pool(database_options how, std::size_t most);

  // Calls work(connection) inside a read transaction. Any thread, also from inside `work`. errc::busy when all connections
  // stay in use for the busy wait of the options.
  using reading = function_ref<result<void>(database&)>;
  result<void> read(reading work);

private:
  class lease;
  result<database> open_one() const;

  database_options how_;
  std::size_t most_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::size_t open_ = 0;
  std::vector<database> idle_; // the one used last is on top: its page cache is warm
};

// Turns off what would make a connection write behind the writer's back: checkpoints at close and after commits.
void forbid_checkpoints(database& db) noexcept;

} // namespace cleave::sqlite
