// SPDX-License-Identifier: BSL-1.0
#include "log_group.hpp"

namespace cleave::sqlite {

namespace {

// Trouble that is nobody's own: it hits whoever writes next, too.
bool is_machine_failure(errc code) noexcept {
  return code == errc::disk_full || code == errc::io_error || code == errc::corrupt ||
         code == errc::read_only || code == errc::busy;
}

constexpr std::int64_t close_wait_us = 100'000;

} // namespace

result<void> log_group::begin(std::int64_t deadline_us) {
  if (auto begun = file_->begin(deadline_us); !begun) return begun;
  auto known = log_.begin();
  if (!known) roll_back();
  return known;
}

group_transaction::health log_group::check() {
  bool const open = file_->db().in_transaction();
  if (!file_->failure()) return open ? health::good : health::lost;
  return open || is_machine_failure(file_->failure()->code()) ? health::failed : health::lost;
}

error log_group::failure() { return *file_->failure(); }

void log_group::roll_back() {
  file_->roll_back();
  log_.end(false);
}

log_group::~log_group() {
  if (file_->refusal() || !log_.wants_all_written()) return;
  // What fails here is read again by the next process.
  if (!begin(steady_us() + close_wait_us)) return;
  if (log_.write_heads(log_writer::amount::all) && log_.write_names(log_writer::amount::all) &&
      log_.write_outcomes(log_writer::amount::all))
    log_.end(file_->commit().has_value());
  else roll_back();
}

result<void> log_group::commit() {
  auto written = log_.write_rows();
  if (written) written = log_.write_heads();
  if (written) written = log_.write_names();
  if (written) written = log_.write_outcomes();
  if (!written) {
    roll_back();
    return written;
  }
  auto committed = file_->commit();
  log_.end(committed.has_value());
  if (committed) commits_.publish(log_.head());
  return committed;
}

result<void> log_group::run_application(function_ref<result<void>()> work) {
  // What the application asks its connection for has to be there.
  if (auto written = log_.write_rows(); !written) {
    file_->note_failure(written.error());
    return written;
  }
  log_writer::mark const mark = log_.here();
  return file_->run_application(
      [&]() -> result<void> {
        auto done = work();
        if (done && log_.broken()) return unexpected(*log_.broken());
        return done;
      },
      [&] { log_.back_to(mark); });
}

} // namespace cleave::sqlite
