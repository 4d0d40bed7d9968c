// SPDX-License-Identifier: BSL-1.0
// The decider that the tests of the command side share, and a write side around any store.
#pragma once

#include <cleave/command/decider_runner.hpp>
#include <cleave/memory/event_store.hpp>

#include <boost/describe.hpp>

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace bank {

struct opened {
  std::string owner;
};
struct deposited {
  std::int64_t cents = 0;
  std::array<std::string, 2> tags() const {
    if (cents == 13) throw std::runtime_error("no tag for 13");
    return {"money", cents >= 1000 ? "large" : "small"};
  }
};
struct withdrawn {
  std::int64_t cents = 0;
};
struct frozen {}; // listed by no decider
BOOST_DESCRIBE_STRUCT(opened, (), (owner))
BOOST_DESCRIBE_STRUCT(deposited, (), (cents))
BOOST_DESCRIBE_STRUCT(withdrawn, (), (cents))
BOOST_DESCRIBE_STRUCT(frozen, (), ())

struct open {
  static constexpr std::string_view command_name = "open";
  std::string account;
};
struct deposit {
  static constexpr std::string_view command_name = "deposit";
  std::string account;
  std::int64_t cents = 0;
};
struct withdraw { // neither name nor stored form
  std::string account;
  std::int64_t cents = 0;
};
struct move_all { // several events
  std::string account;
};
struct break_off {
  static constexpr std::string_view command_name = "break-off";
  std::string account;
};
BOOST_DESCRIBE_STRUCT(open, (), (account))
BOOST_DESCRIBE_STRUCT(deposit, (), (account, cents))

struct account {
  using commands = cleave::command_set<open, deposit, withdraw, move_all, break_off>;
  using events = cleave::event_set<opened, deposited, withdrawn>;
  static constexpr std::string_view category = "account";
  static std::string const& id(auto const& command) {
    if (command.account == "nobody") throw std::runtime_error("nobody has no id");
    return command.account;
  }

  bool is_open = false;
  std::int64_t cents = 0;
  void evolve(opened const&) { is_open = true; }
  void evolve(deposited const& e) {
    if (e.cents == 666) throw std::runtime_error("cannot count that");
    cents += e.cents;
  }
  void evolve(withdrawn const& e) { cents -= e.cents; }

  cleave::decision<opened> decide(open const& c) const {
    if (is_open) return cleave::nothing_happened{};
    return opened{c.account};
  }
  cleave::decision<deposited> decide(deposit const& c) const {
    if (!is_open) return cleave::reject("closed", "account {} is not open", c.account);
    return deposited{c.cents};
  }
  cleave::decision<withdrawn> decide(withdraw const& c) const {
    if (c.cents > cents) return cleave::reject("overdrawn", "only {} left", cents);
    return withdrawn{c.cents};
  }
  cleave::decision<withdrawn, deposited> decide(move_all const&) const {
    return {withdrawn{cents}, deposited{cents}, deposited{1}};
  }
  cleave::decision<opened> decide(break_off const&) const { throw std::runtime_error("broken off"); }
};

} // namespace bank

namespace cleave {
template <> inline constexpr auto event_name<bank::opened> = "account-opened.v1";
template <> inline constexpr auto event_name<bank::deposited> = "money-deposited.v1";
template <> inline constexpr auto event_name<bank::withdrawn> = "money-withdrawn.v1";
template <> inline constexpr auto event_name<bank::frozen> = "account-frozen.v1";
} // namespace cleave

namespace cleave_test {

// The least that a runner asks of a write side.
template <class Store> struct scope_of {
  struct type {};
};
template <cleave::decides_in_commit Store> struct scope_of<Store> {
  using type = typename Store::commit_scope;
};

template <class Store> class plain_side {
public:
  using store_type = Store;
  explicit plain_side(Store& store, cleave::write_options const& options = {})
      : store_(store), options_(options) {}
  Store& store() noexcept { return store_; }
  cleave::write_options const& options() const noexcept { return options_; }
  cleave::result<cleave::appended> append(cleave::append_request const& request) {
    return store_.append(request);
  }
  using commit = typename scope_of<Store>::type;
  cleave::result<void> in_commit(cleave::function_ref<cleave::result<void>(commit&)> work) {
    return store_.decide_in_commit(work);
  }
  template <class Transaction>
  cleave::result<cleave::appended> append_in(Transaction& in, cleave::append_request const& request) {
    return in.append(request);
  }
  void committed(cleave::appended const&) noexcept {}
  void published(cleave::append_request const& request, cleave::appended const&) noexcept {
    for (auto const& part : request.streams) events_published += part.events.size();
  }

  std::size_t events_published = 0;

private:
  Store& store_;
  cleave::write_options options_;
};

// A store in which another writer deposits one cent right before each of the next `races` appends.
class losing_store {
public:
  static constexpr bool keeps_objects = true;

  cleave::result<cleave::appended> append(cleave::append_request const& request) {
    ++appends;
    if (races > 0 && !request.streams.empty()) {
      --races;
      deposit_a_cent(request.streams.front().stream);
    }
    return inner.append(request);
  }
  template <cleave::event_sink Sink>
  cleave::result<cleave::version> read_stream(cleave::stream_name stream, cleave::stream_range range,
                                              Sink&& sink) {
    return inner.read_stream(stream, range, sink);
  }
  template <cleave::event_sink Sink>
  cleave::result<cleave::position> read_all(cleave::log_range range, Sink&& sink) {
    return inner.read_all(range, sink);
  }
  cleave::result<cleave::position> head() { return inner.head(); }
  cleave::result<std::optional<cleave::command_outcome>> find_command(cleave::command_id id) {
    return inner.find_command(id);
  }
  cleave::durability durability() const { return inner.durability(); }
  cleave::commit_signal& commits() { return inner.commits(); }

  int races = 0;
  int appends = 0;
  cleave::memory::event_store inner;

private:
  void deposit_a_cent(cleave::stream_name stream) {
    bank::deposited const cent{1};
    auto const event = cleave::to_new_event(cleave::event_id(ids_.next(cleave::timestamp())), cent);
    cleave::stream_append const part{stream, cleave::expectation::any(), {&event, 1}};
    static_cast<void>(inner.append({.streams = {&part, 1}}));
  }
  cleave::uuid_v7_source ids_;
};
static_assert(cleave::event_store<losing_store>);

// Appends one event past every decider.
template <class Store, class E> bool append_raw(Store& store, std::string_view stream, E const& event) {
  auto const made = cleave::to_new_event(cleave::event_id(cleave::id_source_ref().next(cleave::timestamp())),
                                         event);
  cleave::stream_append const part{stream, cleave::expectation::any(), {&made, 1}};
  return store.append(cleave::append_request{.streams = {&part, 1}}).has_value();
}

// "name@version" of each event in the log, in order.
template <class Store> std::vector<std::string> log_of(Store& store) {
  std::vector<std::string> all;
  static_cast<void>(store.read_all(cleave::log_range{}, [&](cleave::recorded_event const& e) {
    all.push_back(std::string(e.at.name) + "@" + std::to_string(e.at.version.value()));
    return true;
  }));
  return all;
}

} // namespace cleave_test
