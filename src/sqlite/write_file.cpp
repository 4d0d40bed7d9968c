// SPDX-License-Identifier: BSL-1.0
#include "write_file.hpp"

#include "log_rows.hpp"
#include "reader_pool.hpp"
#include "sqlite_error.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>

namespace cleave::sqlite {

namespace {

constexpr std::int64_t us_per_ms = 1'000;
constexpr std::uint64_t page_bytes = 4'096;
constexpr std::int64_t close_wait_us = 100 * us_per_ms;
constexpr std::uint64_t wal_header_bytes = 32;
constexpr std::uint64_t wal_frame_bytes = 24 + page_bytes;
// What the WAL grows by at once, and how far ahead.
constexpr std::uint64_t wal_step_pages = 256;
constexpr std::uint64_t wal_pages_ahead = 32;

void set_busy_wait(database& db, std::int64_t us) noexcept {
  constexpr std::int64_t longest_ms = INT32_MAX;
  sqlite3_busy_timeout(db.handle(),
                       static_cast<int>(std::clamp<std::int64_t>(us / us_per_ms, 0, longest_ms)));
}

} // namespace

result<void> check_connections(std::string_view path, std::size_t readers, std::uint32_t checkpoint_pages,
                               durability level) {
  constexpr std::size_t most_readers = 64;
  if (level == durability::process) {
    return unexpected(make_error(errc::invalid_argument,
                                 "{}: durability::process is not for a file: full or relaxed", path));
  }
  if (readers < 1 || readers > most_readers) {
    return unexpected(make_error(errc::invalid_argument, "{}: {} read connections, 1 to {} are allowed", path,
                                 readers, most_readers));
  }
  if (checkpoint_pages == 0)
    return unexpected(make_error(errc::invalid_argument, "{}: checkpoint_pages is 0", path));
  return {};
}

result<write_file*> write_file::open(write_file_options const& options, schema const& wanted) {
  auto opened = database::open(
      {.path = options.path, .busy_wait_ms = options.busy_wait_ms, .vfs = options.vfs});
  if (!opened) return unexpected(std::move(opened).error());
  database& db = *opened;
  forbid_checkpoints(db);
  if (auto good = teach_rows(db); !good) return unexpected(std::move(good).error());
  // Whose file it is comes first: beside somebody else's nothing is made and nothing is changed.
  if (auto const version = read_schema_version(db, wanted); !version) return unexpected(version.error());
  process_lock lock;
  if (options.shared) {
    auto made = process_lock::open(std::string(db.path()) + "-lock");
    if (!made) return unexpected(std::move(made).error());
    lock = std::move(*made);
  }
  if (auto good = lock.lock(steady_us() + options.busy_wait_ms * us_per_ms); !good)
    return unexpected(std::move(good).error());
  auto const set_up = [&]() -> result<void> {
    auto const mode = db.value<std::string>("PRAGMA journal_mode = WAL");
    if (!mode) return unexpected(mode.error());
    if (mode->value_or("") != "wal") {
      return unexpected(make_error(errc::unsupported,
                                   "{}: the SQLite VFS gives no write-ahead log, journal_mode stays {}",
                                   db.path(), mode->value_or("")));
    }
    if (auto good = db.run_script(options.full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
        !good)
      return good;
    if (auto good = bring_up_to_date(db, wanted); !good) return good;
    // What a killed process or a failed sync has left in the WAL may be nowhere but in the system's cache, and is about to be
    // answered for: a repeated append is acknowledged without a commit. A checkpoint syncs it.
    return db.run_script("PRAGMA wal_checkpoint(PASSIVE)");
  };
  auto const good = set_up();
  lock.unlock();
  if (!good) return unexpected(good.error());
  return new write_file(std::move(*opened), std::move(lock), options);
}

write_file::write_file(database db, process_lock lock, write_file_options const& options)
    : options_(options),
      db_(std::move(db)),
      lock_(std::move(lock)),
      checkpoint_at_(options.checkpoint_pages) {
  sqlite3_wal_hook(db_->handle(), &count_pages, this);
  sqlite3_commit_hook(db_->handle(), &allow_commit, this);
}

write_file::~write_file() {
  sqlite3* const handle = db_->handle();
  sqlite3_wal_hook(handle, nullptr, nullptr);
  sqlite3_commit_hook(handle, nullptr, nullptr);
  // SQLite checkpoints when the last connection closes; only under the lock is that safe from the WAL-reset bug.
  bool const locked = !refuses_ && lock_.lock(steady_us() + close_wait_us).has_value();
  if (locked) sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
  db_.reset();
  if (locked) lock_.unlock();
}

int write_file::count_pages(void* self, sqlite3*, char const*, int pages) {
  static_cast<write_file*>(self)->wal_pages_ = static_cast<std::uint64_t>(pages);
  return SQLITE_OK;
}

int write_file::allow_commit(void* self) { return static_cast<write_file*>(self)->committing_ ? 0 : 1; }

void write_file::at(char const* step) const {
  if (options_.on_step.call != nullptr) options_.on_step.call(options_.on_step.context, step);
}

std::optional<error> write_file::refusal() const {
  if (!refuses_.load(std::memory_order_acquire)) return std::nullopt;
  std::lock_guard const lock(mutex_);
  return error(
      errc::store_failed,
      fmt::format("{}: a commit has failed; the store refuses writes until it is opened again", db_->path()),
      *refused_because_);
}

void write_file::refuse_from_now_on(error const& reason) {
  {
    std::lock_guard const lock(mutex_);
    refused_because_ = reason;
  }
  refuses_.store(true, std::memory_order_release);
}

// The WAL cannot shrink while a reader needs it: better no write than a full disk.
result<void> write_file::make_room_in_wal() {
  if (wal_pages_ * page_bytes <= options_.wal_limit_bytes) return {};
  checkpoint();
  if (wal_pages_ * page_bytes <= options_.wal_limit_bytes) return {};
  error full = make_error(
      errc::limit_exceeded,
      "{}: the WAL has {} bytes, at most {} are allowed: a reader keeps it from being reset", db_->path(),
      wal_pages_ * page_bytes, options_.wal_limit_bytes);
  if (!checkpoint_error_) return unexpected(std::move(full));
  return unexpected(error(full.code(), full.text(), *checkpoint_error_));
}

// A sync after which a file is longer costs a third more than one that finds it long enough: so the WAL, until it is as long as it
// gets between two checkpoints, grows by many pages at once, ahead of the commits that need them. Zeros are no frame to SQLite,
// like all that a WAL has behind its last commit. Inside the write transaction, because then nobody else adds to it. What fails
// here fails again where it matters, in the commit.
void write_file::grow_wal() noexcept {
  std::uint64_t const wanted = std::min<std::uint64_t>(wal_pages_ + wal_pages_ahead, checkpoint_at_);
  if (wanted <= wal_room_) return;
  wal_room_ = std::min(wanted + wal_step_pages, checkpoint_at_);
  sqlite3_file* wal = nullptr;
  sqlite3_int64 size = 0;
  bool const there = sqlite3_file_control(db_->handle(), "main", SQLITE_FCNTL_JOURNAL_POINTER,
                                          static_cast<void*>(&wal)) == SQLITE_OK &&
                     wal != nullptr && wal->pMethods != nullptr &&
                     wal->pMethods->xFileSize(wal, &size) == SQLITE_OK;
  if (!there) return;
  static constexpr std::array<char, 16 * page_bytes> zeros{};
  std::uint64_t const bytes = wal_header_bytes + wal_room_ * wal_frame_bytes;
  auto const end = static_cast<sqlite3_int64>(bytes);
  while (size < end) {
    auto const part = std::min<sqlite3_int64>(end - size, zeros.size());
    if (wal->pMethods->xWrite(wal, zeros.data(), static_cast<int>(part), size) != SQLITE_OK) return;
    size += part;
  }
}

result<void> write_file::begin(std::int64_t deadline_us) {
  if (auto refused = refusal()) return unexpected(std::move(*refused));
  if (auto room = make_room_in_wal(); !room) return room;
  if (auto locked = lock_.lock(deadline_us); !locked) return locked;
  set_busy_wait(*db_, deadline_us - steady_us());
  auto begun = db_->execute("BEGIN IMMEDIATE");
  if (!begun) {
    lock_.unlock();
    return unexpected(std::move(begun).error());
  }
  grow_wal();
  failure_.reset();
  at("begun");
  return {};
}

void write_file::note_failure(error const& reason) {
  if (!failure_) failure_ = reason;
}

void write_file::roll_back() {
  if (db_->in_transaction()) {
    if (auto const undone = db_->execute("ROLLBACK"); !undone) refuse_from_now_on(undone.error());
  }
  lock_.unlock();
}

result<void> write_file::commit() {
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
  lock_.unlock();
  at("committed");
  return {};
}

// PASSIVE writes back what no reader needs and waits for nobody. When that was all, the next commit starts the WAL over. Else, or
// after an error, the WAL grows on, and the next try comes after as many pages again.
void write_file::checkpoint() {
  if (auto const locked = lock_.lock(steady_us() + options_.busy_wait_ms * us_per_ms); !locked) return;
  at("checkpoint");
  int pages = 0;
  int written_back = 0;
  int const code = sqlite3_wal_checkpoint_v2(db_->handle(), "main", SQLITE_CHECKPOINT_PASSIVE, &pages,
                                             &written_back);
  at("checkpointed");
  lock_.unlock();
  checkpoint_error_.reset();
  if (code != SQLITE_OK)
    checkpoint_error_ = sqlite_error(db_->handle(), code, db_->path(), "write the WAL back into the file");
  bool const whole = code == SQLITE_OK && written_back == pages;
  checkpoint_at_ = options_.checkpoint_pages + (whole ? 0 : wal_pages_);
  if (whole) wal_pages_ = 0;
}

result<void> write_file::run_application(function_ref<result<void>()> work, function_ref<void()> undone) {
  if (auto saved = db_->execute("SAVEPOINT cleave_work"); !saved) {
    note_failure(saved.error());
    return unexpected(std::move(saved).error());
  }
  result<void> outcome;
  try {
    outcome = work();
  } catch (...) {
    outcome = unexpected(cleave::detail::current_exception_error("a function in the write transaction"));
  }
  if (!db_->in_transaction()) {
    if (!outcome) return outcome;
    return unexpected(make_error(errc::invalid_argument,
                                 "{}: a function in the write transaction has ended the transaction",
                                 db_->path()));
  }
  if (outcome) {
    // Met at COMMIT they would fail the whole group.
    int unresolved = 0;
    int highest = 0;
    sqlite3_db_status(db_->handle(), SQLITE_DBSTATUS_DEFERRED_FKS, &unresolved, &highest, 0);
    if (unresolved == 0) {
      auto released = db_->execute("RELEASE cleave_work");
      if (released) return {};
      note_failure(released.error());
      return unexpected(std::move(released).error());
    }
    outcome = unexpected(make_error(errc::constraint_violated,
                                    "{}: deferred foreign keys are violated at the end of the transaction",
                                    db_->path()));
  }
  if (auto back = undo_application(); !back) note_failure(back.error());
  else undone();
  return outcome;
}

result<void> write_file::undo_application() {
  if (auto back = db_->execute("ROLLBACK TO cleave_work"); !back) return unexpected(std::move(back).error());
  if (auto released = db_->execute("RELEASE cleave_work"); !released)
    return unexpected(std::move(released).error());
  return {};
}

} // namespace cleave::sqlite
