// SPDX-License-Identifier: BSL-1.0
// The commands that the attacks send, one after another, and what a store must hold after them. What is expected is computed from
// the commands, never from a log: an oracle that folds our own log is blind to what is delivered twice.
#pragma once

#include <cleave/sqlite/event_store.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cleave::test {

struct bank_event {
  std::string stream;
  std::uint64_t version;
  std::string data;
  event_id id;
};

// One batch for one or two streams. Most also change the table of balances in the same transaction.
struct bank_command {
  enum class way : std::uint8_t { plain, asynchronous, inline_projection, transaction };
  bool changes_balance() const noexcept { return how == way::inline_projection || how == way::transaction; }

  struct part {
    std::string stream;
    expectation expected;
    std::size_t first; // in bank::events()
    std::size_t count;
  };
  way how;
  std::vector<part> parts;
  std::string account;
  std::int64_t cents; // what the account's balance grows by
  command_id id;      // nil: none
  std::size_t end;    // one behind the last event
};

// What a store says that was found in it.
struct bank_found {
  std::uint64_t commands = 0;   // the first so many are there
  std::uint64_t checkpoint = 0; // of the projection
  std::string wrong{};          // empty: all is as it must be
};

class bank {
public:
  // The same commands for the same seed.
  bank(std::uint64_t seed, std::size_t commands);

  std::vector<bank_command> const& commands() const noexcept { return commands_; }
  std::vector<bank_event> const& events() const noexcept { return events_; }

  // The application's tables; before the first command.
  static result<void> set_up(sqlite::event_store& store);
  // Command `number` (1 to commands().size()); again with the same ids if it was sent before.
  result<appended> send(sqlite::event_store& store, std::uint64_t number) const;
  // Projects at most `most` events; returns the checkpoint.
  static result<position> project(sqlite::event_store& store, std::uint64_t most);

  // Everything in the file against the commands: the log is a whole number of commands, in order, without gaps; each stream;
  // balances, projection and outcomes fit just that many; SQLite finds the file sound. When all is well and it shall go on, the
  // next command is sent.
  enum class afterwards : std::uint8_t { go_on, stop };
  bank_found inspect(sqlite::event_store_options const& options, afterwards then = afterwards::go_on) const;

private:
  std::string compare(sqlite::event_store& store, bank_found& found) const;
  std::string compare_log(sqlite::event_store& store, bank_found& found) const;
  std::string compare_streams(sqlite::event_store& store, std::uint64_t commands) const;
  std::string compare_tables(sqlite::event_store& store, bank_found& found) const;
  std::string compare_outcomes(sqlite::event_store& store, std::uint64_t commands) const;

  std::vector<bank_command> commands_;
  std::vector<bank_event> events_;
};

} // namespace cleave::test
