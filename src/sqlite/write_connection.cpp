// SPDX-License-Identifier: BSL-1.0
#include "write_connection.hpp"

#include "error.hpp"
#include "reader_pool.hpp"
#include "schema.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>

namespace cleave::sqlite {

namespace {

constexpr std::int64_t us_per_ms = 1'000;
constexpr std::uint64_t page_bytes = 4'096;
constexpr std::int64_t close_wait_us = 100 * us_per_ms;

// Trouble that is nobody's own: it hits whoever writes next, too.
bool is_machine_failure(errc code) noexcept {
  return code == errc::disk_full || code == errc::io_error || code == errc::corrupt || code == errc::read_only || code == errc::busy;
}

void set_busy_wait(database& db, std::int64_t us) noexcept {
  constexpr std::int64_t longest_ms = INT32_MAX;
  sqlite3_busy_timeout(db.handle(), static_cast<int>(std::clamp<std::int64_t>(us / us_per_ms, 0, longest_ms)));
}

} // namespace

result<database> write_connection::open_file(event_store_options const& options, process_lock& lock) {
  auto opened = database::open({.path = options.path, .busy_wait_ms = options.busy_wait_ms, .vfs = options.vfs});
  if (!opened) return opened;
  database& db = *opened;
  forbid_checkpoints(db);
  // Whose file it is comes first: beside somebody else's nothing is made and nothing is changed.
  if (auto const version = read_schema_version(db, event_store_schema); !version) return unexpected(version.error());
  if (options.shared) {
    auto made = process_lock::open(std::string(db.path()) + "-lock");
    if (!made) return unexpected(std::move(made).error());
    lock = std::move(*made);
  }
  if (auto good = lock.lock(steady_us() + options.busy_wait_ms * us_per_ms); !good) return unexpected(std::move(good).error());
  auto const set_up = [&]() -> result<void> {
    auto const mode = db.value<std::string>("PRAGMA journal_mode = WAL");
    if (!mode) return unexpected(mode.error());
    if (mode->value_or("") != "wal") {
      return unexpected(make_error(errc::unsupported, "{}: the SQLite VFS gives no write-ahead log, journal_mode stays {}", db.path(),
                                   mode->value_or("")));
    }
    bool const full = options.durability == durability::full;
    if (auto good = db.run_script(full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL"); !good) return good;
    return bring_up_to_date(db, event_store_schema);
  };
  auto const good = set_up();
  lock.unlock();
  if (!good) return unexpected(good.error());
  return opened;
}

write_connection::write_connection(database db, process_lock lock, event_store_options const& options, commit_signal& commits)
    : db_(std::move(db)), lock_(std::move(lock)), options_(options), commits_(commits), log_(*db_),
      checkpoint_at_(options.checkpoint_pages) {
  sqlite3_wal_hook(db_->handle(), &count_pages, this);
  sqlite3_commit_hook(db_->handle(), &allow_commit, this);
}

write_connection::~write_connection() {
  sqlite3* const handle = db_->handle();
  sqlite3_wal_hook(handle, nullptr, nullptr);
  sqlite3_commit_hook(handle, nullptr, nullptr);
  log_.close();
  // SQLite checkpoints when the last connection closes; only under the lock is that safe from the WAL-reset bug.
  bool const locked = !refuses_ && lock_.lock(steady_us() + close_wait_us).has_value();
  if (locked) sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
  db_.reset();
  if (locked) lock_.unlock();
}

int write_connection::count_pages(void* self, sqlite3*, char const*, int pages) {
  static_cast<write_connection*>(self)->wal_pages_ = static_cast<std::uint64_t>(pages);
  return SQLITE_OK;
}

int write_connection::allow_commit(void* self) { return static_cast<write_connection*>(self)->committing_ ? 0 : 1; }

void write_connection::at(char const* step) const {
  if (options_.on_step.call != nullptr) options_.on_step.call(options_.on_step.context, step);
}

std::optional<error> write_connection::refusal() const {
  if (!refuses_.load(std::memory_order_acquire)) return std::nullopt;
  std::lock_guard const lock(mutex_);
  return error(errc::store_failed, fmt::format("{}: a commit has failed; the store refuses writes until it is opened again", db_->path()),
               *refused_because_);
}

void write_connection::refuse_from_now_on(error const& reason) {
  {
    std::lock_guard const lock(mutex_);
    refused_because_ = reason;
  }
  refuses_.store(true, std::memory_order_release);
}

result<void> write_connection::begin(std::int64_t deadline_us) {
  if (auto refused = refusal()) return unexpected(std::move(*refused));
  if (wal_pages_ * page_bytes > options_.wal_limit_bytes) {
    checkpoint();
    if (wal_pages_ * page_bytes > options_.wal_limit_bytes) {
      error full = make_error(errc::limit_exceeded, "{}: the WAL has {} bytes, at most {} are allowed: a reader keeps it from being reset",
                              db_->path(), wal_pages_ * page_bytes, options_.wal_limit_bytes);
      if (checkpoint_error_) return unexpected(error(full.code(), full.text(), *checkpoint_error_));
      return unexpected(std::move(full));
    }
  }
  if (auto locked = lock_.lock(deadline_us); !locked) return locked;
  set_busy_wait(*db_, deadline_us - steady_us());
  auto begun = db_->execute("BEGIN IMMEDIATE");
  if (!begun) {
    lock_.unlock();
    return unexpected(std::move(begun).error());
  }
  failure_.reset();
  if (auto known = log_.begin(); !known) {
    roll_back();
    return known;
  }
  at("begun");
  return {};
}

void write_connection::note_failure(error const& reason) {
  if (!failure_) failure_ = reason;
}

group_transaction::health write_connection::check() {
  if (failure_) return is_machine_failure(failure_->code()) || db_->in_transaction() ? health::failed : health::lost;
  if (db_->in_transaction()) return health::good;
  return health::lost;
}

error write_connection::failure() {
  if (failure_) return *failure_;
  return make_error(errc::io_error, "{}: SQLite has given up the transaction", db_->path());
}

void write_connection::roll_back() {
  if (db_->in_transaction()) {
    if (auto const undone = db_->execute("ROLLBACK"); !undone) refuse_from_now_on(undone.error());
  }
  log_.end(false);
  lock_.unlock();
}

result<void> write_connection::commit() {
  at("applied");
  committing_ = true;
  auto const committed = db_->execute("COMMIT");
  committing_ = false;
  if (!committed) {
    error const& reason = committed.error();
    // A full disk is met before the commit's last page is written, so nothing of it can come back. After any other failure the
    // commit may be on the disk or not.
    if (reason.code() != errc::disk_full) refuse_from_now_on(reason);
    roll_back();
    return unexpected(reason);
  }
  log_.end(true);
  lock_.unlock();
  at("committed");
  commits_.publish(log_.head());
  return {};
}

bool write_connection::wants_tidying() const { return wal_pages_ >= checkpoint_at_; }

void write_connection::tidy() { checkpoint(); }

// PASSIVE writes back what no reader needs and waits for nobody. When that was all, the next commit starts the WAL over. Else, or
// after an error, the WAL grows on, and the next try comes after as many pages again.
void write_connection::checkpoint() {
  if (auto const locked = lock_.lock(steady_us() + options_.busy_wait_ms * us_per_ms); !locked) return;
  at("checkpoint");
  int pages = 0;
  int written_back = 0;
  int const code = sqlite3_wal_checkpoint_v2(db_->handle(), "main", SQLITE_CHECKPOINT_PASSIVE, &pages, &written_back);
  at("checkpointed");
  lock_.unlock();
  checkpoint_error_.reset();
  if (code != SQLITE_OK) checkpoint_error_ = sqlite_error(db_->handle(), code, db_->path(), "write the WAL back into the file");
  bool const whole = code == SQLITE_OK && written_back == pages;
  checkpoint_at_ = options_.checkpoint_pages + (whole ? 0 : wal_pages_);
  if (whole) wal_pages_ = 0;
}

result<void> write_connection::run_application(function_ref<result<void>()> work) {
  if (auto saved = db_->execute("SAVEPOINT cleave_work"); !saved) return note_failure(saved.error()), unexpected(saved.error());
  log_writer::mark const mark = log_.here();
  result<void> outcome;
  try {
    outcome = work();
  } catch (...) {
    outcome = unexpected(cleave::detail::current_exception_error("a function in the store's write transaction"));
  }
  if (!db_->in_transaction()) {
    if (!outcome) return outcome;
    return unexpected(make_error(errc::invalid_argument, "{}: a function in the store's write transaction has ended the transaction",
                                 db_->path()));
  }
  if (outcome && log_.broken()) outcome = unexpected(*log_.broken());
  int unresolved = 0;
  int highest = 0;
  sqlite3_db_status(db_->handle(), SQLITE_DBSTATUS_DEFERRED_FKS, &unresolved, &highest, 0);
  if (outcome && unresolved != 0) {
    outcome = unexpected(make_error(errc::constraint_violated, "{}: deferred foreign keys are violated at the end of the transaction",
                                    db_->path()));
  }
  if (!outcome) {
    if (auto undone = undo_application(mark); !undone) note_failure(undone.error());
    return outcome;
  }
  if (auto released = db_->execute("RELEASE cleave_work"); !released) {
    note_failure(released.error());
    return unexpected(released.error());
  }
  return {};
}

result<void> write_connection::undo_application(log_writer::mark mark) {
  if (auto undone = db_->execute("ROLLBACK TO cleave_work"); !undone) return unexpected(undone.error());
  if (auto released = db_->execute("RELEASE cleave_work"); !released) return unexpected(released.error());
  log_.back_to(mark);
  return {};
}

} // namespace cleave::sqlite
