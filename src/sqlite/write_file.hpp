// SPDX-License-Identifier: BSL-1.0
// The one connection of this process that writes to a file: its transactions, commits and checkpoints.
#pragma once

#include <cleave/base/function_ref.hpp>
#include <cleave/sqlite/database.hpp>
#include <cleave/sqlite/event_store.hpp>

#include "process_lock.hpp"
#include "schema.hpp"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

namespace cleave::sqlite {

struct write_file_options {
  std::string path;
  std::string vfs;
  bool full = true; // synchronous=FULL, else NORMAL
  bool shared = true;
  std::uint32_t busy_wait_ms = 0;
  std::uint32_t checkpoint_pages = 0;
  std::uint64_t wal_limit_bytes = 0;
  step_hook on_step{};
};

// errc::invalid_argument for what an application may not ask for.
result<void> check_connections(std::string_view path, std::size_t readers, std::uint32_t checkpoint_pages,
                               durability level);

// One thread at a time, but for refusal().
class write_file {
public:
  // Finds or makes the file and brings its schema up to date.
  static result<write_file*> open(write_file_options const& options, schema const& wanted);
  write_file(write_file const&) = delete;
  write_file& operator=(write_file const&) = delete;
  // Writes the WAL back and removes it, when no other connection is left and no commit has failed.
  ~write_file();

  database& db() noexcept { return *db_; }

  // Why writes are refused since a commit failed, or nothing. Any thread.
  std::optional<error> refusal() const;

  // Waits for other processes until steady_us() is `deadline_us`.
  result<void> begin(std::int64_t deadline_us);
  // After a failure the transaction is rolled back.
  result<void> commit();
  void roll_back();

  // Runs a function of the application in a savepoint. When it fails or throws, what it did is undone and undone() is called.
  // When the function has ended the whole transaction, that is an error, and db().in_transaction() tells.
  // When the savepoint itself fails, failure() tells, and the transaction must be rolled back.
  result<void> run_application(function_ref<result<void>()> work, function_ref<void()> undone);
  std::optional<error> const& failure() const noexcept { return failure_; }
  void note_failure(error const& reason);

  // After a commit: time to write the WAL back?
  bool wants_checkpoint() const noexcept { return wal_pages_ >= checkpoint_at_; }
  void checkpoint();

  void at(char const* step) const;

private:
  write_file(database db, process_lock lock, write_file_options const& options);
  result<void> make_room_in_wal();
  void grow_wal() noexcept;
  result<void> undo_application();
  void refuse_from_now_on(error const& reason);
  static int count_pages(void* self, sqlite3* db, char const* name, int pages);
  static int allow_commit(void* self);

  write_file_options options_;
  std::optional<database> db_;
  process_lock lock_;
  bool committing_ = false;      // a COMMIT that comes at another time is the application's, and is refused
  std::optional<error> failure_; // of the machine, in the transaction at hand
  std::uint64_t wal_pages_ = 0;  // after the last commit
  std::uint64_t checkpoint_at_ = 0; // pages
  std::uint64_t wal_room_ = 0;      // pages for which the WAL's file is long enough
  std::optional<error> checkpoint_error_;
  std::atomic<bool> refuses_{false};
  mutable std::mutex mutex_; // for refused_because_
  std::optional<error> refused_because_;
};

} // namespace cleave::sqlite
