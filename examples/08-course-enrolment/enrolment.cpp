// SPDX-License-Identifier: BSL-1.0
// 08: rules that no single stream can keep. A course has so many seats, a student takes so many courses, a user name is given once:
// each of these looks at the events of several things. A boundary says which events a decision depends on, by names and tags, and
// the decision is committed only if no further such event has come. Who does something else at that moment is not disturbed.
//
//   boundary    the query: "the events of this course, and those of this student"
//   tags        what the query finds events by; an event tells them itself

#include <cleave/cleave.hpp>
#include <cleave/memory/event_store.hpp>

#include <array>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace {

std::string course_tag(std::string const& course) { return "course:" + course; }
std::string student_tag(std::string const& student) { return "student:" + student; }

} // namespace

struct course_defined {
  static constexpr auto event_name = "course-defined.v1";
  std::string course;
  int seats = 0;
  std::array<std::string, 1> tags() const { return {course_tag(course)}; }
};
struct student_registered {
  static constexpr auto event_name = "student-registered.v1";
  std::string student;
  std::string user_name;
  std::array<std::string, 2> tags() const { return {student_tag(student), "user-name:" + user_name}; }
};
struct student_enrolled {
  static constexpr auto event_name = "student-enrolled.v1";
  std::string course;
  std::string student;
  std::array<std::string, 2> tags() const { return {course_tag(course), student_tag(student)}; }
};

struct define_course {
  std::string course;
  int seats = 0;
};
struct register_student {
  std::string student;
  std::string user_name;
};
struct enrol {
  std::string course;
  std::string student;
};

// One stream is enough: a decider.
struct course {
  using commands = cleave::command_set<define_course>;
  using events = cleave::event_set<course_defined, student_enrolled>;
  static constexpr std::string_view category = "course";
  static std::string const& id(define_course const& command) { return command.course; }

  bool defined = false;
  void evolve(course_defined const&) { defined = true; }
  void evolve(student_enrolled const&) {}
  cleave::decision<course_defined> decide(define_course const& command) const {
    if (defined) return cleave::reject("course-exists", "there is a course {} already", command.course);
    return course_defined{command.course, command.seats};
  }
};

// A name that only one may have: nobody with this name, and nothing under this id.
struct registration {
  using commands = cleave::command_set<register_student>;
  using events = cleave::event_set<student_registered>;
  static constexpr std::string_view category = "student";
  static std::string const& id(register_student const& command) { return command.student; }
  static cleave::boundary_query boundary(register_student const& command) {
    return cleave::events_with<student_registered>("user-name:" + command.user_name) |
           cleave::events_with<student_registered>(student_tag(command.student));
  }

  std::string owner; // whose the name is, or who has the id
  void evolve(student_registered const& event) { owner = event.student; }
  cleave::decision<student_registered> decide(register_student const& command) const {
    if (owner.empty()) return student_registered{command.student, command.user_name};
    if (owner == command.student)
      return cleave::reject("student-exists", "there is a student {} already", command.student);
    return cleave::reject("user-name-taken", "the user name {} is taken", command.user_name);
  }
};

// Limits on both sides.
struct enrolment {
  static constexpr int courses_per_student = 2;
  using commands = cleave::command_set<enrol>;
  using events = cleave::event_set<course_defined, student_registered, student_enrolled>;
  static constexpr std::string_view category = "course"; // a student_enrolled enters the stream of its course
  static std::string const& id(enrol const& command) { return command.course; }
  static cleave::boundary_query boundary(enrol const& command) {
    return cleave::events_with<course_defined, student_enrolled>(course_tag(command.course)) |
           cleave::events_with<student_registered, student_enrolled>(student_tag(command.student));
  }

  // Whose events these are the state does not know: it remembers both sides of each enrolment.
  int seats = 0;
  bool registered = false;
  std::vector<student_enrolled> enrolments;
  void evolve(course_defined const& event) { seats = event.seats; }
  void evolve(student_registered const&) { registered = true; }
  void evolve(student_enrolled const& event) { enrolments.push_back(event); }

  cleave::decision<student_enrolled> decide(enrol const& command) const {
    int taken = 0;
    int courses = 0;
    for (student_enrolled const& one : enrolments) {
      if (one.course == command.course && one.student == command.student) return cleave::nothing_happened{};
      if (one.course == command.course) ++taken;
      if (one.student == command.student) ++courses;
    }
    if (seats == 0) return cleave::reject("unknown-course", "there is no course {}", command.course);
    if (!registered) return cleave::reject("unknown-student", "there is no student {}", command.student);
    if (taken >= seats)
      return cleave::reject("course-full", "all {} seats of {} are taken", seats, command.course);
    if (courses >= courses_per_student)
      return cleave::reject("too-many-courses", "{} takes {} courses already", command.student, courses);
    return student_enrolled{command.course, command.student};
  }
};

int main() {
  cleave::memory::event_store log;
  cleave::application school{log, cleave::deciders<course>, cleave::boundaries<registration, enrolment>};

  bool as_expected = true;
  auto const tell = [&](auto const& command, std::string const& expected) {
    auto const done = school.execute(command);
    std::string const came = done                          ? "done"
                             : done.error().is_rejection() ? done.error().rejection().code
                                                           : "error";
    std::cout << (done ? "done" : done.error().message()) << '\n';
    as_expected = as_expected && came == expected;
  };
  tell(define_course{"algebra", 2}, "done");
  tell(define_course{"botany", 9}, "done");
  tell(define_course{"chess", 9}, "done");
  tell(register_student{"s1", "ada"}, "done");
  tell(register_student{"s2", "ada"}, "user-name-taken");
  tell(register_student{"s2", "grace"}, "done");
  tell(register_student{"s3", "edsger"}, "done");

  tell(enrol{"algebra", "s1"}, "done");
  tell(enrol{"algebra", "s2"}, "done");
  tell(enrol{"algebra", "s3"}, "course-full");
  tell(enrol{"botany", "s1"}, "done");
  tell(enrol{"chess", "s1"}, "too-many-courses");
  tell(enrol{"algebra", "s1"}, "done"); // as it is already: no event
  tell(enrol{"dancing", "s1"}, "unknown-course");

  auto const head = log.head();
  std::cout << "the log has " << head->value() << " events\n";
  return as_expected && *head == cleave::position(9) ? 0 : 1;
}
