// SPDX-License-Identifier: BSL-1.0
#include <cleave/flow_graph.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace cleave {

namespace {

// The place of `name` in `names`; it is added where it is not there yet.
std::size_t number_of(std::vector<std::string>& names, std::string const& name) {
  auto const found = std::ranges::find(names, name);
  auto const number = static_cast<std::size_t>(found - names.begin());
  if (found == names.end()) names.push_back(name);
  return number;
}

// A label in quotes; Mermaid writes a quote in it as an entity.
std::string label(std::string const& text) {
  std::string out = "\"";
  for (char const c : text) {
    if (c == '"') out += "#quot;";
    else out += c;
  }
  return out + '"';
}

} // namespace

std::string flow_graph::mermaid() const {
  std::vector<std::string> events;
  std::vector<std::string> asked;
  std::string nodes;
  std::string edges;
  for (std::size_t c = 0; c < commands.size(); ++c) {
    nodes += fmt::format("  c{}[/{}/]\n", c, label(commands[c].name));
    for (std::string const& event : commands[c].events)
      edges += fmt::format("  c{} --> e{}\n", c, number_of(events, event));
  }
  std::string behind;
  for (std::size_t p = 0; p < projections.size(); ++p) {
    for (std::string const& event : projections[p].events)
      edges += fmt::format("  e{} --> p{}\n", number_of(events, event), p);
    behind += fmt::format("  p{}[({})]\n", p, label(projections[p].name));
    for (std::string const& query : projections[p].queries)
      edges += fmt::format("  p{} --> q{}\n", p, number_of(asked, query));
  }
  for (std::string const& query : queries) number_of(asked, query);
  for (std::size_t e = 0; e < events.size(); ++e) nodes += fmt::format("  e{}({})\n", e, label(events[e]));
  for (std::size_t q = 0; q < asked.size(); ++q)
    behind += fmt::format("  q{}{{{{{}}}}}\n", q, label(asked[q]));
  return "flowchart LR\n" + nodes + behind + edges;
}

std::string flow_graph::json() const {
  std::string out;
  auto const encoded = codec<flow_graph>::encode(*this, out);
  CLEAVE_ASSERT(encoded, "names are UTF-8");
  return out;
}

} // namespace cleave
