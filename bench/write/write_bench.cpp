// SPDX-License-Identifier: BSL-1.0
// The write side around "decide": what a layer of middleware costs, what a stored outcome costs, and the workload of course enrolment
// that event stores with dynamic consistency boundaries are compared by: each round defines 10 courses, registers 10 students and
// enrols every student in every course, 120 commands, one client, one after another. Its raw way on SQLite reads the head of a stream,
// inserts the next event and commits; it decides nothing.
#include <cleave/application.hpp>
#include <cleave/memory/event_store.hpp>
#include <cleave/middleware/authorisation.hpp>
#include <cleave/middleware/idempotency.hpp>
#include <cleave/middleware/validation.hpp>
#include <cleave/sqlite/event_store.hpp>

#include "../counted.hpp"
#include "../sqlite/raw_log.hpp"

#include <benchmark/benchmark.h>
#include <boost/describe.hpp>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

// --- routing

struct add {
  std::int64_t amount = 0;
  bool valid = true;
  std::optional<cleave::rejection> validate() const {
    if (valid) return std::nullopt;
    return cleave::reject("invalid", "{}", amount);
  }
};
struct adder {
  using commands = cleave::command_set<add>;
  std::uint64_t sum = 0;
  [[gnu::noinline]] cleave::command_result execute(add const& c, cleave::command_context const&) {
    sum += static_cast<std::uint64_t>(c.amount);
    return cleave::committed{cleave::position(sum), cleave::version(1), false};
  }
};
struct rules {
  bool allows(cleave::principal const& who, add const&) const { return who.name.size() == 5; }
};

void direct(benchmark::State& state) {
  adder handler;
  add command{1};
  cleave::principal const alice{.name = "alice"};
  cleave::command_context const context{.principal = &alice};
  for (auto _ : state) {
    benchmark::DoNotOptimize(command);
    auto done = handler.execute(command, context);
    benchmark::DoNotOptimize(done);
  }
}
template <class... Layers> void routed(benchmark::State& state, Layers... layers) {
  cleave::command_bus bus{adder{}};
  cleave::middleware_chain<Layers...> chain(layers...);
  add command{1};
  cleave::principal const alice{.name = "alice"};
  cleave::command_context const context{.principal = &alice};
  for (auto _ : state) {
    benchmark::DoNotOptimize(command);
    auto done = chain.run(command, context, [&](cleave::command_context const& reached) {
      return bus.execute(command, reached);
    });
    benchmark::DoNotOptimize(done);
  }
}
void routed_plainly(benchmark::State& state) { routed(state); }
void routed_through_three(benchmark::State& state) {
  routed(state, cleave::authorisation{rules{}}, cleave::validation{}, cleave::idempotency{});
}
BENCHMARK(routed_plainly)->Name("write/route/ours")->Apply(bench::counted);
BENCHMARK(direct)->Name("write/route/raw")->Apply(bench::counted);
BENCHMARK(routed_through_three)->Name("write/three_layers/ours")->Apply(bench::counted);
BENCHMARK(direct)->Name("write/three_layers/raw")->Apply(bench::counted);

// --- the stores

struct in_memory {
  cleave::memory::event_store store{};
};
template <cleave::durability Durability> struct in_sqlite {
  bench::scratch folder{};
  cleave::sqlite::event_store store{opened(folder.file("ours.db"))};

  static cleave::sqlite::event_store opened(std::string const& path) {
    auto store = cleave::sqlite::event_store::open({.path = path, .durability = Durability});
    if (!store) std::abort();
    return std::move(*store);
  }
};
using in_relaxed = in_sqlite<cleave::durability::relaxed>;
using in_full = in_sqlite<cleave::durability::full>;

// --- the outcome of a command

constexpr std::string_view event_name = "course-defined.v1";
constexpr std::string_view event_data = R"({"course":"course-1","seats":10})";

// One event an append, with the outcome of a command or (the raw way) without. A log in memory begins anew after so many events, and
// one was filled before: a page that the process has never had can cost four times the append (a virtual machine gets it from its
// host), and which way meets how many of them is chance: with a log for each repetition the first ones of either took 250 to 340 ns an
// append, the later ones of both 63 to 75.
constexpr std::int64_t most_in_memory = 100'000;

template <class Host> void outcome(benchmark::State& state, bool stored) {
  std::optional<Host> host;
  host.emplace();
  cleave::uuid_v7_source ids;
  cleave::new_event event;
  event.name = event_name;
  event.data = event_data;
  cleave::stream_append const part{"course-1", cleave::expectation::any(), {&event, 1}};
  cleave::command_record record{.id = {}, .command = "define-course", .fingerprint = 1};
  cleave::append_request const request{.streams = {&part, 1}, .command = stored ? &record : nullptr};
  auto const append = [&] {
    event.id = cleave::event_id(ids.next(cleave::timestamp(1)));
    record.id = cleave::command_id(ids.next(cleave::timestamp(1)));
    if (!host->store.append(request)) std::abort();
  };
  constexpr bool bounded = std::is_same_v<Host, in_memory>;
  if constexpr (bounded) {
    for (std::int64_t i = 0; i < most_in_memory; ++i) append();
    host.emplace();
  }
  std::int64_t appended = 0;
  for (auto _ : state) {
    append();
    if constexpr (bounded) {
      if (++appended % most_in_memory == 0) {
        state.PauseTiming();
        host.emplace();
        state.ResumeTiming();
      }
    }
  }
}
template <class Host> void with_outcome(benchmark::State& state) { outcome<Host>(state, true); }
template <class Host> void without_outcome(benchmark::State& state) { outcome<Host>(state, false); }
BENCHMARK(with_outcome<in_memory>)->Name("write/outcome_memory/ours");
BENCHMARK(without_outcome<in_memory>)->Name("write/outcome_memory/raw");
BENCHMARK(with_outcome<in_relaxed>)->Name("write/outcome_relaxed/ours");
BENCHMARK(without_outcome<in_relaxed>)->Name("write/outcome_relaxed/raw");
BENCHMARK(with_outcome<in_full>)->Name("write/outcome_full/ours")->UseRealTime();
BENCHMARK(without_outcome<in_full>)->Name("write/outcome_full/raw")->UseRealTime();

// --- course enrolment

struct course_defined {
  static constexpr std::string_view event_name = "course-defined.v1";
  std::string course;
  int seats = 0;
  std::array<std::string, 1> tags() const { return {"course:" + course}; }
};
struct student_registered {
  static constexpr std::string_view event_name = "student-registered.v1";
  std::string student;
  std::array<std::string, 1> tags() const { return {"student:" + student}; }
};
struct student_enrolled {
  static constexpr std::string_view event_name = "student-enrolled.v1";
  std::string course;
  std::string student;
  std::array<std::string, 2> tags() const { return {"course:" + course, "student:" + student}; }
};
BOOST_DESCRIBE_STRUCT(course_defined, (), (course, seats))
BOOST_DESCRIBE_STRUCT(student_registered, (), (student))
BOOST_DESCRIBE_STRUCT(student_enrolled, (), (course, student))

struct define_course {
  std::string course;
};
struct register_student {
  std::string student;
};
struct enrol {
  std::string course;
  std::string student;
};
constexpr int seats = 10;
constexpr int courses_each = 10;

// The stream version: the course keeps its seats, nobody keeps the student's courses. Without tags.
struct defined_in_stream {
  static constexpr std::string_view event_name = "course-defined.v1";
  std::string course;
  int seats = 0;
};
struct registered_in_stream {
  static constexpr std::string_view event_name = "student-registered.v1";
  std::string student;
};
struct enrolled_in_stream {
  static constexpr std::string_view event_name = "student-enrolled.v1";
  std::string course;
  std::string student;
};
BOOST_DESCRIBE_STRUCT(defined_in_stream, (), (course, seats))
BOOST_DESCRIBE_STRUCT(registered_in_stream, (), (student))
BOOST_DESCRIBE_STRUCT(enrolled_in_stream, (), (course, student))

struct course {
  using commands = cleave::command_set<define_course, enrol>;
  using events = cleave::event_set<defined_in_stream, enrolled_in_stream>;
  static constexpr std::string_view category = "course";
  static std::string const& id(auto const& c) { return c.course; }
  int room = 0;
  std::set<std::string> students;
  void evolve(defined_in_stream const& e) { room = e.seats; }
  void evolve(enrolled_in_stream const& e) { students.insert(e.student); }
  cleave::decision<defined_in_stream> decide(define_course const& c) const {
    if (room != 0) return cleave::reject("course-exists", "{}", c.course);
    return defined_in_stream{c.course, seats};
  }
  cleave::decision<enrolled_in_stream> decide(enrol const& c) const {
    if (static_cast<int>(students.size()) >= room) return cleave::reject("course-full", "{}", c.course);
    return enrolled_in_stream{c.course, c.student};
  }
};
struct student {
  using commands = cleave::command_set<register_student>;
  using events = cleave::event_set<registered_in_stream>;
  static constexpr std::string_view category = "student";
  static std::string const& id(register_student const& c) { return c.student; }
  bool known = false;
  void evolve(registered_in_stream const&) { known = true; }
  cleave::decision<registered_in_stream> decide(register_student const& c) const {
    if (known) return cleave::reject("student-exists", "{}", c.student);
    return registered_in_stream{c.student};
  }
};

// The boundary version: limits on both sides.
struct definition {
  using commands = cleave::command_set<define_course>;
  using events = cleave::event_set<course_defined>;
  static constexpr std::string_view category = "course";
  static std::string const& id(define_course const& c) { return c.course; }
  static cleave::boundary_query boundary(define_course const& c) {
    return cleave::events_with<course_defined>("course:" + c.course);
  }
  bool defined = false;
  void evolve(course_defined const&) { defined = true; }
  cleave::decision<course_defined> decide(define_course const& c) const {
    if (defined) return cleave::reject("course-exists", "{}", c.course);
    return course_defined{c.course, seats};
  }
};
struct registration {
  using commands = cleave::command_set<register_student>;
  using events = cleave::event_set<student_registered>;
  static constexpr std::string_view category = "student";
  static std::string const& id(register_student const& c) { return c.student; }
  static cleave::boundary_query boundary(register_student const& c) {
    return cleave::events_with<student_registered>("student:" + c.student);
  }
  bool known = false;
  void evolve(student_registered const&) { known = true; }
  cleave::decision<student_registered> decide(register_student const& c) const {
    if (known) return cleave::reject("student-exists", "{}", c.student);
    return student_registered{c.student};
  }
};
struct enrolment {
  using commands = cleave::command_set<enrol>;
  using events = cleave::event_set<course_defined, student_registered, student_enrolled>;
  static constexpr std::string_view category = "course";
  static std::string const& id(enrol const& c) { return c.course; }
  static cleave::boundary_query boundary(enrol const& c) {
    return cleave::events_with<course_defined, student_enrolled>("course:" + c.course) |
           cleave::events_with<student_registered, student_enrolled>("student:" + c.student);
  }
  int room = 0;
  bool known = false;
  std::vector<student_enrolled> enrolments;
  void evolve(course_defined const& e) { room = e.seats; }
  void evolve(student_registered const&) { known = true; }
  void evolve(student_enrolled const& e) { enrolments.push_back(e); }
  cleave::decision<student_enrolled> decide(enrol const& c) const {
    int taken = 0;
    int courses = 0;
    for (student_enrolled const& one : enrolments) {
      taken += one.course == c.course ? 1 : 0;
      courses += one.student == c.student ? 1 : 0;
    }
    if (!known || taken >= room || courses >= courses_each) return cleave::reject("refused", "{}", c.course);
    return student_enrolled{c.course, c.student};
  }
};

constexpr int things = 10;
constexpr int commands_a_round = things + things + things * things;

// define(course), sign_up(student), join(course, student); the names are new in every round.
template <class Define, class SignUp, class Join> void round_of(int round, Define define, SignUp sign_up,
                                                                Join join) {
  std::array<std::string, things> courses;
  std::array<std::string, things> students;
  for (std::size_t i = 0; i < things; ++i) {
    courses[i] = "c" + std::to_string(round) + "-" + std::to_string(i);
    students[i] = "s" + std::to_string(round) + "-" + std::to_string(i);
  }
  for (auto const& one : courses) define(one);
  for (auto const& one : students) sign_up(one);
  for (auto const& s : students) {
    for (auto const& c : courses) join(c, s);
  }
}

template <class Host, class... Parts> void enrol_all(benchmark::State& state, Parts const&... parts) {
  Host host;
  cleave::application app{host.store, parts...};
  auto const must = [&](auto const& command) {
    if (auto done = app.execute(command); !done) {
      std::fprintf(stderr, "%s\n", done.error().message().c_str());
      std::abort();
    }
  };
  int round = 0;
  for (auto _ : state) {
    round_of(
        round++, [&](std::string const& c) { must(define_course{c}); },
        [&](std::string const& s) { must(register_student{s}); },
        [&](std::string const& c, std::string const& s) { must(enrol{c, s}); });
  }
  state.SetItemsProcessed(state.iterations() * commands_a_round);
}
template <class Host> void streams(benchmark::State& state) {
  enrol_all<Host>(state, cleave::deciders<course, student>);
}
template <class Host> void boundary(benchmark::State& state) {
  enrol_all<Host>(state, cleave::boundaries<definition, registration, enrolment>);
}
void raw(benchmark::State& state, bool full) {
  bench::scratch const folder;
  bench::raw_log log(folder.file("raw.db"), full);
  auto const append = [&](std::string const& stream, std::string_view name) {
    log.begin();
    log.insert(stream, log.head(stream) + 1, name, 1);
    log.commit();
  };
  int round = 0;
  for (auto _ : state) {
    round_of(
        round++, [&](std::string const& c) { append("course-" + c, "course-defined.v1"); },
        [&](std::string const& s) { append("student-" + s, "student-registered.v1"); },
        [&](std::string const& c, std::string const&) { append("course-" + c, "student-enrolled.v1"); });
  }
  state.SetItemsProcessed(state.iterations() * commands_a_round);
}
BENCHMARK(streams<in_memory>)->Name("write/courses_stream_memory/ours");
BENCHMARK(boundary<in_memory>)->Name("write/courses_boundary_memory/ours");
BENCHMARK(streams<in_relaxed>)->Name("write/courses_stream_relaxed/ours");
BENCHMARK_CAPTURE(raw, relaxed, false)->Name("write/courses_stream_relaxed/raw");
BENCHMARK(boundary<in_relaxed>)->Name("write/courses_boundary_relaxed/ours");
BENCHMARK_CAPTURE(raw, relaxed, false)->Name("write/courses_boundary_relaxed/raw");
BENCHMARK(streams<in_full>)->Name("write/courses_stream_full/ours")->UseRealTime();
BENCHMARK_CAPTURE(raw, full, true)->Name("write/courses_stream_full/raw")->UseRealTime();
BENCHMARK(boundary<in_full>)->Name("write/courses_boundary_full/ours")->UseRealTime();
BENCHMARK_CAPTURE(raw, full, true)->Name("write/courses_boundary_full/raw")->UseRealTime();

} // namespace
