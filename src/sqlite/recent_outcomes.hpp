// SPDX-License-Identifier: BSL-1.0
// What became of the commands.
//
// The outcome of a command that has stored events stands in the row of its last event: `command` is the command's name, its id and
// fingerprint are at the end of `ids`. So it costs a commit no page of its own; a table by random ids would cost one for each command.
// To find it again there is the table cleave_outcomes, which lags behind the log: it has the outcomes up to a position, the watermark
// (`outcomes_at` in cleave_meta), and those behind it are in memory, in recent_outcomes. It is filled as that of the heads is
// (recent_heads.hpp): in the order of the ids, some rows with each commit. An outcome that no event tells (a rejection, or no event in
// the last stream) is put into the table at once.
#pragma once

#include <cleave/base/id.hpp>
#include <cleave/base/result.hpp>
#include <cleave/event/append.hpp>
#include <cleave/sqlite/database.hpp>

#include "recent_heads.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

namespace cleave::sqlite {

// An outcome as the row of the log tells it.
struct told_outcome {
  std::uint64_t position = 0;
  std::uint64_t version = 0;
  std::int64_t recorded_at = 0;
  std::int64_t command = 0; // the id of its name in cleave_names
  std::int64_t fingerprint = 0;
};

// The outcomes behind the watermark. Shared by the writer and the readers of a process; any thread.
class recent_outcomes {
public:
  // The outcome as the transaction of `db` sees it, whose extent that is, from here or from the table. Nothing outside: this snapshot is
  // older than what is known here; begin another. Nothing inside: there is none.
  using found = std::optional<command_outcome>;
  result<std::optional<found>> find(database& db, log_extent const& extent, command_id id);
  // How many outcomes lie behind the watermark. Nothing: as above.
  result<std::optional<std::size_t>> count(database& db, log_extent const& extent);

  // For the writer. Inside its transaction, before it has changed anything: learns what other processes have committed.
  result<void> catch_up(database& db, log_extent const& extent);
  // What the open transaction has stored is known at once; it is behind the head of every snapshot, so that no reader sees it.
  std::optional<told_outcome> find(command_id id) const;
  void add(command_id id, told_outcome const& outcome);
  void undo(command_id id) noexcept;
  // After a commit, which has moved the log's head to `head`.
  void committed(std::uint64_t head) noexcept;

  // How much a process would have to read to catch up.
  std::size_t outcomes() const;
  std::uint64_t events() const;
  // For writing them into the table: all ids, in order; what is known of some of them; and that it is committed.
  using entry = std::pair<command_id, told_outcome>;
  std::vector<command_id> sorted_ids() const;
  void copy(std::span<command_id const> ids, std::vector<entry>& to) const;
  void written(std::uint64_t watermark);

private:
  result<void> catch_up_locked(database& db, log_extent const& extent);
  void move_watermark(std::uint64_t to);

  // The last bytes of an id differ in every version of UUIDs.
  struct id_hash {
    std::size_t operator()(command_id const& id) const noexcept {
      std::uint64_t last = 0;
      std::memcpy(&last, id.id().bytes().data() + uuid::size - sizeof last, sizeof last);
      return static_cast<std::size_t>(last * 0x9e3779b97f4a7c15U);
    }
  };

  mutable std::mutex mutex_;
  std::unordered_map<command_id, told_outcome, id_hash> outcomes_;
  std::uint64_t watermark_ = 0;
  std::uint64_t complete_ = 0; // the position up to which outcomes_ is right
};

// With the command's name. errc::corrupt when it is not there.
result<command_outcome> outcome_of(database& db, told_outcome const& told);
// As the table has it.
result<std::optional<command_outcome>> stored_outcome(database& db, command_id id);

} // namespace cleave::sqlite
