// SPDX-License-Identifier: BSL-1.0
// The event store in one SQLite file.
#pragma once

#include <cleave/base/clock.hpp>
#include <cleave/base/function_ref.hpp>
#include <cleave/event/event_store.hpp>
#include <cleave/event/stream_snapshot.hpp>
#include <cleave/event/write_counts.hpp>
#include <cleave/sqlite/transaction.hpp>
#include <cleave/sqlite/verification.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace cleave::sqlite {

// For tests: called on the writing thread at each point where a crash matters. `step` is one of "begun", "applied" (before the
// commit), "committed" (before anybody is told), "checkpoint" and "checkpointed". It must not call the store.
struct step_hook {
  void (*call)(void* context, char const* step) = nullptr;
  void* context = nullptr;
};

struct event_store_options {
  std::string
      path{}; // the file; made when it is not there. Beside it: PATH-wal, PATH-shm (SQLite's) and PATH-lock
  // full: synchronous=FULL, an acknowledged append survives a power loss. relaxed: synchronous=NORMAL, a power loss can take
  // the last appends (in order, without a hole), the end of the process cannot.
  cleave::durability durability = cleave::durability::full;
  clock_ref clock{}; // gives recorded_at, read once for each append that stores something
  std::uint32_t busy_wait_ms =
      5'000; // how long a write waits for another process, and a read for a free connection
  std::size_t readers =
      8; // connections for reading, 1 to 64, opened when needed, with up to 8 MiB of pages each
  std::uint32_t checkpoint_pages =
      4'000; // the WAL is written back when it has this many pages (of 4,096 bytes)
  std::uint64_t wal_limit_bytes =
      1ull << 30; // appends are refused while the WAL is bigger because a reader never ends
  // False: the caller promises that no other process, and no other store, opens the file while this one has it. Then there is
  // no lock file; needed for a `vfs` whose files are not on disk.
  bool shared = true;
  // Asynchronous appends that may wait for their completion, and the bytes that they may hold. Beyond, async_append refuses.
  std::size_t async_appends = 16'384;
  std::size_t async_bytes = std::size_t{64} * 1024 * 1024;
  std::string vfs{}; // name of a registered SQLite VFS; empty: the default
  step_hook on_step{};
};

namespace detail {

// Who is told what became of an asynchronous append.
class append_completion {
public:
  append_completion() = default;
  append_completion(append_completion const&) = delete;
  append_completion& operator=(append_completion const&) = delete;
  virtual ~append_completion() = default;
  virtual void complete(result<appended> outcome) noexcept = 0;
};

template <class Done> class completion_of final : public append_completion {
public:
  explicit completion_of(Done done) : done_(std::move(done)) {}
  void complete(result<appended> outcome) noexcept override { std::move(done_)(std::move(outcome)); }

private:
  Done done_;
};

} // namespace detail

// One writer for the file and process: appends from all threads meet in a queue and are committed in groups, one transaction and
// one sync for all of a group, one outcome for each. A lone append is committed on its own thread at once. Groups are ended
// after 512 appends, 8 MiB of data or 5 ms, then another thread takes over. A thread that waits for its append to be committed is
// blocked: that is the back-pressure; async_append has a bound of its own. Reads have connections of their own and never wait for writes.
//
// Several processes may have the file open; appends take turns. SQLite is told to wait, errc::busy comes after busy_wait_ms.
//
// A commit that fails with an I/O error acknowledges nobody and ends all writing: errc::store_failed until the file is opened
// again, because nobody can know what is on the disk. Reads go on. errc::disk_full before that point fails its group only.
//
// The handle can be moved while nothing else uses it. Every other function may be called from any thread. Destroying it must
// come after every call, and not in a completion; it waits until every asynchronous append is completed, and writes the WAL back
// when no other process has the file.
class event_store {
public:
  using options = event_store_options;
  using transaction = sqlite::transaction;
  static constexpr bool keeps_objects = false;

  // errc::not_found (no such folder), read_only, disk_full, io_error, not_a_store (a file of somebody else), newer_schema,
  // corrupt, busy (another process holds the file for longer than the wait), invalid_argument (an option out of range),
  // unsupported (a VFS without shared memory). An older file is brought up to date.
  static result<event_store> open(options const& chosen);
  event_store(event_store&& other) noexcept : engine_(std::exchange(other.engine_, nullptr)) {}
  event_store& operator=(event_store other) noexcept {
    std::swap(engine_, other.engine_);
    return *this;
  }
  ~event_store() {
    if (engine_ != nullptr) close();
  }

  result<appended> append(append_request const& request);

  // The same with an inline projection: hook(event, transaction) is called for each event of this append, in order, inside the
  // transaction, when position, version and time are given; the event is seen as the request gave it (object or data). An
  // error or an exception (errc::handler_failed) fails this append alone and undoes what the hook did. Not called for a repeat.
  // It runs on the calling thread, and a second time if the whole group has to be repeated (see transact).
  using inline_hook = transaction::inline_hook;
  result<appended> append(append_request const& request, inline_hook hook);

  // Appends without waiting: `done(result<appended>)` is called once, when the append is committed or has failed. The request is
  // copied, and events are encoded, before the call returns. `done` runs on a thread of the store, one after another, in the order
  // of the commits; what it throws ends the program. It should be short, since the next commit may wait for it; it may call
  // async_append and the reads, while append and transact are errc::invalid_argument there.
  // An error here means that nothing was begun and `done` is not called: of the request's form, or errc::limit_exceeded when
  // options.async_appends or async_bytes wait already; who gets that waits for a completion before it goes on.
  // Appends of one thread are committed in the order of the calls. See sqlite/asio.hpp for completion tokens.
  template <std::invocable<result<appended>> Done> result<void> async_append(append_request const& request,
                                                                             Done done) {
    return async_append_with(request, std::make_unique<detail::completion_of<Done>>(std::move(done)));
  }

  // Runs `work` on this thread inside the write transaction. What it does through the transaction is committed, together with
  // other threads' appends, before transact returns; or nothing of it, when it returns an error or throws (handler_failed).
  // Other writers wait meanwhile: be short. Should SQLite give up the whole transaction because of another member of the group,
  // `work` is called again; only the effects of the last call are kept. Inside `work`, append and transact of the store
  // itself are errc::invalid_argument (they would wait for themselves): use the transaction's. Its reads are allowed and see
  // what is committed.
  result<void> transact(function_ref<result<void>(transaction&)> work);

  // See decides_in_commit. `work` runs inside the write transaction, on the thread that leads the group: it must be short, and depend
  // on nothing that belongs to a thread. Many such calls share a commit; all members of a group that cannot be committed fail.
  using commit_scope = sqlite::commit_scope;
  result<void> decide_in_commit(function_ref<result<void>(commit_scope&)> work);

  // What the sink throws passes through. See can_read_stream and can_read_all.
  template <event_sink Sink> result<version> read_stream(stream_name stream, stream_range range,
                                                         Sink&& sink) {
    return read_stream_with(stream, range, cleave::detail::part_for<Sink>, sink);
  }
  template <event_sink Sink> result<position> read_all(log_range const& range, Sink&& sink) {
    return read_all_with(range, sink);
  }

  result<position> head();
  result<std::optional<command_outcome>> find_command(command_id id);
  // See forgets_outcomes (command/outcome_retention.hpp). The oldest are those with the smallest recorded_at. The first call makes an
  // index, while writers wait (about a second for a million outcomes), and from then on an outcome's way into its table costs a page more.
  result<std::uint64_t> forget_outcomes(timestamp before, std::uint64_t keep, std::uint64_t most);
  // See keeps_snapshots.
  result<std::optional<stream_snapshot>> find_snapshot(stream_name stream, std::uint64_t fingerprint);
  cleave::durability durability() const noexcept;
  commit_signal& commits() noexcept;
  // How many writes each commit carried, and how many wait for one.
  write_counts counts() const;

  // Compares the whole file with itself, in one snapshot of the live store: SQLite's own integrity check; positions and versions
  // without gap; the chains of the streams and where they end; the indexes of ids and tags; columns, names and tags as a store
  // writes them; outcomes and checkpoints not beyond the log. Damage is a finding, never an error, and ends nothing: what cannot
  // be read is named and passed over. It cannot see a byte changed within an event's data, headers or time that leaves them
  // well-formed, because there are no checksums. Errors: as for a read, and limit_exceeded, disk_full or busy from SQLite.
  // Two passes over the file, in memory about 130 bytes a stream. It holds one of the read connections, and the WAL grows
  // until it ends (see options.wal_limit_bytes), but it waits for no writer and no writer waits for it.
  result<verification> verify();

  // Copies the store, as it is when the call begins or later, into a new file, which any store can open; all that was
  // acknowledged before is in it. The copy is on the disk, its folder's entry too, when this returns; after an error there is no
  // new file. Meanwhile it is "TO-partial-" and six letters, which a killed process leaves behind. Connection and WAL as for
  // verify(). errc::already_exists: `to`, or a file of a database of that name (TO-wal, TO-journal), which SQLite would take for
  // its own; not_found (no such folder), read_only, disk_full, io_error, corrupt (see verify), invalid_argument (no file name),
  // unsupported (a VFS whose files are not on disk; the copy is written through the store's VFS).
  result<void> backup(std::string const& to);

private:
  friend class read_store;
  using sink_ref = function_ref<bool(recorded_event const&)>;

  explicit event_store(detail::engine* engine) noexcept : engine_(engine) {}
  result<void> async_append_with(append_request const& request,
                                 std::unique_ptr<detail::append_completion> completion);
  result<version> read_stream_with(stream_name stream, stream_range range,
                                   cleave::detail::envelope_part wanted, sink_ref sink);
  result<position> read_all_with(log_range const& range, sink_ref sink);
  void close() noexcept;

  detail::engine* engine_;
};

} // namespace cleave::sqlite
