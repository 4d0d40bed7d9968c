// SPDX-License-Identifier: BSL-1.0
// What an application of 200 commands, 200 events and 20 projections costs the compiler: seconds of its own time, peak memory, and
// what one more command with its event adds. One translation unit that executes every command, without optimisation: the worst case.
#include "../scratch.hpp"

#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace {

constexpr int commands_of_a_decider = 10;

// `thing` in place of each '@', `part` in place of each '#'.
std::string filled(std::string_view pattern, int thing, int part = 0) {
  std::string text;
  for (char const c : pattern) {
    if (c == '@') text += std::to_string(thing);
    else if (c == '#') text += std::to_string(part);
    else text += c;
  }
  return text;
}

std::string for_each_part(std::string_view pattern, int thing, std::string_view between = "") {
  std::string text;
  for (int part = 0; part < commands_of_a_decider; ++part) {
    if (part != 0) text += between;
    text += filled(pattern, thing, part);
  }
  return text;
}

std::string list_of(std::string_view pattern, int things) {
  std::string text;
  for (int thing = 0; thing < things; ++thing) text += (thing == 0 ? "" : ", ") + filled(pattern, thing);
  return text;
}

std::string application(int commands) {
  int const things = commands / commands_of_a_decider;
  std::ostringstream out;
  out << "#include <cleave/cleave.hpp>\n#include <cleave/memory/event_store.hpp>\n#include <boost/describe.hpp>\n";
  for (int thing = 0; thing < things; ++thing) {
    out << for_each_part(
        "struct done_@_# { std::int64_t amount = 0; std::string note; static constexpr auto event_name = \"done-@-#.v1\"; };\n"
        "BOOST_DESCRIBE_STRUCT(done_@_#, (), (amount, note))\n"
        "struct do_@_# { std::string thing; std::int64_t amount = 0; };\n",
        thing);
    out << filled("struct thing_@ {\n  using commands = cleave::command_set<", thing)
        << for_each_part("do_@_#", thing, ", ") << ">;\n  using events = cleave::event_set<"
        << for_each_part("done_@_#", thing, ", ")
        << filled(
               ">;\n  static constexpr std::string_view category = \"thing@\";\n"
               "  static std::string const& id(auto const& c) { return c.thing; }\n  std::int64_t sum = 0;\n",
               thing)
        << for_each_part(
               "  void evolve(done_@_# const& e) { sum += e.amount; }\n"
               "  cleave::decision<done_@_#> decide(do_@_# const& c) const {\n"
               "    if (c.amount < 0) return cleave::reject(\"negative\", \"{} is negative\", c.amount);\n"
               "    return done_@_#{c.amount, \"x\"};\n  }\n",
               thing)
        << "};\n"
        << filled("struct sum_@ { using result_type = std::int64_t; };\nstruct sums_@ {\n"
                  "  using queries = cleave::query_set<sum_@>;\n  using events = cleave::event_set<",
                  thing)
        << for_each_part("done_@_#", thing, ", ")
        << filled(">;\n  static constexpr std::string_view name = \"sums-@.v1\";\n  std::int64_t sum = 0;\n",
                  thing)
        << for_each_part("  void on(done_@_# const& e) { sum += e.amount; }\n", thing)
        << filled("  std::int64_t answer(sum_@ const&) const { return sum; }\n};\n", thing);
  }
  out << "int main() {\n  cleave::memory::event_store store;\n  cleave::application app{store, cleave::deciders<"
      << list_of("thing_@", things) << ">, cleave::projections<" << list_of("sums_@", things)
      << ">};\n  std::int64_t sum = 0;\n";
  for (int thing = 0; thing < things; ++thing) {
    out << for_each_part("  if (app.execute(do_@_#{\"a\", 1})) ++sum;\n", thing)
        << filled("  if (auto got = app.query(sum_@{})) sum += *got;\n", thing);
  }
  out << "  return sum != 0;\n}\n";
  return out.str();
}

struct cost {
  double seconds = 0; // of the processor, in the compiler and what it starts
  double bytes = 0;   // at its peak
};

cost compile(std::string const& compiler, std::string const& source) {
  std::vector<std::string> words = {compiler, "-std=c++20", "-c", "-o", "/dev/null", source};
  std::istringstream folders(CLEAVE_INCLUDE_FOLDERS);
  for (std::string folder; std::getline(folders, folder, ':');) words.push_back("-I" + folder);
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t const child = fork();
  if (child == 0) {
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
  int status = 0;
  rusage used{};
  if (child < 0 || wait4(child, &status, 0, &used) != child || status != 0) {
    std::fprintf(stderr, "%s cannot compile the application of the benchmark\n", compiler.c_str());
    std::exit(1);
  }
  auto const seconds = [](timeval const& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return {seconds(used.ru_utime) + seconds(used.ru_stime), static_cast<double>(used.ru_maxrss) * 1'024};
}

cost const& cost_of(std::string const& compiler, int commands) {
  static std::map<std::pair<std::string, int>, cost> known;
  auto const [at, is_new] = known.try_emplace({compiler, commands});
  if (!is_new) return at->second;
  bench::scratch const folder;
  std::string const source = folder.file("application.cpp");
  std::ofstream(source) << application(commands);
  return at->second = compile(compiler, source);
}

constexpr int few = 100;
constexpr int many = 200;

double seconds(std::string const& compiler) { return cost_of(compiler, many).seconds; }
double one_more(std::string const& compiler) {
  return (cost_of(compiler, many).seconds - cost_of(compiler, few).seconds) / (many - few);
}
double mebibytes(std::string const& compiler) { return cost_of(compiler, many).bytes / (1 << 20); }

// Once: the compiler's own time hardly varies, and it takes minutes.
template <class Measure> void add(std::string const& name, Measure measure, char const* unit = "") {
  benchmark::RegisterBenchmark(name.c_str(),
                               [=](benchmark::State& state) {
                                 for (auto _ : state) state.SetIterationTime(measure());
                                 state.SetLabel(unit);
                               })
      ->UseManualTime()
      ->Iterations(1)
      ->Repetitions(1);
}

// Nothing, where that compiler is not there.
void add_compiler(std::string const& name, std::string const& compiler) {
  if (compiler.empty()) return;
  add("compile/" + name + "_200_commands/ours", [=] { return seconds(compiler); });
  add("compile/" + name + "_one_more_command/ours", [=] { return one_more(compiler); });
  // A nanosecond stands for a unit.
  add("compile/" + name + "_memory/ours", [=] { return mebibytes(compiler) * 1e-9; }, "MiB");
}

bool const registered = [] {
  add_compiler("gcc", CLEAVE_GCC);
  add_compiler("clang", CLEAVE_CLANG);
  add("compile/gcc_200_commands/limit_12_s", [] { return 12.0; });
  add("compile/gcc_one_more_command/limit_25_ms", [] { return 0.025; });
  add("compile/gcc_memory/limit_1536_MiB", [] { return 1'536e-9; }, "MiB");
  return true;
}();

} // namespace
