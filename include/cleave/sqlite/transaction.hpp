// SPDX-License-Identifier: BSL-1.0
// The write transaction of an event store, as a function of the application sees it.
#pragma once

#include <cleave/base/function_ref.hpp>
#include <cleave/event/append.hpp>
#include <cleave/event/event_store.hpp>
#include <cleave/sqlite/database.hpp>

#include <optional>
#include <string_view>

namespace cleave::sqlite {

namespace detail {
class engine;
}
class encoded_append;

// Handed to the functions that event_store::transact and the inline projections of event_store::append take; valid until they
// return, on their thread. Everything done through it is committed together with the events, or undone.
class transaction {
public:
  transaction(transaction const&) = delete;
  transaction& operator=(transaction const&) = delete;

  // The connection, for the application's own tables. Reserved names: `events`, `commands`, and all that begins with
  // "cleave_". BEGIN, COMMIT and ROLLBACK are the store's; a function that tries them fails and is undone. SAVEPOINT is fine.
  database& db() noexcept { return *db_; }

  // The contract of can_append (event/event_store.hpp), within this transaction: it sees what was appended before in it, and
  // nothing is durable before the function has returned and the store has committed. After an error of the machine (not a
  // failed expectation or another refusal) the function can only fail: what it returns is replaced by that error.
  result<appended> append(append_request const& request);
  // The same with an inline projection, as event_store::append has it.
  using inline_hook = function_ref<result<void>(recorded_event const&, transaction&)>;
  result<appended> append(append_request const& request, inline_hook hook);

  // Of read models in the log's file: as read_store::checkpoint and read_store::apply, but within this transaction.
  result<position> checkpoint(std::string_view projection);
  result<void> apply(std::string_view projection, position from,
                     function_ref<result<position>(database&)> fill);

  // These see what this transaction has appended.
  result<position> head();
  result<std::optional<command_outcome>> find_command(command_id id);
  template <event_sink Sink> result<version> read_stream(stream_name stream, stream_range range,
                                                         Sink&& sink) {
    return read_stream_with(stream, range, cleave::detail::part_for<Sink>, sink);
  }
  template <event_sink Sink> result<position> read_all(log_range const& range, Sink&& sink) {
    return read_all_with(range, sink);
  }

  // See keeps_snapshots. One for each stream.
  void keep_snapshot(stream_name stream, version upto, std::uint64_t fingerprint, std::string_view data);
  // See decides_in_commit: how often something was undone that this store's transactions had seen.
  std::uint64_t rollbacks() const noexcept;

private:
  friend class detail::engine;
  transaction(detail::engine& owner, database& db) noexcept : owner_(&owner), db_(&db) {}
  result<version> read_stream_with(stream_name stream, stream_range range,
                                   cleave::detail::envelope_part wanted,
                                   function_ref<bool(recorded_event const&)> sink);
  result<position> read_all_with(log_range const& range, function_ref<bool(recorded_event const&)> sink);

  detail::engine* owner_;
  database* db_;
};

// What event_store::decide_in_commit hands out: the part of a transaction that a decision needs. It writes nothing but its append, so
// that it costs no savepoint.
class commit_scope {
public:
  commit_scope(commit_scope const&) = delete;
  commit_scope& operator=(commit_scope const&) = delete;

  // Once: a second call is errc::invalid_argument.
  result<appended> append(append_request const& request);
  template <event_sink Sink> result<version> read_stream(stream_name stream, stream_range range,
                                                         Sink&& sink) {
    return inside_->read_stream(stream, range, sink);
  }
  template <event_sink Sink> result<position> read_all(log_range const& range, Sink&& sink) {
    return inside_->read_all(range, sink);
  }
  void keep_snapshot(stream_name stream, version upto, std::uint64_t fingerprint, std::string_view data) {
    inside_->keep_snapshot(stream, upto, fingerprint, data);
  }
  std::uint64_t rollbacks() const noexcept { return inside_->rollbacks(); }

private:
  friend class detail::engine;
  commit_scope(detail::engine& owner, transaction& inside, encoded_append& encoded) noexcept
      : owner_(&owner), inside_(&inside), encoded_(&encoded) {}

  detail::engine* owner_;
  transaction* inside_;
  encoded_append* encoded_; // of the append
  bool appended_ = false;
};

} // namespace cleave::sqlite
