// SPDX-License-Identifier: BSL-1.0
#include "log_group.hpp"

namespace cleave::sqlite {

namespace {

// Trouble that is nobody's own: it hits whoever writes next, too.
bool is_machine_failure(errc code) noexcept {
  return code == errc::disk_full || code == errc::io_error || code == errc::corrupt ||
         code == errc::read_only || code == errc::busy;
}

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

result<void> log_group::commit() {
  auto committed = file_->commit();
  log_.end(committed.has_value());
  if (committed) commits_.publish(log_.head());
  return committed;
}

result<void> log_group::run_application(function_ref<result<void>()> work) {
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
