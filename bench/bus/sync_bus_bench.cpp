// SPDX-License-Identifier: BSL-1.0
// What publishing one event to 1, 4 and 16 subscribers of this thread costs. Each subscriber adds a field of the event to a sum
// of its own. raw: for the static bus the inlined calls themselves, for the dynamic bus a loop over function pointers.
#include <cleave/event/event_bus.hpp>
#include <cleave/event/static_event_bus.hpp>

#include "../counted.hpp"

#include <benchmark/benchmark.h>

#if __has_include(<boost/signals2/signal.hpp>)
#include <boost/signals2/signal.hpp>
#endif
#if __has_include(<sigc++/sigc++.h>)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include <sigc++/sigc++.h>
#pragma GCC diagnostic pop
#endif

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace {

struct order_placed {
  std::uint64_t order = 0;
  std::uint64_t cents = 500;
};

// On a cache line of its own, so that no compiler adds two sums at once.
template <std::size_t> struct alignas(64) revenue {
  std::uint64_t cents = 0;
  void operator()(order_placed const& e) { cents += e.cents; }
};

// The loop around every case: a new event each time, and sums that must be in memory afterwards.
template <class Publish>
[[gnu::always_inline]] inline void publish_in_a_loop(benchmark::State& state, Publish publish) {
  std::uint64_t order = 0;
  for (auto _ : state) {
    ++order;
    benchmark::DoNotOptimize(order);
    order_placed e{.order = order, .cents = order * 500};
    publish(e);
    benchmark::ClobberMemory();
  }
}

template <std::size_t... I> auto subscribers(std::index_sequence<I...>) {
  return std::tuple<revenue<I>...>();
}

template <std::size_t N> void static_ours(benchmark::State& state) {
  auto sums = subscribers(std::make_index_sequence<N>());
  std::apply(
      [&](auto&... each) {
        cleave::static_event_bus bus{each...};
        publish_in_a_loop(state, [&](order_placed const& e) { bus.publish(e); });
      },
      sums);
  benchmark::DoNotOptimize(sums);
}

template <std::size_t N> void static_raw(benchmark::State& state) {
  auto sums = subscribers(std::make_index_sequence<N>());
  publish_in_a_loop(state,
                    [&](order_placed const& e) { std::apply([&](auto&... each) { (each(e), ...); }, sums); });
  benchmark::DoNotOptimize(sums);
}

// N subscribers of one kind, for what is put together at run time.
template <std::size_t N> using run_time_subscribers = std::array<revenue<0>, N>;

template <std::size_t N> void dynamic_ours(benchmark::State& state) {
  cleave::event_bus bus;
  std::array<cleave::subscription, N> subscriptions;
  for (auto& kept : subscriptions) kept = bus.subscribe<order_placed>(revenue<0>());
  publish_in_a_loop(state, [&](order_placed const& e) { bus.publish(e); });
}

template <std::size_t N> void dynamic_raw(benchmark::State& state) {
  struct callback {
    void (*call)(void*, order_placed const&);
    void* context;
  };
  run_time_subscribers<N> sums;
  std::vector<callback> callbacks;
  for (auto& sum : sums) {
    callbacks.push_back(
        {[](void* context, order_placed const& e) { (*static_cast<revenue<0>*>(context))(e); }, &sum});
  }
  benchmark::DoNotOptimize(callbacks); // as if others could reach it
  publish_in_a_loop(state, [&](order_placed const& e) {
    for (callback const& c : callbacks) c.call(c.context, e);
  });
  benchmark::DoNotOptimize(sums);
}

// The shape of EnTT's dispatcher: pools found by the type's hash in a map with closed addressing, each pool a vector of
// delegates that is walked from its end. No thread may subscribe or publish beside another one, and no exception is contained.
namespace entt_shape {

class pool_base {
public:
  virtual ~pool_base() = default;
};

template <class E> class pool : public pool_base {
public:
  using delegate = std::pair<void (*)(void const*, E&), void const*>;
  void connect(delegate d) { calls_.push_back(d); }
  void trigger(E& event) const {
    for (auto at = calls_.size(); at != 0; --at) calls_[at - 1].first(calls_[at - 1].second, event);
  }

private:
  std::vector<delegate> calls_;
};

constexpr std::uint32_t fnv1a(std::string_view text) {
  std::uint32_t hash = 2166136261U;
  for (char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash;
}

class dispatcher {
public:
  template <class E> pool<E>& assure() {
    constexpr std::uint32_t id = fnv1a(cleave::detail::type_text<E>);
    for (auto at = buckets_[id & (buckets_.size() - 1)]; at != none; at = nodes_[at].next) {
      if (nodes_[at].id == id) return static_cast<pool<E>&>(*nodes_[at].pool);
    }
    auto& bucket = buckets_[id & (buckets_.size() - 1)];
    nodes_.push_back({bucket, id, std::make_shared<pool<E>>()});
    bucket = nodes_.size() - 1;
    return static_cast<pool<E>&>(*nodes_.back().pool);
  }
  template <class E> void trigger(E&& event) { assure<std::decay_t<E>>().trigger(event); }

private:
  static constexpr std::size_t none = ~std::size_t{0};
  struct node {
    std::size_t next;
    std::uint32_t id;
    std::shared_ptr<pool_base> pool;
  };
  std::vector<std::size_t> buckets_ = std::vector<std::size_t>(8, none);
  std::vector<node> nodes_;
};

} // namespace entt_shape

template <std::size_t N> void dynamic_entt_shape(benchmark::State& state) {
  run_time_subscribers<N> sums;
  entt_shape::dispatcher dispatcher;
  for (auto& sum : sums) {
    dispatcher.assure<order_placed>().connect({[](void const* context, order_placed& e) {
                                                 (*static_cast<revenue<0>*>(const_cast<void*>(context)))(e);
                                               },
                                               &sum});
  }
  publish_in_a_loop(state, [&](order_placed& e) { dispatcher.trigger(e); });
  benchmark::DoNotOptimize(sums);
}

#if __has_include(<boost/signals2/signal.hpp>)
template <std::size_t N> void dynamic_signals2(benchmark::State& state) {
  run_time_subscribers<N> sums;
  boost::signals2::signal<void(order_placed const&)> signal;
  for (auto& sum : sums) signal.connect(std::ref(sum));
  publish_in_a_loop(state, [&](order_placed const& e) { signal(e); });
  benchmark::DoNotOptimize(sums);
}
#define CLEAVE_BENCH_SIGNALS2(N)                                                                             \
  BENCHMARK(dynamic_signals2<N>)->Name("bus/dynamic_" #N "/signals2")->Apply(bench::counted);
#else
#define CLEAVE_BENCH_SIGNALS2(N)
#endif

#if __has_include(<sigc++/sigc++.h>)
template <std::size_t N> void dynamic_sigcpp(benchmark::State& state) {
  run_time_subscribers<N> sums;
  sigc::signal<void, order_placed const&> signal;
  for (auto& sum : sums) signal.connect(sigc::mem_fun(sum, &revenue<0>::operator()));
  publish_in_a_loop(state, [&](order_placed const& e) { signal.emit(e); });
  benchmark::DoNotOptimize(sums);
}
#define CLEAVE_BENCH_SIGCPP(N)                                                                               \
  BENCHMARK(dynamic_sigcpp<N>)->Name("bus/dynamic_" #N "/sigc++")->Apply(bench::counted);
#else
#define CLEAVE_BENCH_SIGCPP(N)
#endif

#define CLEAVE_BENCH(N)                                                                                      \
  BENCHMARK(static_ours<N>)->Name("bus/static_" #N "/ours")->Apply(bench::counted);                          \
  BENCHMARK(static_raw<N>)->Name("bus/static_" #N "/raw")->Apply(bench::counted);                            \
  BENCHMARK(dynamic_ours<N>)->Name("bus/dynamic_" #N "/ours")->Apply(bench::counted);                        \
  BENCHMARK(dynamic_raw<N>)->Name("bus/dynamic_" #N "/raw")->Apply(bench::counted);                          \
  BENCHMARK(dynamic_entt_shape<N>)->Name("bus/dynamic_" #N "/entt_shape")->Apply(bench::counted);            \
  CLEAVE_BENCH_SIGNALS2(N)                                                                                   \
  CLEAVE_BENCH_SIGCPP(N)

CLEAVE_BENCH(1)
CLEAVE_BENCH(4)
CLEAVE_BENCH(16)

} // namespace
