// SPDX-License-Identifier: BSL-1.0
#include <cleave/event/trace_context.hpp>

#include <catch2/catch.hpp>

#include <string>

using cleave::trace_context;

namespace {

constexpr std::string_view known = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

std::string with(std::size_t at, std::string_view text) {
  std::string changed(known);
  return changed.replace(at, text.size(), text);
}

} // namespace

TEST_CASE("a traceparent is read and written as the recommendation has it") {
  auto const read = trace_context::parse(known);
  REQUIRE(read);
  REQUIRE(read->trace[0] == 0x0a);
  REQUIRE(read->trace[15] == 0x9c);
  REQUIRE(read->parent[0] == 0xb7);
  REQUIRE(read->parent[7] == 0x31);
  REQUIRE(read->sampled());
  REQUIRE(read->text().view() == known);
  REQUIRE_FALSE(trace_context::parse(with(53, "00"))->sampled());
  // Flags without a meaning yet are not handed on.
  REQUIRE(trace_context::parse(with(53, "ff"))->text().view() == known);
}

TEST_CASE("what is no traceparent is nothing") {
  std::string const text(known);
  for (std::size_t length = 0; length < text.size(); ++length) {
    REQUIRE_FALSE(trace_context::parse(text.substr(0, length)));
  }
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (char const wrong : {'A', 'g', '/', ':', '`', ' ', '\0', '\xff'}) {
      REQUIRE_FALSE(trace_context::parse(with(at, std::string_view(&wrong, 1))));
    }
  }
  REQUIRE_FALSE(trace_context::parse(with(0, "ff")));
  REQUIRE_FALSE(trace_context::parse(with(3, std::string(32, '0'))));
  REQUIRE_FALSE(trace_context::parse(with(36, std::string(16, '0'))));
  REQUIRE_FALSE(trace_context::parse(text + "-00"));
}

TEST_CASE("of a newer version the known part is read") {
  auto const newer = with(0, "01");
  REQUIRE(trace_context::parse(newer)->text().view() == known);
  REQUIRE(trace_context::parse(newer + "-more")->text().view() == known);
  REQUIRE_FALSE(trace_context::parse(newer + "more"));
}

TEST_CASE("a child is of the same trace, with a span of its own") {
  cleave::uuid_v7_source ids(7);
  auto const root = trace_context::start(ids.next(cleave::timestamp(5)), true);
  auto const child = root.child(ids.next(cleave::timestamp(5)));
  REQUIRE(trace_context::parse(root.text().view()) == root);
  REQUIRE(trace_context::parse(child.text().view()) == child);
  REQUIRE(child.trace == root.trace);
  REQUIRE(child.sampled());
  REQUIRE(child.parent != root.parent);
  REQUIRE_FALSE(trace_context::start(ids.next(cleave::timestamp(5)), false).sampled());
}

TEST_CASE("the metadata of an event carries its trace") {
  auto const text = trace_context::parse(known)->text();
  cleave::header const headers[] = {{"who", "alice"}, {cleave::traceparent_header, text.view()}};
  REQUIRE(cleave::trace_of({.headers = headers})->text().view() == known);
  cleave::header const broken[] = {{cleave::traceparent_header, "00-12"}};
  REQUIRE_FALSE(cleave::trace_of({.headers = broken}));
  REQUIRE_FALSE(cleave::trace_of({}));
}
