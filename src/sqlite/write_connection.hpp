// SPDX-License-Identifier: BSL-1.0
// The one connection of a store that writes: its transactions, its commits, its checkpoints.
#pragma once

#include "commit_queue.hpp"
#include "log_writer.hpp"
#include "process_lock.hpp"

#include <cleave/event/commit_signal.hpp>
#include <cleave/sqlite/event_store.hpp>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>

namespace cleave::sqlite {

// Everything but refusal() belongs to who leads the commit queue.
class write_connection final : public group_transaction {
public:
  static result<database> open_file(event_store_options const& options, process_lock& lock);
  write_connection(database db, process_lock lock, event_store_options const& options, commit_signal& commits);
  write_connection(write_connection const&) = delete;
  write_connection& operator=(write_connection const&) = delete;
  // Writes the WAL back and removes it, when no other connection is left and no commit has failed.
  ~write_connection();

  database& db() noexcept { return *db_; }
  log_writer& log() noexcept { return log_; }

  // Why writes are refused since a commit failed, or nothing. Any thread.
  std::optional<error> refusal() const;

  // Runs a function of the application in a savepoint; undoes what it did when it fails or throws.
  result<void> run_application(function_ref<result<void>()> work);

  result<void> begin(std::int64_t deadline_us) override;
  health check() override;
  error failure() override;
  void roll_back() override;
  result<void> commit() override;
  bool wants_tidying() const override;
  void tidy() override;

  // What a write reports when it has failed in a way that touches the transaction (for check()).
  void note_failure(error const& reason);

private:
  void at(char const* step) const;
  result<void> undo_application(log_writer::mark mark);
  void checkpoint();
  void refuse_from_now_on(error const& reason);
  static int count_pages(void* self, sqlite3* db, char const* name, int pages);
  static int allow_commit(void* self);

  std::optional<database> db_;
  process_lock lock_;
  event_store_options const& options_;
  commit_signal& commits_;
  log_writer log_;
  bool committing_ = false;         // a COMMIT that comes at another time is the application's, and is refused
  std::optional<error> failure_;    // of the machine, in the transaction at hand
  std::uint64_t wal_pages_ = 0;     // after the last commit
  std::uint64_t checkpoint_at_ = 0; // pages
  std::optional<error> checkpoint_error_;
  std::atomic<bool> refuses_{false};
  mutable std::mutex mutex_; // for refused_because_
  std::optional<error> refused_because_;
};

} // namespace cleave::sqlite
