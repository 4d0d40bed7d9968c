// SPDX-License-Identifier: BSL-1.0
// The transaction on an event store's file that a group of writes shares.
#pragma once

#include <cleave/event/commit_signal.hpp>

#include "commit_queue.hpp"
#include "log_writer.hpp"
#include "write_file.hpp"

#include <memory>

namespace cleave::sqlite {

class log_group final : public group_transaction {
public:
  log_group(std::unique_ptr<write_file> file, recent_tables& recent, commit_signal& commits)
      : file_(std::move(file)), log_(file_->db(), recent), commits_(commits) {}
  // Spares the next process reading the log's end, the youngest streams and commands, if there is much of that.
  ~log_group();
  log_group(log_group const&) = delete;
  log_group& operator=(log_group const&) = delete;

  write_file& file() noexcept { return *file_; }
  log_writer& log() noexcept { return log_; }

  // A function of the application, in a savepoint.
  result<void> run_application(function_ref<result<void>()> work);

  result<void> begin(std::int64_t deadline_us) override;
  health check() override;
  error failure() override;
  void roll_back() override;
  result<void> commit() override;
  bool wants_tidying() const override { return file_->wants_checkpoint(); }
  void tidy() override { file_->checkpoint(); }

private:
  std::unique_ptr<write_file> file_;
  log_writer log_; // its statements go before the file
  commit_signal& commits_;
};

} // namespace cleave::sqlite
