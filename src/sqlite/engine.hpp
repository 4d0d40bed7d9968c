// SPDX-License-Identifier: BSL-1.0
// All that stands behind one event store's handle.
#pragma once

#include <cleave/event/commit_signal.hpp>
#include <cleave/sqlite/event_store.hpp>

#include "commit_queue.hpp"
#include "log_group.hpp"
#include "reader_pool.hpp"
#include "texts_pool.hpp"

#include <memory>

namespace cleave::sqlite::detail {

class engine {
public:
  static result<engine*> open(event_store_options const& options);
  engine(engine const&) = delete;
  engine& operator=(engine const&) = delete;
  ~engine();

  result<appended> append(append_request const& request);
  result<appended> append(append_request const& request, event_store::inline_hook hook);
  result<void> async_append(append_request const& request, std::unique_ptr<append_completion> completion);
  result<void> transact(function_ref<result<void>(transaction&)> work);
  result<void> decide_in_commit(function_ref<result<void>(commit_scope&)> work);

  // Inside a transaction, on the leader's thread.
  result<appended> append_now(append_request const& request, event_store::inline_hook hook,
                              transaction& inside);
  // `encoded` must live until the end of the transaction.
  result<appended> append_decided(append_request const& request, encoded_append& encoded);
  log_group& writer() noexcept { return writer_; }

  reader_pool& readers() noexcept { return readers_; }
  texts_pool& texts() noexcept { return texts_; }
  recent_tables& recent() noexcept { return recent_; }
  commit_signal& commits() noexcept { return commits_; }
  write_counts counts() const { return queue_.counts(); }
  event_store_options const& options() const noexcept { return options_; }

private:
  struct plain_append;
  struct detached_append;
  struct application_write;
  struct decided_write;
  struct spare_appends;

  engine(event_store_options const& options, std::unique_ptr<write_file> file);
  // errc::invalid_argument inside a function that this store's transaction runs, on this thread.
  result<void> check_not_inside(std::string_view what) const;
  // On the leader's thread, without code of the application.
  result<appended> append_in_group(append_request const& request, encoded_append const& encoded);
  result<appended> append_encoded(append_request const& request, encoded_append const& encoded,
                                  event_store::inline_hook hook, transaction& inside);
  result<void> run_hook(append_request const& request, appended const& answer, event_store::inline_hook hook,
                        transaction& inside);
  std::int64_t deadline_us() const noexcept;
  result<timestamp> now() const;

  event_store_options options_;
  commit_signal commits_;
  recent_tables recent_;
  // In this order, so that the readers are closed before the writer, which writes the WAL back.
  log_group writer_;
  reader_pool readers_;
  texts_pool texts_;
  std::unique_ptr<spare_appends> spares_;
  commit_queue queue_; // its thread ends first
};

} // namespace cleave::sqlite::detail
