// SPDX-License-Identifier: BSL-1.0
// Courses and students: rules with limits on both sides, for the tests of boundaries.
#pragma once

#include <cleave/command/boundary.hpp>

#include <boost/describe.hpp>

#include <array>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace school {

struct course_defined {
  static constexpr std::string_view event_name = "course-defined.v1";
  std::string course;
  int seats = 0;
  std::array<std::string, 1> tags() const { return {"course:" + course}; }
};
struct registered_v1;
struct registered {
  static constexpr std::string_view event_name = "registered.v2";
  using supersedes = cleave::event_set<registered_v1>;
  std::string student;
  std::string user_name;
  std::array<std::string, 2> tags() const { return {"student:" + student, "user:" + user_name}; }
};
struct registered_v1 {
  static constexpr std::string_view event_name = "registered.v1";
  std::string student;
  std::array<std::string, 1> tags() const { return {"student:" + student}; }
  registered upcast() const { return {student, student}; }
};
struct enrolled {
  static constexpr std::string_view event_name = "enrolled.v1";
  std::string course;
  std::string student;
  std::array<std::string, 2> tags() const { return {"course:" + course, "student:" + student}; }
};
struct graded { // about a student, and listed by no boundary
  static constexpr std::string_view event_name = "graded.v1";
  std::string student;
  std::array<std::string, 1> tags() const { return {"student:" + student}; }
};
BOOST_DESCRIBE_STRUCT(course_defined, (), (course, seats))
BOOST_DESCRIBE_STRUCT(registered, (), (student, user_name))
BOOST_DESCRIBE_STRUCT(registered_v1, (), (student))
BOOST_DESCRIBE_STRUCT(enrolled, (), (course, student))
BOOST_DESCRIBE_STRUCT(graded, (), (student))

struct define_course {
  std::string course;
  int seats = 0;
};
struct register_student {
  static constexpr std::string_view command_name = "register-student";
  std::string student;
  std::string user_name;
};
struct enrol {
  static constexpr std::string_view command_name = "enrol";
  std::string course;
  std::string student;
};
BOOST_DESCRIBE_STRUCT(register_student, (), (student, user_name))
BOOST_DESCRIBE_STRUCT(enrol, (), (course, student))

struct course_catalogue {
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
    if (defined) return cleave::nothing_happened{};
    return course_defined{c.course, c.seats};
  }
};

struct registration {
  using commands = cleave::command_set<register_student>;
  using events = cleave::event_set<registered>;
  static constexpr std::string_view category = "student";
  static std::string const& id(register_student const& c) { return c.student; }
  static cleave::boundary_query boundary(register_student const& c) {
    if (c.student == "nobody") throw std::runtime_error("nobody has no boundary");
    return cleave::events_with<registered>("user:" + c.user_name) |
           cleave::events_with<registered>("student:" + c.student);
  }
  std::string owner;
  void evolve(registered const& e) {
    if (e.user_name == "unspeakable") throw std::runtime_error("cannot say that");
    owner = e.student;
  }
  cleave::decision<registered> decide(register_student const& c) const {
    if (c.user_name == "root") throw std::runtime_error("never root");
    if (!owner.empty()) return cleave::reject("taken", "by {}", owner);
    return registered{c.student, c.user_name};
  }
};

struct enrolment {
  static constexpr int courses_each = 3;
  using commands = cleave::command_set<enrol>;
  using events = cleave::event_set<course_defined, registered, enrolled>;
  static constexpr std::string_view category = "course";
  static std::string const& id(enrol const& c) { return c.course; }
  static cleave::boundary_query boundary(enrol const& c) {
    return cleave::events_with<course_defined, enrolled>("course:" + c.course) |
           cleave::events_with<registered, enrolled>("student:" + c.student);
  }
  int seats = 0;
  bool known = false;
  std::map<std::string, int> in_course;
  std::map<std::string, int> of_student;
  std::map<std::array<std::string, 2>, int> pairs;
  void evolve(course_defined const& e) { seats = e.seats; }
  void evolve(registered const&) { known = true; }
  void evolve(enrolled const& e) {
    ++in_course[e.course];
    ++of_student[e.student];
    ++pairs[{e.course, e.student}];
  }
  template <class Counts, class Key> static int count(Counts const& counts, Key const& key) {
    auto const found = counts.find(key);
    return found == counts.end() ? 0 : found->second;
  }
  cleave::decision<enrolled> decide(enrol const& c) const {
    if (count(pairs, std::array{c.course, c.student}) != 0) return cleave::nothing_happened{};
    if (!known) return cleave::reject("unknown-student", "{}", c.student);
    if (count(in_course, c.course) >= seats) return cleave::reject("course-full", "{}", c.course);
    if (count(of_student, c.student) >= courses_each)
      return cleave::reject("too-many-courses", "{}", c.student);
    return enrolled{c.course, c.student};
  }
};

} // namespace school
