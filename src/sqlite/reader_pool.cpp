// SPDX-License-Identifier: BSL-1.0
#include "reader_pool.hpp"

#include "log_rows.hpp"

#include <sqlite3.h>

#include <chrono>
#include <optional>

namespace cleave::sqlite {

void forbid_checkpoints(database& db) noexcept {
  sqlite3_db_config(db.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  sqlite3_wal_autocheckpoint(db.handle(), 0);
}

reader_pool::reader_pool(database_options how, std::size_t most) : how_(std::move(how)), most_(most) {
  how_.read_only = true;
  how_.create = false;
}

result<reader> reader_pool::open_one() const {
  auto opened = database::open(how_);
  if (!opened) return unexpected(std::move(opened).error());
  forbid_checkpoints(*opened);
  // In KiB. The events of a stream lie scattered over the log: with SQLite's 2 MiB a load of a long one reads the same pages from
  // the file each time.
  if (auto good = opened->run_script("PRAGMA cache_size = -8192"); !good)
    return unexpected(std::move(good).error());
  if (auto good = teach_rows(*opened); !good) return unexpected(std::move(good).error());
  return reader(std::move(*opened));
}

// Holds one connection and gives it back, whatever happens.
class reader_pool::lease {
public:
  lease(reader_pool& pool, std::optional<reader> connection) noexcept
      : pool_(pool), connection_(std::move(connection)) {}
  lease(lease const&) = delete;
  lease& operator=(lease const&) = delete;
  ~lease() {
    if (connection_ && connection_->in_transaction())
      static_cast<void>(connection_->execute("ROLLBACK").has_value());
    // A connection that is still in a transaction would show its next user an old snapshot.
    if (connection_ && connection_->in_transaction()) connection_.reset();
    {
      std::lock_guard const lock(pool_.mutex_);
      if (connection_) pool_.idle_.push_back(std::move(*connection_));
      else --pool_.open_;
    }
    pool_.returned_.notify_one();
  }
  void fill(reader opened) { connection_.emplace(std::move(opened)); }
  bool empty() const noexcept { return !connection_; }
  reader& operator*() noexcept { return *connection_; }

private:
  reader_pool& pool_;
  std::optional<reader> connection_;
};

result<log_extent> reader::extent() {
  unsigned version = 0;
  bool const told = sqlite3_file_control(handle(), "main", SQLITE_FCNTL_DATA_VERSION, &version) == SQLITE_OK;
  if (told && data_version_ == version) return extent_;
  auto const read = read_extent(*this);
  if (!read) return read;
  extent_ = *read;
  data_version_ = told ? std::optional(version) : std::nullopt;
  return read;
}

result<void> reader_pool::lend(reading work) {
  std::optional<reader> idle;
  {
    std::unique_lock lock(mutex_);
    auto const free = [&] { return !idle_.empty() || open_ < most_; };
    if (!free() && !returned_.wait_for(lock, std::chrono::milliseconds(how_.busy_wait_ms), free)) {
      return unexpected(make_error(errc::busy, "{}: all {} read connections were in use for {} ms", how_.path,
                                   most_, how_.busy_wait_ms));
    }
    if (idle_.empty()) {
      ++open_;
    } else {
      idle.emplace(std::move(idle_.back()));
      idle_.pop_back();
    }
  }
  lease held(*this, std::move(idle));
  if (held.empty()) {
    auto opened = open_one();
    if (!opened) return unexpected(std::move(opened).error());
    held.fill(std::move(*opened));
  }
  return work(*held);
}

result<void> reader_pool::read(reading work) {
  return lend([&](reader& lent) -> result<void> {
    if (auto begun = lent.execute("BEGIN"); !begun) return unexpected(std::move(begun).error());
    if (auto good = work(lent); !good) return good;
    if (auto ended = lent.execute("COMMIT"); !ended) return unexpected(std::move(ended).error());
    return {};
  });
}

} // namespace cleave::sqlite
