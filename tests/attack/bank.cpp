// SPDX-License-Identifier: BSL-1.0
#include "bank.hpp"

#include <cleave/sqlite/read_store.hpp>
#include <cleave/testing/seeded_ids.hpp>

#include <algorithm>
#include <future>
#include <random>

namespace cleave::test {

namespace {

constexpr std::string_view projection = "attack.totals";
constexpr std::string_view common = "ledger-1";

std::string number(auto n) { return std::to_string(n); }

result<void> change_balance(sqlite::database& db, bank_command const& command) {
  auto const done = db.execute("INSERT INTO attack_balance (account, cents) VALUES (?1, ?2) "
                               "ON CONFLICT (account) DO UPDATE SET cents = cents + excluded.cents",
                               command.account, command.cents);
  if (!done) return unexpected(done.error());
  return {};
}

std::map<std::string, std::int64_t> table(sqlite::database& db, std::string_view sql, error& failed) {
  std::map<std::string, std::int64_t> rows;
  auto const good = db.for_each(
      sql, [&](std::string_view key, std::int64_t value) { rows.emplace(std::string(key), value); });
  if (!good) failed = good.error();
  return rows;
}

} // namespace

bank::bank(std::uint64_t seed, std::size_t commands) {
  std::mt19937_64 random(seed);
  auto const below = [&](std::uint64_t end) { return random() % end; };
  testing::seeded_ids ids(seed);
  std::map<std::string, std::uint64_t> versions;
  for (std::size_t n = 1; n <= commands; ++n) {
    bank_command made{};
    made.how = static_cast<bank_command::way>(below(4));
    made.account = "account-" + number(below(6));
    if (made.changes_balance()) made.cents = static_cast<std::int64_t>(below(1'000)) - 300;
    if (below(3) == 0) made.id = ids.next_command();
    auto const add = [&](std::string const& stream, expectation expected, std::size_t count) {
      made.parts.push_back({stream, expected, events_.size(), count});
      for (std::size_t i = 0; i < count; ++i) {
        // Some events fill pages of their own.
        std::string const filler(below(9) == 0 ? 2'000 + below(6'000) : below(120), 'x');
        events_.push_back(
            {stream, ++versions[stream],
             R"({"command":)" + number(n) + R"(,"event":)" + number(i) + R"(,"filler":")" + filler + "\"}",
             ids.next_event()});
      }
    };
    bool const is_new = below(4) == 0;
    std::string const stream = is_new ? "order-" + number(n) : made.account;
    add(stream, expectation::exactly(version(versions[stream])), 1 + below(4));
    if (below(2) == 0) add(std::string(common), expectation::any(), 1 + below(2));
    made.end = events_.size();
    commands_.push_back(std::move(made));
  }
}

result<void> bank::set_up(sqlite::event_store& store) {
  return store.transact([](sqlite::transaction& inside) {
    return inside.db().run_script(
        "CREATE TABLE IF NOT EXISTS attack_balance (account TEXT PRIMARY KEY, cents INTEGER NOT NULL);"
        "CREATE TABLE IF NOT EXISTS attack_total (stream TEXT PRIMARY KEY, events INTEGER NOT NULL)");
  });
}

result<appended> bank::send(sqlite::event_store& store, std::uint64_t sent) const {
  bank_command const& command = commands_[sent - 1];
  std::vector<new_event> events;
  events.reserve(command.end);
  for (bank_command::part const& part : command.parts) {
    for (std::size_t i = part.first; i < part.first + part.count; ++i)
      events.push_back({.id = events_[i].id, .name = "attacked.v1", .data = events_[i].data});
  }
  std::vector<stream_append> parts;
  std::size_t at = 0;
  for (bank_command::part const& part : command.parts) {
    parts.push_back({part.stream, part.expected, std::span(events).subspan(at, part.count)});
    at += part.count;
  }
  command_record const record{.id = command.id, .command = "attack", .fingerprint = sent};
  append_request const request{.streams = parts, .command = command.id.nil() ? nullptr : &record};
  switch (command.how) {
  case bank_command::way::plain: return store.append(request);
  case bank_command::way::asynchronous: {
    std::promise<result<appended>> told;
    auto const begun = store.async_append(request,
                                          [&](result<appended> done) { told.set_value(std::move(done)); });
    if (!begun) return unexpected(begun.error());
    return told.get_future().get();
  }
  case bank_command::way::inline_projection: {
    bool first = true;
    return store.append(request, [&](recorded_event const&, sqlite::transaction& inside) -> result<void> {
      if (!std::exchange(first, false)) return {};
      return change_balance(inside.db(), command);
    });
  }
  case bank_command::way::transaction: break;
  }
  result<appended> answer;
  auto const done = store.transact([&](sqlite::transaction& inside) -> result<void> {
    answer = inside.append(request);
    if (!answer) return unexpected(answer.error());
    if (answer->repeated) return {};
    return change_balance(inside.db(), command);
  });
  if (!done) return unexpected(done.error());
  return answer;
}

result<position> bank::project(sqlite::event_store& store, std::uint64_t most) {
  auto reads = sqlite::read_store::of(store);
  if (!reads) return unexpected(reads.error());
  auto const from = reads->checkpoint(projection);
  if (!from) return unexpected(from.error());
  std::map<std::string, std::int64_t> counted;
  auto const reached = store.read_all({.after = *from, .limit = most}, [&](recorded_event const& event) {
    ++counted[std::string(event.at.stream.text())];
    return true;
  });
  if (!reached) return unexpected(reached.error());
  if (counted.empty()) return *from;
  auto const done = reads->apply(projection, *from, [&](sqlite::database& db) -> result<position> {
    for (auto const& [stream, events] : counted) {
      auto const row = db.execute("INSERT INTO attack_total (stream, events) VALUES (?1, ?2) "
                                  "ON CONFLICT (stream) DO UPDATE SET events = events + excluded.events",
                                  stream, events);
      if (!row) return unexpected(row.error());
    }
    return *reached;
  });
  if (!done) return unexpected(done.error());
  return *reached;
}

bank_found bank::inspect(sqlite::event_store_options const& options, afterwards then) const {
  bank_found found;
  {
    auto store = sqlite::event_store::open(options);
    if (!store) {
      found.wrong = "the store does not open: " + store.error().message();
      return found;
    }
    found.wrong = compare(*store, found);
    if (!found.wrong.empty()) return found;
    // What was found must also carry on.
    bool const goes_on = then == afterwards::go_on && found.commands < commands_.size();
    if (auto const again = set_up(*store); !again) found.wrong = again.error().message();
    if (found.wrong.empty() && goes_on) {
      auto const next = send(*store, found.commands + 1);
      if (!next || next->repeated)
        found.wrong = "the next command: " + (next ? "repeated" : next.error().message());
      else if (next->position.value() != commands_[found.commands].end)
        found.wrong = "the next command has a wrong position";
    }
    if (!found.wrong.empty()) return found;
    auto const checked = store->verify();
    if (!checked) found.wrong = "verify: " + checked.error().message();
    else if (!checked->sound()) found.wrong = "verify: " + checked->findings.front().text;
  }
  return found;
}

std::string bank::compare(sqlite::event_store& store, bank_found& found) const {
  if (auto wrong = compare_log(store, found); !wrong.empty()) return wrong;
  if (auto wrong = compare_streams(store, found.commands); !wrong.empty()) return wrong;
  if (auto wrong = compare_tables(store, found); !wrong.empty()) return wrong;
  return compare_outcomes(store, found.commands);
}

std::string bank::compare_log(sqlite::event_store& store, bank_found& found) const {
  std::size_t count = 0;
  std::string wrong;
  auto const read = store.read_all({}, [&](recorded_event const& event) {
    std::size_t const i = count++;
    bool const good = i < events_.size() && event.at.position.value() == count &&
                      event.at.stream.text() == events_[i].stream &&
                      event.at.version.value() == events_[i].version && event.data == events_[i].data &&
                      event.at.id == events_[i].id;
    if (!good)
      wrong = "event " + number(count) + " of the log is at position " + number(event.at.position.value()) +
              " and was never sent so: " + std::string(event.at.stream.text()) + " " +
              number(event.at.version.value()) + " " + std::string(event.data.substr(0, 80));
    return good;
  });
  if (!wrong.empty()) return wrong;
  if (!read) return "reading the log: " + read.error().message();
  auto const whole = std::find_if(commands_.begin(), commands_.end(),
                                  [&](bank_command const& command) { return command.end >= count; });
  if (count == 0) return {};
  found.commands = static_cast<std::uint64_t>(whole - commands_.begin()) + 1;
  if (whole->end != count) return "the log ends within a batch, at position " + number(count);
  return {};
}

std::string bank::compare_streams(sqlite::event_store& store, std::uint64_t commands) const {
  std::map<std::string_view, std::vector<bank_event const*>> streams;
  std::size_t const end = commands == 0 ? 0 : commands_[commands - 1].end;
  for (std::size_t i = 0; i < end; ++i) streams[events_[i].stream].push_back(&events_[i]);
  for (auto const& [stream, events] : streams) {
    std::size_t at = 0;
    bool good = true;
    auto const last = store.read_stream(stream, stream_range::all(), [&](recorded_event const& event) {
      good = at < events.size() && event.at.version.value() == events[at]->version &&
             event.data == events[at]->data;
      ++at;
      return good;
    });
    if (!last) return "reading a stream: " + last.error().message();
    if (!good || at != events.size() || last->value() != events.size())
      return "stream " + std::string(stream) + " has other events than the log";
  }
  return {};
}

std::string bank::compare_tables(sqlite::event_store& store, bank_found& found) const {
  std::map<std::string, std::int64_t> balances;
  std::map<std::string, std::int64_t> totals;
  error failed(errc::not_found, "");
  auto reads = sqlite::read_store::of(store);
  if (!reads) return reads.error().message();
  auto const at = reads->checkpoint(projection);
  if (!at) return at.error().message();
  found.checkpoint = at->value();
  bool there = false;
  auto const read = reads->read([&](sqlite::database& db) -> result<void> {
    auto const tables = db.value<std::int64_t>(
        "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'attack_%' AND type = 'table'");
    if (!tables) return unexpected(tables.error());
    there = *tables == 2;
    if (*tables == 0) return {};
    balances = table(db, "SELECT account, cents FROM attack_balance", failed);
    totals = table(db, "SELECT stream, events FROM attack_total", failed);
    return {};
  });
  if (!read) return read.error().message();
  if (!failed.text().empty()) return failed.message();
  if (!there && found.commands > 0) return "there are commands, but not the tables that came before them";

  std::map<std::string, std::int64_t> wanted;
  for (std::size_t i = 0; i < found.commands; ++i) {
    if (commands_[i].changes_balance()) wanted[commands_[i].account] += commands_[i].cents;
  }
  if (balances != wanted)
    return "the balances are not those of the first " + number(found.commands) + " commands";
  std::size_t const stored = found.commands == 0 ? 0 : commands_[found.commands - 1].end;
  if (found.checkpoint > stored)
    return "the checkpoint is at " + number(found.checkpoint) + ", the log at " + number(stored);
  wanted.clear();
  for (std::size_t i = 0; i < found.checkpoint; ++i) ++wanted[events_[i].stream];
  if (totals != wanted)
    return "the projection is not that of the first " + number(found.checkpoint) + " events";
  return {};
}

std::string bank::compare_outcomes(sqlite::event_store& store, std::uint64_t commands) const {
  constexpr std::size_t looked_at = 12;
  std::size_t const from = commands > looked_at ? commands - looked_at : 0;
  for (std::size_t i = from; i < std::min<std::size_t>(commands_.size(), commands + 2); ++i) {
    if (commands_[i].id.nil()) continue;
    auto const outcome = store.find_command(commands_[i].id);
    if (!outcome) return outcome.error().message();
    if (outcome->has_value() != (i < commands))
      return "the outcome of command " + number(i + 1) + " does not fit its events";
    if (*outcome && (*outcome)->position.value() != commands_[i].end)
      return "the outcome of command " + number(i + 1) + " is wrong";
  }
  return {};
}

} // namespace cleave::test
