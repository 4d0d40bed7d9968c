// SPDX-License-Identifier: BSL-1.0
#include <cleave/event/json_writer.hpp>
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

class json_text {
public:
  void put(char c) { writer_.put(c); }
  void member(std::string_view name) {
    writer_.text(name);
    writer_.put(':');
  }
  void text(std::string_view value) { writer_.text(value); }
  void texts(std::vector<std::string> const& values) {
    list(values, [&](std::string const& value) { writer_.text(value); });
  }
  template <class Values, class Each> void list(Values const& values, Each each) {
    writer_.put('[');
    bool first = true;
    for (auto const& value : values) {
      if (!first) writer_.put(',');
      first = false;
      each(value);
    }
    writer_.put(']');
  }
  std::string take() {
    writer_.flush();
    return std::move(out_);
  }

private:
  std::string out_;
  detail::json_writer writer_{out_};
};

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
  json_text out;
  out.put('{');
  out.member("commands");
  out.list(commands, [&](command const& one) {
    out.put('{');
    out.member("name");
    out.text(one.name);
    out.put(',');
    out.member("events");
    out.texts(one.events);
    out.put('}');
  });
  out.put(',');
  out.member("projections");
  out.list(projections, [&](projection const& one) {
    out.put('{');
    out.member("name");
    out.text(one.name);
    out.put(',');
    out.member("events");
    out.texts(one.events);
    out.put(',');
    out.member("queries");
    out.texts(one.queries);
    out.put('}');
  });
  out.put(',');
  out.member("queries");
  out.texts(queries);
  out.put('}');
  return out.take();
}

} // namespace cleave
