// SPDX-License-Identifier: BSL-1.0
// The parts that an application is put together from. Each names types; what has state of its own may be given as an object:
// cleave::projections<prices>(prices{settings}).
#pragma once

#include <cleave/base/pack.hpp>
#include <cleave/command/boundary_runner.hpp>
#include <cleave/command/decider_runner.hpp>
#include <cleave/command/handler_runner.hpp>
#include <cleave/middleware/chain.hpp>
#include <cleave/middleware/observer.hpp>
#include <cleave/query/inline_stored_projector.hpp>
#include <cleave/query/memory_projector.hpp>
#include <cleave/query/partitioned_projector.hpp>
#include <cleave/query/partitioned_rebuildable_projector.hpp>
#include <cleave/query/partitioned_stored_projector.hpp>
#include <cleave/query/query_cache.hpp>
#include <cleave/query/query_handler.hpp>
#include <cleave/query/rebuild_watch.hpp>
#include <cleave/query/rebuildable_projector.hpp>
#include <cleave/query/stored_projector.hpp>

#include <cstddef>
#include <functional>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>

namespace cleave {

struct application_options {
  write_options write{};
  projector_options projector{};
};

namespace detail {

// What a part may contribute; each part replaces what it has.
struct part_base {
  template <class Side> pack<> runners(Side&) const { return {}; }
  template <class Store> pack<> projectors(Store&, projector_options const&) const { return {}; }
  template <class Store> pack<> inline_projectors(Store&, projector_options const&) const { return {}; }
  std::tuple<> query_handlers() const { return {}; }
  std::tuple<> command_layers() const { return {}; }
  std::tuple<> query_layers() const { return {}; }
  std::tuple<> caches() const { return {}; }
  std::tuple<> observers() const { return {}; }
};

// Projectors neither copy nor move; a factory makes each in its place.
template <class P, class Store> struct memory_projector_factory {
  Store* log;
  P empty;
  projector_options options;
  bool in_commit;
  memory_projector<P, Store> operator()() const {
    return memory_projector<P, Store>(*log, empty, options, in_commit);
  }
};
template <class Projector, class P, class Store, class ReadStore> struct stored_projector_factory {
  Store* log;
  ReadStore* rows;
  projector_options options;
  Projector operator()() const { return Projector(*log, *rows, P{}, options); }
};

template <class P, class Store> struct partitioned_projector_factory {
  Store* log;
  projector_options options;
  std::size_t workers;
  partitioned_projector<P, Store> operator()() const {
    return partitioned_projector<P, Store>(*log, P{}, options, workers);
  }
};
template <class P, class Store, class ReadStore> struct partitioned_stored_projector_factory {
  Store* log;
  std::span<ReadStore> rows;
  projector_options options;
  partitioned_stored_projector<P, Store, ReadStore> operator()() const {
    return partitioned_stored_projector<P, Store, ReadStore>(*log, rows, P{}, options);
  }
};
// Rows: a reference to a read store, or a span of them.
template <class Projector, class Store, class Rows> struct rebuildable_projector_factory {
  Store* log;
  Rows rows;
  projector_options options;
  rebuild_options rebuild;
  Projector operator()() const { return Projector(*log, rows, options, rebuild); }
};

template <class... Ds> struct deciders_part : part_base {
  template <class Side> auto runners(Side& side) const {
    return make_pack(decider_runner<Ds, Side>(side)...);
  }
};

template <class... Bs> struct boundaries_part : part_base {
  template <class Side> auto runners(Side& side) const {
    return make_pack(boundary_runner<Bs, Side>(side)...);
  }
};

template <class... Hs> struct command_handlers_part : part_base {
  std::tuple<Hs...> handlers;
  explicit command_handlers_part(Hs... given) : handlers(std::move(given)...) {}
  template <class Side> auto runners(Side& side) const {
    return std::apply([&](Hs const&... each) { return make_pack(handler_runner<Hs, Side>(side, each)...); },
                      handlers);
  }
};

template <class... Hs> struct query_handlers_part : part_base {
  std::tuple<Hs...> handlers;
  explicit query_handlers_part(Hs... given) : handlers(std::move(given)...) {}
  std::tuple<query_handler_runner<Hs>...> query_handlers() const {
    return std::apply([](Hs const&... each) { return std::tuple(query_handler_runner<Hs>(each)...); },
                      handlers);
  }
};

template <class... Layers> struct command_layers_part : part_base {
  std::tuple<Layers...> layers;
  explicit command_layers_part(Layers... given) : layers(std::move(given)...) {}
  std::tuple<Layers...> command_layers() const { return layers; }
};

template <class... Layers> struct query_layers_part : part_base {
  std::tuple<Layers...> layers;
  explicit query_layers_part(Layers... given) : layers(std::move(given)...) {}
  std::tuple<Layers...> query_layers() const { return layers; }
};

template <class Layers> struct chain_of_type;
template <class... Layers> struct chain_of_type<std::tuple<Layers...>> {
  using type = middleware_chain<Layers...>;
};
template <class Layers> using chain_of = typename chain_of_type<Layers>::type;

// A cache, and the queries that it is to keep the answers of.
template <class Cache, class... Qs> struct cache_use {
  Cache* cache;
  template <class Q> static constexpr bool keeps = query_set<Qs...>::template contains<Q>;
  template <class Projector> static constexpr bool follows = (Projector::queries::template contains<Qs> ||
                                                              ...);

  cache_link link() const noexcept {
    return {
        .cache = cache,
        .touch = [](void* c, cache_key key, position at) noexcept { static_cast<Cache*>(c)->touch(key, at); },
        .rewritten = [](void* c) noexcept { static_cast<Cache*>(c)->rewritten(); }};
  }
};
template <class Cache, class... Qs> struct cached_queries_part : part_base {
  cache_use<Cache, Qs...> use;
  explicit cached_queries_part(Cache& cache) : use{&cache} {}
  std::tuple<cache_use<Cache, Qs...>> caches() const { return {use}; }
};

template <bool Inline, class... Ps> struct projections_part : part_base {
  pack<Ps...> empty;
  explicit projections_part(Ps... given) : empty{{std::move(given)}...} {}
  template <class Store> auto projectors(Store& log, projector_options const& options) const {
    if constexpr (Inline) return pack<>{};
    else return factories(log, options);
  }
  template <class Store> auto inline_projectors(Store& log, projector_options const& options) const {
    if constexpr (Inline) {
      static_assert(
          Store::keeps_objects,
          "cleave: an inline projection in memory needs a store in memory: what a durable store could "
          "still refuse must not be in the model yet; use projections<...>");
      return factories(log, options);
    } else {
      return pack<>{};
    }
  }

private:
  template <class Store> auto factories(Store& log, projector_options const& options) const {
    return empty.apply([&](Ps const&... each) {
      return make_pack(memory_projector_factory<Ps, Store>{&log, each, options, Inline}...);
    });
  }
};

template <class... Ps> struct partitioned_projections_part : part_base {
  std::size_t workers;
  explicit partitioned_projections_part(std::size_t count) : workers(count) {}
  template <class Store> auto projectors(Store& log, projector_options const& options) const {
    return make_pack(partitioned_projector_factory<Ps, Store>{&log, options, workers}...);
  }
};

template <class ReadStore, class... Ps> struct stored_projections_part : part_base {
  ReadStore* rows;
  explicit stored_projections_part(ReadStore& store) : rows(&store) {}
  template <class Store> auto projectors(Store& log, projector_options const& options) const {
    return make_pack(stored_projector_factory<stored_projector<Ps, Store, ReadStore>, Ps, Store, ReadStore>{
        &log, rows, options}...);
  }
};

template <class ReadStore, class... Ps> struct partitioned_stored_projections_part : part_base {
  std::span<ReadStore> rows;
  explicit partitioned_stored_projections_part(std::span<ReadStore> stores) : rows(stores) {}
  template <class Store> auto projectors(Store& log, projector_options const& options) const {
    return make_pack(partitioned_stored_projector_factory<Ps, Store, ReadStore>{&log, rows, options}...);
  }
};

template <class ReadStore, class Live, class Next> struct rebuildable_projection_part : part_base {
  ReadStore* rows;
  rebuild_options rebuild;
  rebuildable_projection_part(ReadStore& store, rebuild_options const& chosen)
      : rows(&store), rebuild(chosen) {}
  template <class Store> auto projectors(Store& log, projector_options const& options) const {
    using projector = rebuildable_projector<Live, Next, Store, ReadStore>;
    return make_pack(rebuildable_projector_factory<projector, Store, std::reference_wrapper<ReadStore>>{
        &log, *rows, options, rebuild});
  }
};

template <class ReadStore, class Live, class Next> struct partitioned_rebuildable_projection_part
    : part_base {
  std::span<ReadStore> rows;
  rebuild_options rebuild;
  partitioned_rebuildable_projection_part(std::span<ReadStore> stores, rebuild_options const& chosen)
      : rows(stores), rebuild(chosen) {}
  template <class Store> auto projectors(Store& log, projector_options const& options) const {
    using projector = partitioned_rebuildable_projector<Live, Next, Store, ReadStore>;
    return make_pack(
        rebuildable_projector_factory<projector, Store, std::span<ReadStore>>{&log, rows, options, rebuild});
  }
};

template <class ReadStore, class... Ps> struct inline_stored_projections_part : part_base {
  ReadStore* rows;
  explicit inline_stored_projections_part(ReadStore& store) : rows(&store) {}
  template <class Store> auto inline_projectors(Store& log, projector_options const& options) const {
    static_assert(
        requires { typename Store::transaction; },
        "cleave: an inline stored projection needs a store with transactions; use stored_projections<...>");
    return make_pack(
        stored_projector_factory<inline_stored_projector<Ps, Store, ReadStore>, Ps, Store, ReadStore>{
            &log, rows, options}...);
  }
};

// The name of a part: itself a part with default-constructed members; called with objects, a part with those.
template <template <class...> class Part, class... Ts> struct part_name : part_base {
  auto made() const { return Part<Ts...>(Ts{}...); }
  template <class... Given> auto operator()(Given&&... given) const {
    return Part<Ts...>(std::forward<Given>(given)...);
  }
};
template <class... Ps> using plain_projections_part = projections_part<false, Ps...>;
template <class... Ps> using inline_projections_part = projections_part<true, Ps...>;

template <class Part> auto made(Part const& part) {
  if constexpr (requires { part.made(); }) return part.made();
  else return part;
}

template <class Observer> struct observer_part : part_base {
  using link = observer_link<Observer>;
  link observer;
  static_assert(
      observes_handling<link> || observes_storing<link> || observes_rebuilding<link>,
      "cleave: an observer has a function for what it wants to hear of: add `void on(cleave::handled const&)`, `void "
      "on(cleave::written const&)` or `void on(cleave::rebuild_progress const&)`");
  explicit observer_part(Observer& told) : observer{&told} {}
  auto layers() const {
    if constexpr (observes_handling<link>) return std::tuple(logging<link>{observer});
    else return std::tuple<>();
  }
  auto command_layers() const { return layers(); }
  auto query_layers() const { return layers(); }
  std::tuple<link> observers() const { return {observer}; }
};
// Of one observer, or of none.
template <class Observers> struct observer_of_type {
  static_assert(std::tuple_size_v<Observers> <= 1,
                "cleave: an application has one observer; it can hand on to others");
  using type = std::tuple_element_t<0, Observers>;
};
template <> struct observer_of_type<std::tuple<>> {
  using type = unobserved;
};

struct options_part : part_base {
  application_options options;
};
inline options_part made(application_options const& options) { return options_part{{}, options}; }

// Things that stay where they were made, found by index.
template <class Indices, class... Hosts> class host_slots;
template <std::size_t I, class Host> struct host_slot {
  Host host;
};
template <std::size_t... Is, class... Hosts>
class host_slots<std::index_sequence<Is...>, Hosts...> : host_slot<Is, Hosts>... {
public:
  template <class... Factories>
  explicit host_slots(pack<Factories...> const& factories)
      : host_slot<Is, Hosts>{slot_of<Is, Factories>(factories)()}... {}
  host_slots(host_slots const&) = delete;
  host_slots& operator=(host_slots const&) = delete;

  static constexpr std::size_t size = sizeof...(Hosts);
  template <class F> decltype(auto) apply(F&& f) {
    return f(static_cast<host_slot<Is, Hosts>&>(*this).host...);
  }
  template <class F> void for_each(F&& f) { (f(static_cast<host_slot<Is, Hosts>&>(*this).host), ...); }
};
template <class Factories> struct hosts_of_type;
template <std::size_t... Is,
          class... Fs> struct hosts_of_type<numbered_pack<std::index_sequence<Is...>, Fs...>> {
  using type = host_slots<std::index_sequence_for<Fs...>, std::invoke_result_t<Fs const&>...>;
};
template <class Factories> using hosts_of = typename hosts_of_type<Factories>::type;

} // namespace detail

// Deciders: event-sourced command handling.
template <class... Ds> inline constexpr detail::deciders_part<Ds...> deciders{};
// Boundaries: deciders for rules that span more than one stream.
template <class... Bs> inline constexpr detail::boundaries_part<Bs...> boundaries{};
// Command handlers that are no deciders, also those that work on tables of the application in the write transaction.
template <class... Hs> inline constexpr detail::part_name<detail::command_handlers_part, Hs...>
    command_handlers{};
// Read models in memory, fed from the log behind the commit; built from its beginning at every start.
template <class... Ps> inline constexpr detail::part_name<detail::plain_projections_part, Ps...>
    projections{};
// Read models in memory that so many workers fill at once, each for its part of the keys (query/partitioned_projector.hpp).
template <class... Ps> auto partitioned_projections(std::size_t workers) {
  return detail::partitioned_projections_part<Ps...>(workers);
}
// Read models in memory that are part of the commit: a query right after a command sees it. For stores in memory.
template <class... Ps> inline constexpr detail::part_name<detail::inline_projections_part, Ps...>
    inline_projections{};
// Objects that answer queries from elsewhere.
template <class... Hs> inline constexpr detail::part_name<detail::query_handlers_part, Hs...>
    query_handlers{};
// Middleware around every command: the first one named is the outermost (middleware/chain.hpp).
template <class... Layers> auto around_commands(Layers... layers) {
  return detail::command_layers_part<Layers...>(std::move(layers)...);
}
// Middleware around every query.
template <class... Layers> auto around_queries(Layers... layers) {
  return detail::query_layers_part<Layers...>(std::move(layers)...);
}
// Who hears of commands, queries and appends (middleware/observer.hpp). It must outlive the application.
template <class Observer> auto observed_by(Observer& observer) {
  return detail::observer_part<Observer>(observer);
}
// Queries whose answers are kept in a query_cache until something has changed that they depend on (query/query_cache.hpp).
template <class... Qs, query_cache Cache> auto cached_queries(Cache& cache) {
  static_assert((detail::checked_cached_query<Qs>::value && ...));
  return detail::cached_queries_part<Cache, Qs...>(cache);
}
// Read models in a read store, fed from the log; rows and checkpoint in one transaction. The store must outlive the application.
template <class... Ps, read_store ReadStore> auto stored_projections(ReadStore& rows) {
  return detail::stored_projections_part<ReadStore, Ps...>(rows);
}

// The same, divided by key among several read stores, each filled by a worker of its own (query/partitioned_stored_projector.hpp).
// stores: contiguous, 1 to 64, in the same order for ever.
template <class... Ps, class Stores> auto partitioned_stored_projections(Stores& stores) {
  std::span const rows(stores);
  return detail::partitioned_stored_projections_part<typename decltype(rows)::element_type, Ps...>(rows);
}

// A read model in a read store of which a next version can be built beside the live one, and take its place, while queries go on:
// application::projector<Live>() does it (query/rebuildable_projector.hpp).
template <class Live, class Next, read_store ReadStore>
auto rebuildable_projection(ReadStore& rows, rebuild_options const& rebuild = {}) {
  return detail::rebuildable_projection_part<ReadStore, Live, Next>(rows, rebuild);
}

// The same, divided by key among several read stores, so that the next version is built by as many workers at once
// (query/partitioned_rebuildable_projector.hpp). stores: contiguous, 1 to 64, in the same order for ever.
template <class Live, class Next, class Stores>
auto partitioned_rebuildable_projection(Stores& stores, rebuild_options const& rebuild = {}) {
  std::span const rows(stores);
  return detail::partitioned_rebuildable_projection_part<typename decltype(rows)::element_type, Live, Next>(
      rows, rebuild);
}

// Read models in a read store that are part of the commit: a query right after a command sees it, and a projection that fails
// fails the command. The read store must have its tables in the log's own file.
template <class... Ps, read_store ReadStore> auto inline_stored_projections(ReadStore& rows) {
  return detail::inline_stored_projections_part<ReadStore, Ps...>(rows);
}

} // namespace cleave
