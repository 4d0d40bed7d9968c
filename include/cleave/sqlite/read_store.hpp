// SPDX-License-Identifier: BSL-1.0
// Read models in SQLite tables: rows and checkpoint are committed together (query/read_store.hpp has the contract).
#pragma once

#include <cleave/base/function_ref.hpp>
#include <cleave/event/event_store.hpp>
#include <cleave/sqlite/database.hpp>
#include <cleave/sqlite/dead_letters.hpp>
#include <cleave/sqlite/leases.hpp>
#include <cleave/sqlite/partitions.hpp>
#include <cleave/sqlite/versions.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace cleave::sqlite {

struct read_store_options {
  std::string
      path{}; // the file; made when it is not there. Beside it: PATH-wal, PATH-shm (SQLite's) and PATH-lock
  // relaxed: a power loss can take the last transactions, rows and checkpoint together, and the projector applies those events
  // again. Only right for a log that is not more relaxed: else read models could know events that the log has lost.
  cleave::durability durability = cleave::durability::relaxed;
  std::uint32_t busy_wait_ms =
      5'000;               // how long a write waits for another process, and a read for a free connection
  std::size_t readers = 8; // connections for reading, 1 to 64, opened when needed
  std::uint32_t checkpoint_pages =
      4'000; // the WAL is written back when it has this many pages (of 4,096 bytes)
  std::uint64_t wal_limit_bytes =
      1ull << 30;     // writes are refused while the WAL is bigger because a reader never ends
  bool shared = true; // see event_store_options
  std::string vfs{};  // name of a registered SQLite VFS; empty: the default
};

// Any thread, all functions. Several processes may have the file open. Like the event store it is a handle that can be moved
// while nothing else uses it, and it refuses writes after a commit failed with an I/O error (errc::store_failed).
class read_store {
public:
  using options = read_store_options;
  using session = database;
  using dead_letters = sqlite::dead_letters;
  using leases = sqlite::leases;
  using partitions = sqlite::partitions;
  using versions = sqlite::versions;

  // A file of its own. Errors as for event_store::open.
  static result<read_store> open(options const& chosen);
  // The tables are in the file of `log`: writes are transactions of that store (event_store::transact), so that the process has
  // one writer. `log` must outlive it.
  static result<read_store> of(event_store& log);
  read_store(read_store&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  read_store& operator=(read_store other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~read_store() {
    if (state_ != nullptr) close();
  }

  // The position up to which the projection of that name has applied the log; 0 if it never did.
  result<position> checkpoint(std::string_view projection);

  // One transaction: fill(db) writes rows and returns the new checkpoint, both are committed together. Nothing is stored when
  // fill fails or throws (errc::handler_failed), when the stored checkpoint is not `from` (errc::version_conflict: another
  // projector was here) or when the new one is before it (errc::invalid_argument). Reserved table names: all that begins with
  // "cleave_", and in the log's file `events` and `commands`. Not to be called inside fill (errc::invalid_argument).
  // In the log's file fill can be called a second time: see event_store::transact.
  result<void> apply(std::string_view projection, position from,
                     function_ref<result<position>(session&)> fill);

  // Calls ask(db) once, on one snapshot, for reading (a write is errc::read_only). It waits for no writer and no writer waits for
  // it, but the WAL cannot be reset before it returns.
  result<void> read(function_ref<result<void>(session&)> ask);

private:
  struct state;
  explicit read_store(state* made) noexcept : state_(made) {}
  void close() noexcept;

  state* state_;
};

} // namespace cleave::sqlite
