// SPDX-License-Identifier: BSL-1.0
// Appending to the log inside a transaction that somebody else begins and ends: the order of the checks, the rows, and the
// caches that make the checks cheap.
#pragma once

#include <cleave/base/id.hpp>
#include <cleave/event/append.hpp>
#include <cleave/sqlite/database.hpp>

#include "encoded_append.hpp"
#include "log_reader.hpp"
#include "pending_rows.hpp"
#include "recent_heads.hpp"
#include "recent_names.hpp"
#include "recent_outcomes.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace cleave::sqlite {

// What of the tables that lag behind the log is in memory. Shared by the writer and the readers of a process.
struct recent_tables {
  recent_heads heads;
  recent_names names;
  recent_outcomes outcomes;
};

// The caches hold what the open transaction sees. A change is noted, so that a rollback forgets just what it has undone; what
// another process commits is noticed by the head of the log. One thread at a time.
class log_writer final : public id_finder {
public:
  log_writer(database& db, recent_tables& recent) noexcept
      : db_(&db), heads_(&recent.heads), names_of_streams_(&recent.names), outcomes_(&recent.outcomes) {}

  // First thing in each transaction: looks whether another process has written, and drops what it knew if so.
  result<void> begin();
  // Writes the rows of the appends. Before something reads them that is not this writer, and before the commit.
  result<void> write_rows();
  // The first position that is not written yet.
  std::uint64_t first_pending() const noexcept { return rows_.begin(); }
  // Last things before the commit: they write some rows of the tables that lag behind, of heads, of the streams' names and of outcomes,
  // when it is time for that. All of them: at the end of the writer's life; of the outcomes also before some are forgotten.
  enum class amount : std::uint8_t { some, all };
  result<void> write_heads(amount much = amount::some);
  result<void> write_names(amount much = amount::some);
  result<void> write_outcomes(amount much = amount::some);
  // Would a next process have much to read before its first append?
  bool wants_all_written() const;
  // The transaction is over. False: it was rolled back.
  void end(bool committed) noexcept;

  // A place to come back to: pair it with an SQL savepoint. All rows must be written.
  struct mark {
    std::uint64_t head = 0;
    std::size_t changes = 0;
    std::size_t outcomes = 0;
    std::uint64_t told = 0;
  };
  mark here() const noexcept { return {head_, changed_.size(), new_outcomes_.size(), all_told_}; }
  void back_to(mark there) noexcept;
  // Why the transaction must not be committed: an append has failed after its first row. Or nothing.
  std::optional<error> const& broken() const noexcept { return broken_; }

  position head() const noexcept { return position(head_); }
  // How often appends were undone that the transaction, or a later one, had seen.
  std::uint64_t rollbacks() const noexcept { return rollbacks_; }
  // The stream's end as this transaction sees it; version 0 when no stream has that name.
  result<stream_end> find_end(stream_name stream);

  // The outcome of a command as this transaction sees it.
  result<std::optional<command_outcome>> find_command(command_id id);

  // As the cache knows them, or the file.
  result<std::optional<std::int64_t>> find_name(database& db, std::string_view name) override;
  result<std::optional<std::int64_t>> find_tag(database& db, std::string_view tag) override;
  // For the reads in this transaction.
  log_texts& texts() noexcept { return texts_; }

  // All of can_append (event/event_store.hpp) but the form, which check_append has seen. After success first_versions() tells
  // the version of each stream's first event, and `encoded`, with what its views point to, must live until the rows are written or the
  // transaction is rolled back.
  result<appended> append(append_request const& request, encoded_append const& encoded, timestamp now);
  std::vector<version> const& first_versions() const noexcept { return first_versions_; }

private:
  struct text_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>()(text);
    }
  };
  template <class T> using by_text = std::unordered_map<std::string, T, text_hash, std::equal_to<>>;
  using stream_slot = by_text<stream_end>::value_type;
  // A stream of the request: its cache slot (nullptr: it does not exist yet), and its last version.
  struct stream_place {
    stream_slot* slot;
    std::uint64_t head;
  };
  // What a stream was before an append of this transaction. Version 0: it was not there.
  struct change {
    stream_slot* slot;
    stream_head before;
  };
  // Writing the table of heads, some rows at a time.
  struct heads_round {
    std::vector<std::int64_t> streams; // that had grown when it began, in order
    std::size_t next = 0;              // the first that is not written
    std::size_t next_after_commit = 0;
    std::uint64_t watermark = 0; // the log's head when it began
  };
  // The same for the table of names.
  struct names_round {
    std::int64_t watermark = 0; // the youngest stream when it began; 0: none is running
    std::string after;          // the last name that is written
    std::string after_commit;
    bool ends_with_commit = false;
  };
  // And for the table of outcomes.
  struct outcomes_round {
    std::vector<command_id> ids; // that lay behind the watermark when it began, in order
    std::size_t next = 0;        // the first that is not written
    std::size_t next_after_commit = 0;
    std::uint64_t watermark = 0; // the log's head when it began
  };
  struct stored_at {
    std::uint64_t position;
    std::uint64_t version;
    std::string stream;
  };
  result<void> prepare();
  result<stream_place> find(stream_name stream);
  result<std::int64_t> name_id(std::string_view name);
  result<std::int64_t> tag_id(std::string_view tag);
  result<std::optional<stored_at>> find_event(event_id id);

  result<std::optional<appended>> repeated_command(command_record const& command);
  result<std::optional<appended>> repeated_events(append_request const& request);
  result<appended> first_answer(append_request const& request, std::vector<stored_at> const& stored);
  // The stream's last version before that position, now or long ago.
  result<version> version_before(stream_name stream, std::uint64_t position);
  result<void> write_heads_of(std::span<std::int64_t const> streams);
  result<void> write_outcomes_of(std::span<command_id const> ids);
  result<void> move_watermark(std::string_view name, std::uint64_t to);
  void end_outcomes_round(bool committed);
  std::size_t rows_of(amount much) const noexcept; // of a table that lags behind, with this commit
  void end_rounds(bool committed);
  result<void> check_expectations(append_request const& request);
  result<void> check_condition(append_condition const& condition);
  result<appended> store(append_request const& request, encoded_append const& encoded, timestamp now);
  // `told`: the command whose outcome the last event tells of, or nullptr.
  result<void> store_stream(stream_append const& part, stream_place& to, encoded_append::form const* forms,
                            command_record const* told, timestamp now);
  result<void> store_event(stream_end const& to, new_event const& event, encoded_append::form const& form,
                           command_record const* told, timestamp now);
  result<void> store_outcome(command_record const& command, appended const& answer, timestamp now);
  void forget_all() noexcept;

  database* db_;
  recent_heads* heads_;
  recent_names* names_of_streams_;
  recent_outcomes* outcomes_;
  std::optional<statement> find_id_; // worth keeping at hand
  pending_rows rows_;
  by_text<stream_end> streams_;
  by_text<std::int64_t> names_;
  by_text<std::int64_t> tags_;
  std::uint64_t head_ = 0;
  std::optional<unsigned> data_version_; // SQLite's count of the changes to the file, after the last commit
  std::uint64_t first_head_ = 0;         // when the transaction began
  std::uint64_t rollbacks_ = 0;
  std::int64_t youngest_ = 0; // the stream with the greatest id
  std::optional<error> broken_;
  std::int64_t newest_key_ = 0; // no id in the table has a greater one: such an id needs no search there
  bool newest_known_ = false;
  std::optional<command_id> newest_told_; // no id in the table of outcomes is greater
  std::vector<change> changed_;           // since the transaction began
  heads_round round_;
  names_round names_round_;
  outcomes_round outcomes_round_;
  std::vector<command_id> new_outcomes_; // in memory since the transaction began
  std::uint64_t all_told_ = 0;           // the head when it has put all of them into the table; 0: it has not
  std::vector<recent_outcomes::entry> outcomes_to_write_;
  std::vector<recent_heads::entry> entries_; // scratch, as the next two
  std::vector<recent_names::entry> new_streams_;
  std::vector<recent_names::owned_entry> names_to_write_;
  log_texts texts_;
  bool ids_added_ = false;           // names or tags, since the transaction began
  std::vector<stream_place> places_; // of the request at hand
  std::vector<version> first_versions_;
};

} // namespace cleave::sqlite
