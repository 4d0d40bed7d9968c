// SPDX-License-Identifier: BSL-1.0
// What flows where in an application, read from its type: commands -> events -> projections -> queries.
//
//   auto const graph = cleave::flow_graph_of<decltype(app)>();
//   std::cout << graph.mermaid();                              // a flowchart, as many pages of Markdown show it
#pragma once

#include <cleave/application.hpp>

#include <boost/describe/class.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace cleave {

// Commands have their stored name, or the C++ name of their type without its namespaces; queries have the latter.
struct flow_graph {
  struct command {
    std::string name;
    std::vector<std::string> events; // that may come of it
  };
  struct projection {
    std::string name;
    std::vector<std::string> events;  // that it follows
    std::vector<std::string> queries; // that it answers
  };
  std::vector<command> commands;
  std::vector<projection> projections;
  std::vector<std::string> queries; // that query handlers answer

  // A flowchart in the language of Mermaid (https://mermaid.js.org), events in the order of their first mention.
  std::string mermaid() const;
  // {"commands":[{"name":...,"events":[...]}],"projections":[{"name":...,"events":[...],"queries":[...]}],"queries":[...]}
  std::string json() const;
};
BOOST_DESCRIBE_STRUCT(flow_graph::command, (), (name, events))
BOOST_DESCRIBE_STRUCT(flow_graph::projection, (), (name, events, queries))
BOOST_DESCRIBE_STRUCT(flow_graph, (), (commands, projections, queries))

namespace detail {

// "orders_of" of "shop::orders_of"; the arguments of a template keep their namespaces.
constexpr std::string_view without_namespaces(std::string_view name) noexcept {
  auto const colons = name.substr(0, name.find('<')).rfind("::");
  return colons == std::string_view::npos ? name : name.substr(colons + 2);
}
template <class C> std::string flow_name() {
  constexpr std::string_view name = command_name<C>;
  return std::string(name.empty() ? without_namespaces(type_text<C>) : name);
}

template <class List> struct flow_names;
template <template <class...> class List, class... Ts> struct flow_names<List<Ts...>> {
  static std::vector<std::string> events() { return {std::string(event_name_of<Ts>())...}; }
  static std::vector<std::string> queries() { return {flow_name<Ts>()...}; }
};

// What `decide` or `handle` of a command comes to.
template <class H, class C, class Store> auto decision_of_handler() {
  if constexpr (can_decide<H, C>) {
    return std::type_identity<
        std::remove_cvref_t<decltype(std::declval<H const&>().decide(std::declval<C const&>()))>>();
  } else if constexpr (handles_plainly<H, C>) {
    return std::type_identity<decision_in<decltype(std::declval<H&>().handle(std::declval<C const&>()))>>();
  } else {
    return std::type_identity<decision_in<decltype(std::declval<H&>().handle(
        std::declval<C const&>(), std::declval<transaction_of<Store>&>()))>>();
  }
}

template <class H, class Store, class Commands> struct flow_of_commands;
template <class H, class Store, class... Cs> struct flow_of_commands<H, Store, command_set<Cs...>> {
  static void add(flow_graph& graph) {
    (graph.commands.push_back(
         {flow_name<Cs>(),
          flow_names<typename decltype(decision_of_handler<H, Cs, Store>())::type::event_list>::events()}),
     ...);
  }
};
template <class Store, class... Hs> struct flow_of_handlers {
  static void add(flow_graph& graph) {
    (flow_of_commands<Hs, Store, typename Hs::commands>::add(graph), ...);
  }
};
template <class... Ps> struct flow_of_projections {
  static void add(flow_graph& graph) {
    (graph.projections.push_back({std::string(Ps::name), flow_names<typename Ps::events>::events(),
                                  flow_names<queries_of<Ps>>::queries()}),
     ...);
  }
};
template <class... Hs> struct flow_of_query_handlers {
  static void add(flow_graph& graph) {
    auto const append = [&](std::vector<std::string> names) {
      graph.queries.insert(graph.queries.end(), names.begin(), names.end());
    };
    (append(flow_names<typename Hs::queries>::queries()), ...);
  }
};

// Parts that nothing flows through have none of these.
template <class Part, class Store> struct flow_of_part {
  static void add(flow_graph&) {}
};
template <class... Ds, class Store>
struct flow_of_part<deciders_part<Ds...>, Store> : flow_of_handlers<Store, Ds...> {};
template <class... Bs, class Store>
struct flow_of_part<boundaries_part<Bs...>, Store> : flow_of_handlers<Store, Bs...> {};
template <class... Hs, class Store>
struct flow_of_part<command_handlers_part<Hs...>, Store> : flow_of_handlers<Store, Hs...> {};
template <bool Inline, class... Ps, class Store>
struct flow_of_part<projections_part<Inline, Ps...>, Store> : flow_of_projections<Ps...> {};
template <class... Ps, class Store>
struct flow_of_part<partitioned_projections_part<Ps...>, Store> : flow_of_projections<Ps...> {};
template <class ReadStore, class... Ps, class Store>
struct flow_of_part<stored_projections_part<ReadStore, Ps...>, Store> : flow_of_projections<Ps...> {};
template <class ReadStore, class... Ps, class Store>
struct flow_of_part<partitioned_stored_projections_part<ReadStore, Ps...>, Store>
    : flow_of_projections<Ps...> {};
template <class ReadStore, class... Ps, class Store>
struct flow_of_part<inline_stored_projections_part<ReadStore, Ps...>, Store> : flow_of_projections<Ps...> {};
template <class ReadStore, class Live, class Next, class Store>
struct flow_of_part<rebuildable_projection_part<ReadStore, Live, Next>, Store> : flow_of_projections<Live> {};
template <class ReadStore, class Live, class Next, class Store>
struct flow_of_part<partitioned_rebuildable_projection_part<ReadStore, Live, Next>, Store>
    : flow_of_projections<Live> {};
template <class... Hs, class Store>
struct flow_of_part<query_handlers_part<Hs...>, Store> : flow_of_query_handlers<Hs...> {};

template <class Application> struct flow_of_application;
template <class Store, class... Parts> struct flow_of_application<application<Store, Parts...>> {
  static flow_graph graph() {
    flow_graph made;
    (flow_of_part<made_part<Parts>, Store>::add(made), ...);
    return made;
  }
};

} // namespace detail

// Application: the type of a cleave::application.
template <class Application> flow_graph flow_graph_of() {
  return detail::flow_of_application<Application>::graph();
}

} // namespace cleave
