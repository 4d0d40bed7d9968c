// SPDX-License-Identifier: BSL-1.0
#include <cleave/command/boundary_runner.hpp>
#include <cleave/event/any_event_store.hpp>
#include <cleave/event/read_events.hpp>
#include <cleave/sqlite/event_store.hpp>

#include "account.hpp"
#include "school.hpp"
#include "temporary_folder.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <optional>
#include <set>
#include <thread>

using Catch::Contains;
using cleave::errc;
using cleave::position;
using cleave::version;
using cleave_test::log_of;

namespace {

struct in_memory {
  cleave::memory::event_store store{};
};
cleave::sqlite::event_store opened(std::string const& file) {
  auto store = cleave::sqlite::event_store::open({.path = file, .durability = cleave::durability::relaxed});
  REQUIRE(store);
  return std::move(*store);
}
struct in_sqlite {
  cleave_test::temporary_folder folder{};
  cleave::sqlite::event_store store{opened(folder.file("school.db"))};
};

// A store that does not let one decide inside its commit.
struct in_turns {
  cleave::memory::event_store inner{};
  cleave::any_event_store store{inner};
};

// Counts the appends that lost a race, and lets a test put events in front of one.
template <class Store> class watched_side : public cleave_test::plain_side<Store> {
public:
  using cleave_test::plain_side<Store>::plain_side;
  cleave::result<cleave::appended> append(cleave::append_request const& request) {
    if (races > 0) {
      --races;
      race();
    }
    auto done = this->store().append(request);
    if (!done && done.error().code() == errc::version_conflict) ++conflicts;
    return done;
  }
  void published(cleave::append_request const& request, cleave::appended const&) noexcept {
    for (auto const& part : request.streams) events_published += part.events.size();
  }
  std::atomic<int> conflicts{0};
  std::atomic<std::size_t> events_published{0};
  int races = 0;
  void (*race)() = nullptr;
};

template <class B, class Store> struct desk {
  watched_side<Store> side;
  cleave::boundary_runner<B, watched_side<Store>> runner{side};
  explicit desk(Store& store, cleave::write_options const& options = {}) : side(store, options) {}
  template <class C> cleave::command_result execute(C const& command,
                                                    cleave::command_context const& context = {}) {
    return runner.execute(command, context);
  }
};

// Appends one event, with its tags, past everybody.
template <class Store, class E> bool append_raw(Store& store, std::string_view stream, E const& event) {
  cleave::tag_list const tags(event);
  auto made = cleave::to_new_event(cleave::event_id(cleave::id_source_ref().next(cleave::timestamp())),
                                   event);
  made.tags = tags.view();
  cleave::stream_append const part{stream, cleave::expectation::any(), {&made, 1}};
  return store.append(cleave::append_request{.streams = {&part, 1}}).has_value();
}

template <class Result> errc code_of(Result const& failed) {
  return failed.error().is_rejection() ? errc{} : failed.error().error().code();
}
template <class Result> std::string rejection_of(Result const& failed) {
  if (failed) return "done";
  return failed.error().is_rejection() ? failed.error().rejection().code : failed.error().message();
}
std::string numbered(char const* what, int number) { return what + std::to_string(number); }
cleave::command_id id_of(char const* name) {
  return cleave::command_id(cleave::uuid::from_name(cleave::uuid(), name));
}

// Everything that the log says about enrolments broke no rule.
template <class Store> void require_rules(Store& store) {
  std::map<std::string, int> seats;
  std::map<std::string, int> in_course;
  std::map<std::string, int> of_student;
  std::set<std::array<std::string, 2>> pairs;
  std::set<std::string> names;
  int broken = 0;
  auto const take = [&]<class E>(E const& e) {
    if constexpr (std::is_same_v<E, school::course_defined>) seats[e.course] = e.seats;
    if constexpr (std::is_same_v<E, school::registered>) broken += names.insert(e.user_name).second ? 0 : 1;
    if constexpr (std::is_same_v<E, school::enrolled>) {
      broken += pairs.insert({e.course, e.student}).second ? 0 : 1;
      broken += ++in_course[e.course] > seats[e.course] ? 1 : 0;
      broken += ++of_student[e.student] > school::enrolment::courses_each ? 1 : 0;
    }
  };
  REQUIRE(cleave::read_events<school::enrolment::events>(store, {}, take));
  REQUIRE(broken == 0);
}

template <class Store> void found_school(Store& store, int courses, int seats, int students) {
  desk<school::course_catalogue, Store> catalogue(store);
  desk<school::registration, Store> office(store);
  for (int c = 0; c < courses; ++c)
    REQUIRE(catalogue.execute(school::define_course{numbered("c", c), seats}));
  for (int s = 0; s < students; ++s)
    REQUIRE(office.execute(school::register_student{numbered("s", s), numbered("u", s)}));
}

template <class F> void in_threads(int threads, F f) {
  std::vector<std::thread> all;
  std::atomic<int> waiting{threads};
  all.reserve(static_cast<std::size_t>(threads));
  for (int t = 0; t < threads; ++t) {
    all.emplace_back([&, t] {
      for (--waiting; waiting > 0;) std::this_thread::yield();
      f(t);
    });
  }
  for (std::thread& one : all) one.join();
}

// Money moves between two accounts at once; the accounts are what a decider made of them.
struct transfer {
  static constexpr std::string_view command_name = "transfer";
  std::string from;
  std::string to;
  std::int64_t cents = 0;
};
BOOST_DESCRIBE_STRUCT(transfer, (), (from, to, cents))
struct transfer_desk {
  using commands = cleave::command_set<transfer>;
  using events = bank::account::events;
  static std::array<std::string, 2> streams(transfer const& c) {
    return {"account-" + c.from, "account-" + c.to};
  }
  static std::string stream(transfer const& c, bank::withdrawn const&) { return "account-" + c.from; }
  static std::string stream(transfer const& c, bank::deposited const&) {
    return c.cents == 77 ? "account-elsewhere" : "account-" + c.to;
  }

  std::map<std::string, bank::account> accounts;
  std::set<cleave::event_id> seen;
  void evolve(auto const& event, cleave::envelope const& at) {
    seen.insert(at.id);
    accounts[std::string(at.stream.id())].evolve(event);
  }
  cleave::decision<bank::withdrawn, bank::deposited> decide(transfer const& c) const {
    auto const from = accounts.find(c.from);
    if (from == accounts.end() || !accounts.contains(c.to)) return cleave::reject("closed", "one of them");
    if (from->second.cents < c.cents) return cleave::reject("overdrawn", "only {}", from->second.cents);
    if (c.cents == 0) return cleave::nothing_happened{};
    return {bank::withdrawn{c.cents}, bank::deposited{c.cents}};
  }
};

} // namespace

TEMPLATE_TEST_CASE("a boundary decides on events of several streams", "", in_memory, in_sqlite) {
  TestType at;
  found_school(at.store, 4, 2, 3);
  desk<school::enrolment, decltype(at.store)> office(at.store);
  auto const done = office.execute(school::enrol{"c0", "s0"});
  REQUIRE(done);
  REQUIRE(done->position == position(8));
  REQUIRE(done->version == version(2)); // of the stream course-c0
  REQUIRE(office.execute(school::enrol{"c0", "s1"}));
  REQUIRE(rejection_of(office.execute(school::enrol{"c0", "s2"})) == "course-full");
  REQUIRE(rejection_of(office.execute(school::enrol{"c1", "s7"})) == "unknown-student");
  REQUIRE(office.execute(school::enrol{"c1", "s0"}));
  REQUIRE(office.execute(school::enrol{"c2", "s0"}));
  REQUIRE(rejection_of(office.execute(school::enrol{"c3", "s0"})) == "too-many-courses");
  REQUIRE(office.execute(school::enrol{"c1", "s0"})); // as it is already
  REQUIRE(*at.store.head() == position(11));
  auto const state = cleave::load_boundary<school::enrolment>(at.store, school::enrol{"c3", "s0"});
  REQUIRE(state);
  REQUIRE(state->seats == 2);
  REQUIRE(state->of_student.at("s0") == 3);
  require_rules(at.store);
}

TEMPLATE_TEST_CASE("a boundary over streams is shown the whole envelope of each event", "", in_memory,
                   in_sqlite) {
  TestType at;
  append_raw(at.store, "account-a", bank::opened{});
  append_raw(at.store, "account-a", bank::deposited{100});
  append_raw(at.store, "account-b", bank::opened{});
  auto const state = cleave::load_boundary<transfer_desk>(at.store, transfer{"a", "b", 1});
  REQUIRE(state);
  REQUIRE(state->seen.size() == 3);
  REQUIRE_FALSE(state->seen.contains(cleave::event_id()));
}

TEMPLATE_TEST_CASE("a decision by a query is made anew when an event came that matters", "", in_memory,
                   in_sqlite) {
  TestType at;
  found_school(at.store, 1, 1, 2);
  static decltype(at.store)* store;
  store = &at.store;
  cleave::any_event_store erased(at.store);
  desk<school::enrolment, cleave::any_event_store> office(erased);
  office.side.races = 1;
  SECTION("one that matches the query: the rule holds on the new state") {
    office.side.race = [] { append_raw(*store, "course-c0", school::enrolled{"c0", "s1"}); };
    REQUIRE(rejection_of(office.execute(school::enrol{"c0", "s0"})) == "course-full");
    REQUIRE(office.side.conflicts == 1);
    REQUIRE(office.side.events_published == 0);
  }
  SECTION("one of another student, even in the same stream, disturbs nobody") {
    office.side.race = [] { append_raw(*store, "course-c0", school::registered{"s9", "u9"}); };
    REQUIRE(office.execute(school::enrol{"c0", "s0"}));
    REQUIRE(office.side.conflicts == 0);
  }
  SECTION("an old version of an event matters as the new one does") {
    office.side.race = [] { append_raw(*store, "student-s0", school::registered_v1{"s0"}); };
    REQUIRE(office.execute(school::enrol{"c0", "s0"}));
    REQUIRE(office.side.conflicts == 1);
  }
  SECTION("a bounded number of times") {
    desk<school::enrolment, cleave::any_event_store> impatient(erased, {.attempts = 3});
    impatient.side.races = 100;
    impatient.side.race = [] { append_raw(*store, "student-s0", school::registered_v1{"s0"}); };
    auto const done = impatient.execute(school::enrol{"c0", "s0"});
    REQUIRE_FALSE(done);
    REQUIRE(code_of(done) == errc::version_conflict);
    REQUIRE(impatient.side.conflicts == 3);
  }
}

TEMPLATE_TEST_CASE("a boundary's command with an id is executed once", "", in_memory, in_sqlite) {
  TestType at;
  found_school(at.store, 2, 1, 2);
  desk<school::enrolment, decltype(at.store)> office(at.store);
  cleave::command_context const first{.id = id_of("first")};
  cleave::command_context const second{.id = id_of("second")};
  auto const done = office.execute(school::enrol{"c0", "s0"}, first);
  REQUIRE(done);
  REQUIRE(rejection_of(office.execute(school::enrol{"c0", "s1"}, second)) == "course-full");
  auto const head = *at.store.head();

  auto const again = office.execute(school::enrol{"c0", "s0"}, first);
  REQUIRE(again);
  REQUIRE(again->repeated);
  REQUIRE(again->position == done->position);
  REQUIRE(again->version == done->version);
  REQUIRE(append_raw(at.store, "course-c0", school::course_defined{"c0", 5})); // there would be a seat now
  REQUIRE(rejection_of(office.execute(school::enrol{"c0", "s1"}, second)) == "course-full");
  REQUIRE(code_of(office.execute(school::enrol{"c1", "s1"}, second)) == errc::command_id_reused);
  REQUIRE(*at.store.head() == head.next());
}

TEST_CASE("a boundary does not decide on an event that it does not know") {
  in_memory at;
  found_school(at.store, 1, 1, 1);
  struct grading : school::registration {
    static cleave::boundary_query boundary(school::register_student const& c) {
      return cleave::events_with<school::registered, school::graded>("student:" + c.student);
    }
  };
  REQUIRE(append_raw(at.store, "student-s5", school::graded{"s5"}));
  desk<grading, cleave::memory::event_store> office(at.store);
  auto const done = office.execute(school::register_student{"s5", "u5"});
  REQUIRE(code_of(done) == errc::unknown_event);
  REQUIRE_THAT(done.error().message(), Contains("graded.v1"));
  REQUIRE(office.execute(school::register_student{"s6", "u6"}));
}

TEST_CASE("what a boundary's functions throw is an error, and nothing is stored") {
  in_memory at;
  desk<school::registration, cleave::memory::event_store> office(at.store);
  for (auto const& command :
       {school::register_student{"nobody", "u"}, school::register_student{"s", "root"}}) {
    auto const done = office.execute(command);
    REQUIRE(code_of(done) == errc::handler_failed);
  }
  REQUIRE(*at.store.head() == position());
  REQUIRE(append_raw(at.store, "student-s", school::registered{"s", "unspeakable"}));
  auto const done = office.execute(school::register_student{"s", "u"});
  REQUIRE(code_of(done) == errc::handler_failed);
  REQUIRE_THAT(done.error().message(), Contains("evolve") && Contains("cannot say that"));
  auto const nowhere = office.execute(school::register_student{"", "u"});
  REQUIRE(code_of(nowhere) == errc::invalid_argument);
}

TEMPLATE_TEST_CASE("sixteen threads break no rule of courses and students", "", in_memory, in_sqlite,
                   in_turns) {
  TestType at;
  constexpr int courses = 6;
  constexpr int students = 12;
  found_school(at.store, courses, 5, students);
  desk<school::enrolment, decltype(at.store)> office(at.store, {.attempts = 10'000});
  std::atomic<int> failed{0};
  in_threads(16, [&](int t) {
    for (int i = 0; i < courses * students; ++i) {
      int const k = (i * 7 + t * 5) % (courses * students);
      auto const done = office.execute(school::enrol{numbered("c", k % courses), numbered("s", k / courses)});
      if (!done && !done.error().is_rejection()) ++failed;
    }
  });
  REQUIRE(failed == 0);
  require_rules(at.store);
  // 6 courses of 5 seats, 12 students of 3 courses: whatever the order, nobody can be left out while there is room.
  REQUIRE(*at.store.head() >= position(courses + students + courses * 4));
  INFO(office.side.conflicts << " conflicts");
}

TEMPLATE_TEST_CASE("sixteen threads with nothing in common never conflict", "", in_memory, in_sqlite,
                   in_turns) {
  TestType at;
  found_school(at.store, 16, 100, 16);
  desk<school::enrolment, decltype(at.store)> office(at.store, {.attempts = 1});
  desk<school::registration, decltype(at.store)> registrar(at.store, {.attempts = 1});
  std::atomic<int> failed{0};
  in_threads(16, [&](int t) {
    for (int i = 0; i < 20; ++i) {
      std::string const student = numbered("x", t * 100 + i);
      bool const good = registrar.execute(school::register_student{student, student}).has_value() &&
                        office.execute(school::enrol{numbered("c", t), student}).has_value();
      if (!good) ++failed;
    }
  });
  REQUIRE(failed == 0);
  REQUIRE(office.side.conflicts + registrar.side.conflicts == 0);
  REQUIRE(*at.store.head() == position(32 + 16 * 40));
  require_rules(at.store);
}

TEMPLATE_TEST_CASE("of sixteen who want one user name one gets it", "", in_memory, in_sqlite, in_turns) {
  TestType at;
  desk<school::registration, decltype(at.store)> office(at.store);
  std::atomic<int> won{0};
  std::atomic<int> refused{0};
  for (int round = 0; round < 20; ++round) {
    in_threads(16, [&](int t) {
      auto const done = office.execute(
          school::register_student{numbered("s", round * 100 + t), numbered("u", round)});
      if (done) ++won;
      else if (done.error().is_rejection()) ++refused;
    });
  }
  REQUIRE(won == 20);
  REQUIRE(refused == 20 * 15);
  require_rules(at.store);
}

TEMPLATE_TEST_CASE("a decision over several streams is one commit", "", in_memory, in_sqlite) {
  TestType at;
  for (char const* name : {"account-a", "account-b"}) REQUIRE(append_raw(at.store, name, bank::opened{name}));
  REQUIRE(append_raw(at.store, "account-a", bank::deposited{100}));
  desk<transfer_desk, decltype(at.store)> office(at.store);

  auto const done = office.execute(transfer{"a", "b", 30});
  REQUIRE(done);
  REQUIRE(done->position == position(5));
  REQUIRE(done->version == version(2)); // of account-b
  REQUIRE(rejection_of(office.execute(transfer{"a", "b", 71})) == "overdrawn");
  REQUIRE(rejection_of(office.execute(transfer{"a", "z", 1})) == "closed");
  REQUIRE(office.execute(transfer{"a", "b", 0}));
  REQUIRE(office.execute(transfer{"a", "a", 70})); // one stream, named twice
  REQUIRE(log_of(at.store) == std::vector<std::string>{"account-opened.v1@1", "account-opened.v1@1",
                                                       "money-deposited.v1@2", "money-withdrawn.v1@3",
                                                       "money-deposited.v1@2", "money-withdrawn.v1@4",
                                                       "money-deposited.v1@5"});
  auto const elsewhere = office.execute(transfer{"b", "a", 77});
  REQUIRE(rejection_of(elsewhere) == "overdrawn");
  REQUIRE(append_raw(at.store, "account-b", bank::deposited{100}));
  auto const astray = office.execute(transfer{"b", "a", 77});
  REQUIRE(code_of(astray) == errc::invalid_argument);
  REQUIRE_THAT(astray.error().message(), Contains("account-elsewhere") && Contains("money-deposited.v1"));
  REQUIRE(code_of(office.execute(transfer{"", "a", 1})) ==
          errc{}); // "account-" is a stream, only nobody opened it
}

TEMPLATE_TEST_CASE("a decision over several streams stands on all of them", "", in_memory, in_sqlite) {
  TestType at;
  for (char const* name : {"account-a", "account-b"}) REQUIRE(append_raw(at.store, name, bank::opened{name}));
  REQUIRE(append_raw(at.store, "account-a", bank::deposited{100}));
  static decltype(at.store)* store;
  store = &at.store;
  desk<transfer_desk, decltype(at.store)> office(at.store);
  office.side.races = 1;
  SECTION("the one that gives") {
    office.side.race = [] { append_raw(*store, "account-a", bank::withdrawn{90}); };
    REQUIRE(rejection_of(office.execute(transfer{"a", "b", 30})) == "overdrawn");
  }
  SECTION("the one that takes") {
    office.side.race = [] { append_raw(*store, "account-b", bank::deposited{1}); };
    REQUIRE(office.execute(transfer{"a", "b", 30}));
  }
  REQUIRE(office.side.conflicts == 1);
}

namespace {
// A store in which an account is emptied and another filled between two reads.
class moving_store : public cleave_test::losing_store {
public:
  template <cleave::event_sink Sink>
  cleave::result<cleave::version> read_stream(cleave::stream_name stream, cleave::stream_range range,
                                              Sink&& sink) {
    auto read = inner.read_stream(stream, range, sink);
    if (moves > 0 && stream == cleave::stream_name("account-a")) {
      --moves;
      bank::withdrawn const out{100};
      bank::deposited const in{100};
      auto const taken = cleave::to_new_event(cleave::event_id(ids.next(cleave::timestamp())), out);
      auto const given = cleave::to_new_event(cleave::event_id(ids.next(cleave::timestamp())), in);
      cleave::stream_append const parts[] = {{"account-b", cleave::expectation::any(), {&taken, 1}},
                                             {"account-a", cleave::expectation::any(), {&given, 1}}};
      REQUIRE(inner.append({.streams = parts}));
    }
    return read;
  }
  int moves = 0;
  cleave::uuid_v7_source ids;
};
} // namespace

TEST_CASE("a rejection is never made of streams that never stood like that together") {
  moving_store store;
  for (char const* name : {"account-a", "account-b", "account-c"})
    REQUIRE(append_raw(store.inner, name, bank::opened{name}));
  REQUIRE(append_raw(store.inner, "account-b", bank::deposited{100}));
  // Rejects when both together have less than 100, which was never so.
  struct pooled : transfer_desk {
    cleave::decision<bank::withdrawn, bank::deposited> decide(transfer const&) const {
      std::int64_t sum = 0;
      for (auto const& [name, account] : accounts) sum += account.cents;
      if (sum < 100) return cleave::reject("poor", "{}", sum);
      return cleave::nothing_happened{};
    }
  };
  desk<pooled, moving_store> office(store);
  store.moves = 1;
  SECTION("plainly") { REQUIRE(rejection_of(office.execute(transfer{"a", "b", 100})) == "done"); }
  SECTION("with an id, whose outcome is kept") {
    cleave::command_context const context{.id = id_of("pool")};
    REQUIRE(rejection_of(office.execute(transfer{"a", "b", 100}, context)) == "done");
    REQUIRE(office.execute(transfer{"a", "b", 100}, context)->repeated);
  }
  SECTION("a true one is kept") {
    cleave::command_context const context{.id = id_of("none")};
    store.moves = 0;
    REQUIRE(rejection_of(office.execute(transfer{"a", "c", 100}, context)) == "poor");
    REQUIRE(append_raw(store.inner, "account-c", bank::deposited{100}));
    REQUIRE(rejection_of(office.execute(transfer{"a", "c", 100}, context)) == "poor");
  }
}

TEMPLATE_TEST_CASE("sixteen threads that move money keep its sum", "", in_memory, in_sqlite) {
  TestType at;
  constexpr int accounts = 4;
  for (int a = 0; a < accounts; ++a) {
    REQUIRE(append_raw(at.store, numbered("account-", a), bank::opened{"x"}));
    REQUIRE(append_raw(at.store, numbered("account-", a), bank::deposited{10}));
  }
  desk<transfer_desk, decltype(at.store)> office(at.store, {.attempts = 10'000});
  std::atomic<int> failed{0};
  in_threads(16, [&](int t) {
    for (int i = 0; i < 20; ++i) {
      auto const done = office.execute(
          transfer{numbered("", (t + i) % accounts), numbered("", (t + i * 3 + 1) % accounts), 1 + i % 7});
      if (!done && !done.error().is_rejection()) ++failed;
    }
  });
  REQUIRE(failed == 0);
  std::int64_t sum = 0;
  for (int a = 0; a < accounts; ++a) {
    auto const account = cleave::load<bank::account>(at.store, numbered("account-", a));
    REQUIRE(account);
    REQUIRE(account->state.cents >= 0);
    sum += account->state.cents;
  }
  REQUIRE(sum == accounts * 10);
}
