// SPDX-License-Identifier: BSL-1.0
// The application: a store and the parts that were written for it, joined. It is the only place where commands and queries meet.
//
//   auto store = cleave::sqlite::event_store::open({.path = "bank.db"});
//   cleave::application bank{*store, cleave::deciders<account>, cleave::projections<balances>};
//   auto done = bank.execute(deposit{"alice", 500});
//   auto cents = bank.query(balance_of{"alice"}, cleave::at_least(done->position));
#pragma once

#include <cleave/application_parts.hpp>
#include <cleave/application_side.hpp>
#include <cleave/command/command_bus.hpp>
#include <cleave/query/query_bus.hpp>
#include <cleave/query/query_context.hpp>
#include <cleave/query/step_thread.hpp>

#include <deque>
#include <vector>

namespace cleave {

namespace detail {

template <class Part> using made_part = decltype(made(std::declval<Part const&>()));

template <class Runners> struct command_bus_of_type;
template <std::size_t... Is, class... Rs>
struct command_bus_of_type<numbered_pack<std::index_sequence<Is...>, Rs...>> {
  using type = command_bus<Rs...>;
};

template <class Projectors, class Inline, class Handlers> struct query_bus_of_type;
template <class PIs, class... Ps, class IIs, class... Is, class... Hs>
struct query_bus_of_type<host_slots<PIs, Ps...>, host_slots<IIs, Is...>, std::tuple<Hs...>> {
  using type = query_bus<Ps..., Is..., Hs...>;
};

template <class Projector> using projection_of = typename std::remove_reference_t<Projector>::projection_type;

template <class Part> application_options const* options_in(Part const& part) {
  if constexpr (std::is_same_v<Part, application_options>) return &part;
  else return nullptr;
}

} // namespace detail

// Store: an event_store. Parts, in any order, each kind as often as wanted: deciders<...>, command_handlers<...>, projections<...>,
// boundaries<...>, partitioned_projections<...>(workers), inline_projections<...>, stored_projections<...>(read_store),
// partitioned_stored_projections<...>(read_stores), rebuildable_projection<Live, Next>(read_store),
// partitioned_rebuildable_projection<Live, Next>(read_stores),
// inline_stored_projections<...>(read_store), query_handlers<...>, cached_queries<...>(cache),
// around_commands(...), around_queries(...), observed_by(observer), application_options{...} (the last one counts).
//
// The store, the read stores and the caches must outlive it. execute and query may be called from any thread at once. It does not move. The
// constructor brings inline projections up to the log's head, makes the tables of the stored ones, then starts a thread for each
// other projection; when the options say `threads = false`, step() does their work instead. The destructor ends
// waiting queries, then each projector's present batch.
template <event_store Store, class... Parts> class application {
  using projector_hosts =
      detail::hosts_of<decltype(detail::join_packs(std::declval<detail::made_part<Parts> const&>().projectors(
          std::declval<Store&>(), projector_options{})...))>;
  using inline_hosts = detail::hosts_of<decltype(detail::join_packs(
      std::declval<detail::made_part<Parts> const&>().inline_projectors(std::declval<Store&>(),
                                                                        projector_options{})...))>;
  using query_handler_list = decltype(std::tuple_cat(
      std::declval<detail::made_part<Parts> const&>().query_handlers()...));
  using queries_bus =
      typename detail::query_bus_of_type<projector_hosts, inline_hosts, query_handler_list>::type;
  using command_layer_chain = detail::chain_of<decltype(std::tuple_cat(
      std::declval<detail::made_part<Parts> const&>().command_layers()...))>;
  using query_layer_chain = detail::chain_of<decltype(std::tuple_cat(
      std::declval<detail::made_part<Parts> const&>().query_layers()...))>;
  using cache_list = decltype(std::tuple_cat(std::declval<detail::made_part<Parts> const&>().caches()...));
  using observer_list = decltype(std::tuple_cat(
      std::declval<detail::made_part<Parts> const&>().observers()...));
  using observer = typename detail::observer_of_type<observer_list>::type;
  using side = detail::application_side<Store, inline_hosts, observer>;
  using commands_bus = typename detail::command_bus_of_type<decltype(detail::join_packs(
      std::declval<detail::made_part<Parts> const&>().runners(std::declval<side&>())...))>::type;

public:
  explicit application(Store& store, Parts const&... parts)
      : options_(chosen(parts...)),
        store_(store),
        caches_(std::tuple_cat(detail::made(parts).caches()...)),
        projectors_(detail::join_packs(detail::made(parts).projectors(store, options_.projector)...)),
        inline_projectors_(
            detail::join_packs(detail::made(parts).inline_projectors(store, options_.projector)...)),
        query_handlers_(std::tuple_cat(detail::made(parts).query_handlers()...)),
        queries_(answered_by(projectors_, inline_projectors_, query_handlers_)),
        side_(store, inline_projectors_, bus_, options_.write,
              std::make_from_tuple<observer>(std::tuple_cat(detail::made(parts).observers()...))),
        commands_(detail::join_packs(detail::made(parts).runners(side_)...).apply([](auto&... runners) {
          return commands_bus(std::move(runners)...);
        })),
        command_layers_(std::make_from_tuple<command_layer_chain>(
            std::tuple_cat(detail::made(parts).command_layers()...))),
        query_layers_(
            std::make_from_tuple<query_layer_chain>(std::tuple_cat(detail::made(parts).query_layers()...))) {
    CLEAVE_ASSERT(options_.projector.batch >= 1 && options_.projector.attempts >= 1,
                  "projector_options::batch and attempts are at least 1");
    projectors_.for_each([&](auto& projector) { link_caches(projector); });
    inline_projectors_.for_each([&](auto& projector) { link_caches(projector); });
    inline_projectors_.for_each([](auto& projector) {
      while (projector.step() == step::worked) {
      }
    });
    projectors_.for_each([](auto& projector) {
      if constexpr (requires { projector.prepare(); }) projector.prepare();
    });
    projectors_.for_each([&](auto& projector) {
      detail::rebuild_watch* const watch = watch_of(projector);
      if (!options_.projector.threads) return;
      if constexpr (requires { projector.workers(); }) {
        for (auto& worker : projector.workers()) run(worker, watch);
      } else {
        run(projector, watch);
      }
    });
  }
  application(application const&) = delete;
  application& operator=(application const&) = delete;
  ~application() {
    auto const close = [](auto& projector) { projector.progress().close(); };
    projectors_.for_each(close);
    inline_projectors_.for_each(close);
  }

  // Executes one command. The result is the commit, the domain's rejection, or an error; a command with an id is executed once.
  template <class C>
  [[gnu::always_inline]] command_result execute(C const& command,
                                                command_context const& context = no_context) {
    if constexpr (command_layer_chain::size == 0) {
      return commands_.execute(command, context);
    } else {
      return command_layers_.run(command, context, [&](command_context const& reached) {
        return commands_.execute(command, reached);
      });
    }
  }

  // Asks one query. With at_least(position) the answer reflects everything up to there, or is errc::stale.
  template <cleave::query Q> result<typename Q::result_type> query(Q const& question, at_least wanted = {}) {
    return query(question, query_context{.wanted = wanted});
  }
  // The same, with what the middleware wants to know.
  template <cleave::query Q>
  result<typename Q::result_type> query(Q const& question, query_context const& context) {
    if constexpr (query_layer_chain::size == 0) {
      return ask(question, context.wanted);
    } else {
      return query_layers_.run(question, context,
                               [&](query_context const& reached) { return ask(question, reached.wanted); });
    }
  }

  // One bounded piece of work of each projection, for applications without threads. Idle when there was nothing to do.
  cleave::step step() {
    auto all = step::idle;
    projectors_.for_each([&](auto& projector) {
      auto const one = projector.step();
      if (one == step::worked || all == step::idle) all = one;
    });
    for (detail::rebuild_watch& watch : watches_) watch.look();
    return all;
  }

  // How far each projection is, and whether one has stopped. Reads an event of the log for each that is behind, and the number of
  // dead letters of each.
  std::vector<projection_status> projections() {
    std::vector<projection_status> all;
    auto const add = [&](auto& projector) {
      all.push_back(with_lag(projector.progress().status()));
      if constexpr (requires { projector.count_dead_letters(); })
        all.back().dead_letters = projector.count_dead_letters().value_or(0);
    };
    projectors_.for_each(add);
    inline_projectors_.for_each(add);
    return all;
  }

  // How far the projection is that answers Q.
  template <class Q> projection_progress& progress_of() noexcept {
    projection_progress* found = nullptr;
    auto const look = [&]<class Projector>(Projector& projector) {
      if constexpr (Projector::queries::template contains<Q>) found = &projector.progress();
    };
    projectors_.for_each(look);
    inline_projectors_.for_each(look);
    CLEAVE_ASSERT(found != nullptr, "no projection of this application answers the query");
    return *found;
  }
  // Whether threads step the projections.
  bool has_threads() const noexcept { return options_.projector.threads; }

  // The projector of the projection P, for its dead letters: dead_letters, retry, discard.
  template <class P> decltype(auto) projector() noexcept { return found<P>(projectors_, inline_projectors_); }

  // Who subscribes here hears of each event that this application commits, right behind the commit, on the thread that executed the
  // command, before execute returns; the events of one command in the order of the log. Of two commands at once the later may be
  // heard of first, and nobody is told again what was missed: for anything that has to be complete, write a projection.
  event_bus& events() noexcept { return bus_; }
  Store& store() noexcept { return store_; }

private:
  template <class Q> result<typename Q::result_type> ask(Q const& question, at_least wanted) {
    constexpr auto cache = cache_of<Q>(std::make_index_sequence<std::tuple_size_v<cache_list>>());
    if constexpr (cache < std::tuple_size_v<cache_list>)
      return queries_.ask_cached(question, wanted, *std::get<cache>(caches_).cache);
    else return queries_.ask(question, wanted);
  }

  static queries_bus answered_by(projector_hosts& projectors, inline_hosts& inline_projectors,
                                 query_handler_list& handlers) {
    return projectors.apply([&](auto&... ps) {
      return inline_projectors.apply([&](auto&... is) {
        return std::apply([&](auto&... hs) { return queries_bus(ps..., is..., hs...); }, handlers);
      });
    });
  }

  static application_options chosen(Parts const&... parts) {
    application_options options;
    auto const take = [&](application_options const* given) {
      if (given != nullptr) options = *given;
    };
    (take(detail::options_in(parts)), ...);
    return options;
  }

  projection_status with_lag(projection_status status) {
    auto const head = store_.head();
    if (!head || *head <= status.checkpoint) return status;
    status.behind_events = head->value() - status.checkpoint.value();
    // What cannot be read now does not make the rest of the status useless.
    static_cast<void>(
        store_.read_all({.after = status.checkpoint, .limit = 1}, [&](recorded_event const& first) {
          auto const age = options_.write.clock.now().microseconds() - first.at.recorded_at.microseconds();
          status.behind_us = age > 0 ? age : 0;
          return false;
        }));
    return status;
  }

  template <class P, class... Hosts> static decltype(auto) found(Hosts&... hosts) {
    auto const all = std::tuple_cat(hosts.apply([](auto&... each) { return std::tie(each...); })...);
    using list = boost::mp11::mp_transform<
        detail::projection_of,
        boost::mp11::mp_rename<std::remove_const_t<decltype(all)>, boost::mp11::mp_list>>;
    static_assert(boost::mp11::mp_contains<list, P>::value,
                  "cleave: no part of this application has the projection that is asked for");
    if constexpr (boost::mp11::mp_contains<list, P>::value)
      return std::get<boost::mp11::mp_find<list, P>::value>(all);
  }

  // The index of the cache that keeps the answers to Q; one behind the last when there is none.
  template <class Q, std::size_t... Is> static consteval std::size_t cache_of(std::index_sequence<Is...>) {
    constexpr bool keeps[] = {std::tuple_element_t<Is, cache_list>::template keeps<Q>..., true};
    std::size_t index = 0;
    while (!keeps[index]) ++index;
    return index;
  }
  // nullptr where nobody wants to hear of it.
  template <class Projector> detail::rebuild_watch* watch_of([[maybe_unused]] Projector& projector) {
    if constexpr (detail::observes_rebuilding<observer> && detail::tells_of_rebuilds<Projector>) {
      return &watches_.emplace_back(detail::projection_stem(Projector::projection_type::name), projector,
                                    side_.observer(), options_.projector.clock);
    } else {
      return nullptr;
    }
  }
  template <class Machine> void run(Machine& machine, [[maybe_unused]] detail::rebuild_watch* watch) {
    auto const start = [&](auto& stepped) {
      threads_.emplace_back(stepped, store_.commits(), options_.projector.poll_us);
    };
    if constexpr (detail::observes_rebuilding<observer>) {
      if (watch != nullptr) return start(watched_.emplace_back(machine, *watch));
    }
    start(machine);
  }
  template <class Projector> void link_caches([[maybe_unused]] Projector& projector) {
    auto const link = [&]<class Use>(Use const& use) {
      if constexpr (Use::template follows<Projector>)
        projector.progress().add_cache(links_.emplace_back(use.link()));
    };
    std::apply([&](auto const&... uses) { (link(uses), ...); }, caches_);
  }

  application_options options_;
  Store& store_;
  cache_list caches_;
  std::deque<detail::cache_link> links_;
  projector_hosts projectors_;
  inline_hosts inline_projectors_;
  query_handler_list query_handlers_;
  queries_bus queries_;
  event_bus bus_;
  side side_;
  commands_bus commands_;
  command_layer_chain command_layers_;
  query_layer_chain query_layers_;
  std::deque<detail::rebuild_watch> watches_;
  std::deque<detail::watched_machine> watched_;
  std::deque<step_thread> threads_; // last: they end before what they step
};

template <class Store, class... Parts> application(Store&, Parts const&...) -> application<Store, Parts...>;

} // namespace cleave
