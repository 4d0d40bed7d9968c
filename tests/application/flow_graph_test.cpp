// SPDX-License-Identifier: BSL-1.0
#include <cleave/flow_graph.hpp>
#include <cleave/memory/event_store.hpp>

#include "../command/school.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace flow {

struct noted {
  static constexpr auto event_name = "noted.v1";
};
struct dropped {
  static constexpr auto event_name = "dropped.v1";
};
struct note {
  static constexpr std::string_view command_name = "note \"it\"";
};
struct drop {};
struct notebook {
  using commands = cleave::command_set<note, drop>;
  static constexpr std::string_view category = "notebook";
  static int id(auto const&) { return 1; }
  cleave::decision<noted> handle(note const&) { return noted{}; }
  cleave::result<cleave::decision<noted, dropped>> handle(drop const&) {
    return cleave::decision<noted, dropped>(dropped{});
  }
};
struct how_many {
  using result_type = int;
};
struct who_knows {
  using result_type = int;
};
struct counts {
  using events = cleave::event_set<noted, school::enrolled>;
  using queries = cleave::query_set<how_many>;
  static constexpr std::string_view name = "counts.v1";
  int sum = 0;
  void on(noted const&) { ++sum; }
  void on(school::enrolled const&) { ++sum; }
  int answer(how_many const&) const { return sum; }
};
struct oracle {
  using queries = cleave::query_set<who_knows>;
  int answer(who_knows const&) const { return 42; }
};

} // namespace flow

namespace {

using application = decltype(cleave::application{
    std::declval<cleave::memory::event_store&>(), cleave::boundaries<school::enrolment>,
    cleave::command_handlers<flow::notebook>, cleave::projections<flow::counts>,
    cleave::query_handlers<flow::oracle>, cleave::application_options{}});

} // namespace

TEST_CASE("an application's flow is a chart") {
  REQUIRE(cleave::flow_graph_of<application>().mermaid() == R"(flowchart LR
  c0[/"enrol"/]
  c1[/"note #quot;it#quot;"/]
  c2[/"drop"/]
  e0("enrolled.v1")
  e1("noted.v1")
  e2("dropped.v1")
  p0[("counts.v1")]
  q0{{"how_many"}}
  q1{{"who_knows"}}
  c0 --> e0
  c1 --> e1
  c2 --> e1
  c2 --> e2
  e1 --> p0
  e0 --> p0
  p0 --> q0
)");
}

TEST_CASE("an application's flow is JSON") {
  REQUIRE(
      cleave::flow_graph_of<application>().json() ==
      R"({"commands":[{"name":"enrol","events":["enrolled.v1"]},)"
      R"({"name":"note \"it\"","events":["noted.v1"]},)"
      R"({"name":"drop","events":["noted.v1","dropped.v1"]}],)"
      R"("projections":[{"name":"counts.v1","events":["noted.v1","enrolled.v1"],"queries":["how_many"]}],)"
      R"("queries":["who_knows"]})");
}
