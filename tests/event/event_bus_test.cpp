// SPDX-License-Identifier: BSL-1.0
#include <cleave/event/event_bus.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using cleave::envelope;
using cleave::event_bus;
using cleave::handler_failure;
using cleave::subscription;

namespace {

struct order_placed {
  int number = 0;
};
struct order_shipped {
  int number = 0;
};

template <class Condition> void yield_until(Condition condition) {
  while (!condition()) std::this_thread::yield();
}

} // namespace

TEST_CASE("an event reaches every subscriber of its type, in the order of subscription, and no other") {
  event_bus bus;
  std::vector<std::string> heard;
  auto const a = bus.subscribe<order_placed>(
      [&](order_placed const& e) { heard.push_back("a" + std::to_string(e.number)); });
  auto const b = bus.subscribe<order_placed>(
      [&](order_placed const& e) { heard.push_back("b" + std::to_string(e.number)); });
  auto const c = bus.subscribe<order_shipped>([&](order_shipped const&) { heard.push_back("c"); });
  REQUIRE(bus.publish(order_placed{7}) == 0);
  REQUIRE(heard == std::vector<std::string>{"a7", "b7"});
  REQUIRE(bus.publish(order_shipped{}) == 0);
  REQUIRE(heard == std::vector<std::string>{"a7", "b7", "c"});
}

TEST_CASE("an event that nobody subscribed to goes nowhere, on a bus with and without subscribers") {
  struct never_heard {};
  event_bus bus;
  REQUIRE(bus.publish(never_heard{}) == 0);
  auto const other = bus.subscribe<order_placed>([](order_placed const&) {});
  REQUIRE(bus.publish(never_heard{}) == 0);
}

TEST_CASE("a handler that wants the envelope gets it, or an empty one") {
  event_bus bus;
  std::vector<std::uint64_t> positions;
  auto const a = bus.subscribe<order_placed>(
      [&](order_placed const&, envelope const& at) { positions.push_back(at.position.value()); });
  envelope at;
  at.position = cleave::position(42);
  bus.publish(order_placed{}, at);
  bus.publish(order_placed{});
  REQUIRE(positions == std::vector<std::uint64_t>{42, 0});
}

TEST_CASE("two buses do not hear each other") {
  event_bus one;
  event_bus two;
  int heard = 0;
  auto const a = one.subscribe<order_placed>([&](order_placed const&) { ++heard; });
  two.publish(order_placed{});
  REQUIRE(heard == 0);
  one.publish(order_placed{});
  REQUIRE(heard == 1);
}

TEST_CASE("a subscription ends with its handle, moves with it, and may outlive the bus") {
  int heard = 0;
  subscription kept;
  auto const alive = std::make_shared<int>();
  {
    event_bus bus;
    {
      auto made = bus.subscribe<order_placed>([&, alive](order_placed const&) { ++heard; });
      bus.publish(order_placed{});
      REQUIRE(heard == 1);
      kept = std::move(made);
      REQUIRE_FALSE(made);
    }
    bus.publish(order_placed{});
    REQUIRE(heard == 2);
    kept.reset();
    REQUIRE(alive.use_count() == 1);
    bus.publish(order_placed{});
    REQUIRE(heard == 2);
    kept = bus.subscribe<order_placed>([&, alive](order_placed const&) { ++heard; });
    REQUIRE(alive.use_count() == 2);
  }
  REQUIRE(alive.use_count() == 1);
  REQUIRE(kept);
  kept.reset();
  REQUIRE(heard == 2);
}

TEST_CASE("handlers are moved, not copied") {
  event_bus bus;
  int heard = 0;
  auto owned = std::make_unique<int>(5);
  auto const a = bus.subscribe<order_placed>(
      [&, owned = std::move(owned)](order_placed const&) { heard += *owned; });
  bus.publish(order_placed{});
  REQUIRE(heard == 5);
}

namespace {

template <int> struct numbered {};

template <int... I>
void subscribe_to_many(event_bus& bus, std::vector<int>& heard, std::vector<subscription>& kept,
                       std::integer_sequence<int, I...>) {
  (kept.push_back(bus.subscribe<numbered<I>>([&heard](numbered<I> const&) { heard.push_back(I); })), ...);
}
template <int... I> void publish_many(event_bus& bus, std::integer_sequence<int, I...>) {
  (bus.publish(numbered<I>{}), ...);
}

} // namespace

TEST_CASE("a bus that is older than an event type carries that type too") {
  event_bus old_bus;
  event_bus new_bus;
  std::vector<int> heard_old;
  std::vector<int> heard_new;
  std::vector<subscription> kept;
  auto const all = std::make_integer_sequence<int, 100>();
  subscribe_to_many(new_bus, heard_new, kept, all);
  publish_many(old_bus, all);
  REQUIRE(heard_old.empty());
  subscribe_to_many(old_bus, heard_old, kept, all);
  publish_many(old_bus, all);
  publish_many(new_bus, all);
  std::vector<int> expected;
  for (int i = 0; i < 100; ++i) expected.push_back(i);
  REQUIRE(heard_old == expected);
  REQUIRE(heard_new == expected);
}

TEST_CASE("a handler that throws does not keep the event from the others, and its failure is told") {
  event_bus bus;
  std::vector<std::string> told;
  std::string heard;
  auto const failures = bus.subscribe<handler_failure>([&](handler_failure const& f) {
    REQUIRE(f.reason.code() == cleave::errc::handler_failed);
    told.push_back(f.reason.text());
  });
  auto const a = bus.subscribe<order_placed>([&](order_placed const&) { heard += 'a'; });
  auto const b = bus.subscribe<order_placed>(
      [&](order_placed const&) { throw std::runtime_error("no stock"); });
  auto const c = bus.subscribe<order_placed>([&](order_placed const&) { heard += 'c'; });
  auto const d = bus.subscribe<order_placed>([&](order_placed const&) { throw 5; });
  REQUIRE(bus.publish(order_placed{}) == 2);
  REQUIRE(heard == "ac");
  REQUIRE(told.size() == 2);
  REQUIRE(told[0].find("order_placed threw: no stock") != std::string::npos);
  REQUIRE(told[1].find("order_placed") != std::string::npos);
}

TEST_CASE("what a handler of failures throws is counted and goes no further") {
  event_bus bus;
  int told = 0;
  auto const failures = bus.subscribe<handler_failure>([&](handler_failure const&) {
    ++told;
    throw std::runtime_error("log full");
  });
  auto const a = bus.subscribe<order_placed>(
      [&](order_placed const&) { throw std::runtime_error("no stock"); });
  REQUIRE(bus.publish(order_placed{}) == 1);
  REQUIRE(told == 1);
  REQUIRE(bus.publish(order_placed{}) == 1);
  REQUIRE(told == 2);
}

TEST_CASE("a handler may end its own subscription, and is destroyed when its publish is done") {
  event_bus bus;
  int heard = 0;
  auto alive = std::make_shared<int>();
  std::weak_ptr<int> const watch = alive;
  subscription once;
  bool alive_after_reset = false;
  once = bus.subscribe<order_placed>([&, alive = std::move(alive)](order_placed const&) {
    once.reset();
    alive_after_reset = !watch.expired();
    ++heard;
  });
  auto const behind = bus.subscribe<order_placed>([&](order_placed const&) { ++heard; });
  bus.publish(order_placed{});
  REQUIRE(heard == 2);
  REQUIRE(alive_after_reset);
  REQUIRE(watch.expired());
  bus.publish(order_placed{});
  REQUIRE(heard == 3);
}

TEST_CASE("the only handler of its type may end its own subscription") {
  event_bus bus;
  auto alive = std::make_shared<int>();
  std::weak_ptr<int> const watch = alive;
  subscription once = bus.subscribe<order_placed>(
      [&, alive = std::move(alive)](order_placed const&) { once.reset(); });
  bus.publish(order_placed{});
  REQUIRE(watch.expired());
  REQUIRE(bus.publish(order_placed{}) == 0);
}

TEST_CASE(
    "a handler that ends its subscription in a publish inside itself lives until the outermost one is done") {
  event_bus bus;
  auto alive = std::make_shared<int>();
  std::weak_ptr<int> const watch = alive;
  subscription sub;
  std::vector<std::string> seen;
  sub = bus.subscribe<order_placed>([&, alive = std::move(alive)](order_placed const& e) {
    if (e.number > 0) bus.publish(order_placed{e.number - 1});
    else sub.reset();
    seen.push_back(std::to_string(e.number) + (watch.expired() ? " dead" : " alive"));
  });
  bus.publish(order_placed{2});
  REQUIRE(seen == std::vector<std::string>{"0 alive", "1 alive", "2 alive"});
  REQUIRE(watch.expired());
}

TEST_CASE("a handler may end another one's subscription: later in the same publish that one is not called") {
  event_bus bus;
  std::string heard;
  subscription second;
  auto const first = bus.subscribe<order_placed>([&](order_placed const&) {
    heard += '1';
    second.reset();
  });
  second = bus.subscribe<order_placed>([&](order_placed const&) { heard += '2'; });
  auto const third = bus.subscribe<order_placed>([&](order_placed const&) { heard += '3'; });
  bus.publish(order_placed{});
  REQUIRE(heard == "13");
}

TEST_CASE("a handler may subscribe: the new one hears the next event, not the present one") {
  event_bus bus;
  std::string heard;
  std::vector<subscription> added;
  auto const first = bus.subscribe<order_placed>([&](order_placed const&) {
    heard += '1';
    if (added.empty())
      added.push_back(bus.subscribe<order_placed>([&](order_placed const&) { heard += '2'; }));
  });
  bus.publish(order_placed{});
  REQUIRE(heard == "1");
  bus.publish(order_placed{});
  REQUIRE(heard == "112");
}

TEST_CASE("a handler may subscribe to so many new types that every table grows under its publish") {
  event_bus bus;
  std::vector<int> heard;
  std::vector<subscription> kept;
  int after = 0;
  auto const first = bus.subscribe<order_placed>([&](order_placed const&) {
    if (kept.empty()) subscribe_to_many(bus, heard, kept, std::make_integer_sequence<int, 200>());
  });
  auto const second = bus.subscribe<order_placed>([&](order_placed const&) { ++after; });
  bus.publish(order_placed{});
  bus.publish(order_placed{});
  REQUIRE(after == 2);
  publish_many(bus, std::make_integer_sequence<int, 200>());
  REQUIRE(heard.size() == 200);
}

TEST_CASE("a handler may publish, also on another bus and also its own event") {
  event_bus bus;
  event_bus other;
  std::vector<int> heard;
  auto const a = bus.subscribe<order_placed>([&](order_placed const& e) {
    heard.push_back(e.number);
    if (e.number < 3) bus.publish(order_placed{e.number + 1});
    other.publish(order_shipped{e.number});
  });
  auto const b = other.subscribe<order_shipped>(
      [&](order_shipped const& e) { heard.push_back(100 + e.number); });
  bus.publish(order_placed{1});
  REQUIRE(heard == std::vector<int>{1, 2, 3, 103, 102, 101});
}

TEST_CASE("publishes that nest too deep are refused, counted and told") {
  event_bus bus;
  int depth = 0;
  std::size_t refused = 0;
  std::vector<std::string> told;
  auto const failures = bus.subscribe<handler_failure>([&](handler_failure const& f) {
    REQUIRE(f.reason.code() == cleave::errc::limit_exceeded);
    told.push_back(f.reason.text());
  });
  auto const a = bus.subscribe<order_placed>([&](order_placed const&) {
    ++depth;
    refused += bus.publish(order_placed{});
  });
  REQUIRE(bus.publish(order_placed{}) == 0);
  REQUIRE(depth == event_bus::nesting_max);
  REQUIRE(refused == 1);
  REQUIRE(told.size() == 1);
  REQUIRE(told[0].find("65 deep") != std::string::npos);
  // and afterwards all is as before
  depth = 0;
  bus.publish(order_placed{});
  REQUIRE(depth == event_bus::nesting_max);
}

TEST_CASE("a handler's destruction may end another subscription and publish") {
  event_bus bus;
  int heard = 0;
  struct last_words {
    event_bus* bus;
    subscription other{};
    ~last_words() {
      other.reset();
      bus->publish(order_shipped{});
    }
  };
  auto const shipped = bus.subscribe<order_shipped>([&](order_shipped const&) { ++heard; });
  std::unique_ptr<last_words> words(new last_words{&bus});
  words->other = bus.subscribe<order_placed>([&](order_placed const&) { heard += 100; });
  heard = 0;
  auto sub = bus.subscribe<order_placed>([words = std::move(words)](order_placed const&) {});
  sub.reset();
  REQUIRE(heard == 1);
  bus.publish(order_placed{});
  REQUIRE(heard == 1);
}

TEST_CASE("a handler that owns the last handle of another handler is destroyed with its bus") {
  auto const alive = std::make_shared<int>();
  subscription outer;
  {
    event_bus bus;
    auto inner = std::make_unique<subscription>(bus.subscribe<order_placed>([alive](order_placed const&) {}));
    outer = bus.subscribe<order_placed>([inner = std::move(inner), alive](order_placed const&) {});
    REQUIRE(alive.use_count() == 3);
  }
  REQUIRE(alive.use_count() == 1);
}

TEST_CASE("threads may publish in the destructors of their thread's objects, whatever the order") {
  event_bus bus;
  std::atomic<int> heard{0};
  auto const a = bus.subscribe<order_placed>([&](order_placed const& e) {
    ++heard;
    if (e.number > 0) bus.publish(order_placed{e.number - 1});
  });
  struct farewell {
    event_bus* bus = nullptr;
    ~farewell() {
      if (bus != nullptr) bus->publish(order_placed{1});
    }
  };
  std::thread([&] {
    static thread_local farewell
        before; // made before the thread is known to the bus: destroyed after it was forgotten
    before.bus = &bus;
    bus.publish(order_placed{1});
    static thread_local farewell after;
    after.bus = &bus;
  }).join();
  REQUIRE(heard == 6);
  auto b = bus.subscribe<order_placed>([&](order_placed const&) {});
  b.reset();
}

TEST_CASE("ending a subscription waits for its handler in a thread that is ending") {
  event_bus bus;
  std::atomic<bool> entered{false};
  std::atomic<bool> ending{false};
  std::atomic<bool> done{false};
  subscription sub = bus.subscribe<order_placed>([&](order_placed const& e) {
    if (e.number == 0) return;
    entered = true;
    yield_until([&] { return ending.load(); });
    for (int i = 0; i < 200; ++i) std::this_thread::yield();
    done = true;
  });
  struct farewell {
    event_bus* bus = nullptr;
    ~farewell() { bus->publish(order_placed{1}); }
  };
  std::thread publisher([&] {
    static thread_local farewell last;
    last.bus = &bus;
    bus.publish(order_placed{0});
  });
  yield_until([&] { return entered.load(); });
  ending = true;
  sub.reset();
  bool const done_when_ended = done;
  publisher.join();
  REQUIRE(done_when_ended);
}

TEST_CASE("ending a subscription waits for its handler on another thread, and for no other handler") {
  event_bus bus;
  std::atomic<bool> held{true};
  std::atomic<bool> first_entered{false};
  std::atomic<bool> ending{false};
  std::atomic<bool> first_done{false};
  std::atomic<bool> second_entered{false};
  auto const watched = std::make_shared<int>();
  subscription first = bus.subscribe<order_placed>([&, watched](order_placed const&) {
    first_entered = true;
    yield_until([&] { return ending.load(); });
    for (int i = 0; i < 200; ++i) std::this_thread::yield();
    first_done = true;
  });
  subscription second = bus.subscribe<order_placed>([&](order_placed const&) {
    second_entered = true;
    yield_until([&] { return !held.load(); });
  });
  subscription third = bus.subscribe<order_placed>([&](order_placed const&) {});
  std::thread publisher([&] { bus.publish(order_placed{}); });
  yield_until([&] { return first_entered.load(); });
  ending = true;
  first.reset();
  bool const done_when_ended = first_done;
  bool const destroyed_when_ended = watched.use_count() == 1;
  // The publisher now sits in the second handler, and the others can be ended all the same: or this test would not end.
  yield_until([&] { return second_entered.load(); });
  third.reset();
  held = false;
  publisher.join();
  REQUIRE(done_when_ended);
  REQUIRE(destroyed_when_ended);
}

namespace {

// Two classes whose objects look the same, so that one taken for the other would be heard as such.
template <char Class> struct listener {
  int number;
  std::vector<std::string>* heard;
  std::function<void(int)> then = [](int) {};
  void operator()(order_placed const&) const {
    heard->push_back(Class + std::to_string(number));
    then(number);
  }
};

} // namespace

TEST_CASE(
    "objects of one class in a row and of another one among them hear an event in the order of subscription") {
  event_bus bus;
  std::vector<std::string> heard;
  std::vector<subscription> kept;
  for (int i = 1; i <= 3; ++i) kept.push_back(bus.subscribe<order_placed>(listener<'a'>{i, &heard}));
  for (int i = 1; i <= 2; ++i) kept.push_back(bus.subscribe<order_placed>(listener<'b'>{i, &heard}));
  kept.push_back(bus.subscribe<order_placed>(listener<'a'>{4, &heard}));
  REQUIRE(bus.publish(order_placed{}) == 0);
  REQUIRE(heard == std::vector<std::string>{"a1", "a2", "a3", "b1", "b2", "a4"});
}

TEST_CASE(
    "an object may end the subscriptions of others of its class: later in the same publish they are not called") {
  event_bus bus;
  std::vector<std::string> heard;
  std::vector<subscription> kept;
  auto const end = [&](int number) {
    if (number != 2) return;
    kept[0].reset(); // has been called
    kept[2].reset();
    kept[4].reset();
  };
  for (int i = 1; i <= 5; ++i) kept.push_back(bus.subscribe<order_placed>(listener<'a'>{i, &heard, end}));
  bus.publish(order_placed{});
  REQUIRE(heard == std::vector<std::string>{"a1", "a2", "a4"});
  heard.clear();
  bus.publish(order_placed{});
  REQUIRE(heard == std::vector<std::string>{"a2", "a4"});
}

TEST_CASE("an object that throws does not keep the event from others of its class before and behind it") {
  event_bus bus;
  std::vector<std::string> heard;
  std::vector<subscription> kept;
  auto const fail = [](int number) {
    if (number != 1 && number != 4) throw std::runtime_error("no stock");
  };
  for (int i = 1; i <= 5; ++i) kept.push_back(bus.subscribe<order_placed>(listener<'a'>{i, &heard, fail}));
  kept.push_back(bus.subscribe<order_placed>(listener<'b'>{6, &heard}));
  REQUIRE(bus.publish(order_placed{}) == 3);
  REQUIRE(heard == std::vector<std::string>{"a1", "a2", "a3", "a4", "a5", "b6"});
}

TEST_CASE("objects of one class may each publish their own event again") {
  event_bus bus;
  std::vector<std::string> heard;
  std::vector<subscription> kept;
  int depth = 0;
  auto const again = [&](int) {
    if (++depth == 1) bus.publish(order_placed{});
    --depth;
  };
  for (int i = 1; i <= 2; ++i) kept.push_back(bus.subscribe<order_placed>(listener<'a'>{i, &heard, again}));
  bus.publish(order_placed{});
  REQUIRE(heard == std::vector<std::string>{"a1", "a1", "a2", "a2", "a1", "a2"});
}

TEST_CASE("ending a subscription waits for its object on another thread, and for no other of its class") {
  constexpr int number_to_end = 2;
  event_bus bus;
  std::vector<std::string> heard;
  std::atomic<int> entered{0};
  std::atomic<bool> ending{false};
  std::atomic<bool> done{false};
  std::atomic<bool> held{true};
  auto const stay = [&](int number) {
    entered = number;
    if (number == number_to_end) {
      yield_until([&] { return ending.load(); });
      for (int i = 0; i < 200; ++i) std::this_thread::yield();
      done = true;
    }
    if (number == number_to_end + 1) yield_until([&] { return !held.load(); });
  };
  std::vector<subscription> kept;
  for (int i = 1; i <= 4; ++i) kept.push_back(bus.subscribe<order_placed>(listener<'a'>{i, &heard, stay}));
  std::thread publisher([&] { bus.publish(order_placed{}); });
  yield_until([&] { return entered == number_to_end; });
  ending = true;
  kept[1].reset();
  bool const done_when_ended = done;
  // The publisher now sits in the third object, and the others can be ended all the same: or this test would not end.
  yield_until([&] { return entered == number_to_end + 1; });
  kept[0].reset();
  kept[3].reset();
  held = false;
  publisher.join();
  REQUIRE(done_when_ended);
  REQUIRE(heard == std::vector<std::string>{"a1", "a2", "a3"});
}

TEST_CASE("handlers on several threads that end each other's subscriptions do not deadlock") {
  constexpr int threads = 3;
  for (int round = 0; round < 100; ++round) {
    event_bus bus;
    std::atomic<int> entered{0};
    std::vector<std::shared_ptr<int>> alive;
    std::vector<subscription> subs(threads);
    for (int i = 0; i < threads; ++i) {
      alive.push_back(std::make_shared<int>());
      subs[static_cast<std::size_t>(i)] = bus.subscribe<order_placed>(
          [&, i, keep = alive.back()](order_placed const& e) {
            if (e.number != i) return;
            ++entered;
            yield_until([&] { return entered == threads; });
            subs[static_cast<std::size_t>((i + 1) % threads)].reset();
          });
    }
    std::vector<std::thread> publishers;
    for (int i = 0; i < threads; ++i) publishers.emplace_back([&, i] { bus.publish(order_placed{i}); });
    for (auto& p : publishers) p.join();
    for (auto const& sub : subs) REQUIRE_FALSE(sub);
    auto last = bus.subscribe<order_placed>([](order_placed const&) {});
    last.reset();
    for (auto const& a : alive) REQUIRE(a.use_count() == 1);
  }
}

TEST_CASE(
    "a publisher whose list was replaced while it announced announces the first entry of the one that stays") {
  cleave::detail::bus_entry const replaced{nullptr, nullptr};
  cleave::detail::bus_entry const current{nullptr, nullptr};
  cleave::detail::bus_list const list(&current);
  using cleave::detail::bus_barrier;
  for (auto const announce : {&cleave::detail::announce_first<bus_barrier::process>,
                              &cleave::detail::announce_first<bus_barrier::own>}) {
    cleave::detail::bus_entry const* word = &replaced;
    REQUIRE(announce(word, list) == &current);
    REQUIRE(word == &current);
  }
}

TEST_CASE("handlers come and go beside publishing threads, and none runs after its end") {
  struct target {
    std::atomic<bool> alive{true};
    std::atomic<int> calls{0};
  };
  event_bus bus;
  std::atomic<bool> stop{false};
  std::atomic<int> dead_calls{0};
  std::atomic<std::uint64_t> steady_calls{0};
  std::uint64_t published[2] = {0, 0};
  auto const steady = bus.subscribe<order_placed>([&](order_placed const&) { ++steady_calls; });
  std::vector<std::thread> threads;
  for (auto& count : published) {
    threads.emplace_back([&] {
      while (!stop) {
        bus.publish(order_placed{1});
        ++count;
      }
    });
  }
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      for (int round = 0; round < 600; ++round) {
        auto const object = std::make_unique<target>();
        auto sub = bus.subscribe<order_placed>([&dead_calls, on = object.get()](order_placed const& e) {
          if (!on->alive) ++dead_calls;
          on->calls += e.number;
        });
        if (round % 8 == 0) yield_until([&] { return object->calls > 0; });
        sub.reset();
        object->alive = false;
      }
    });
  }
  for (std::size_t t = 2; t < threads.size(); ++t) threads[t].join();
  stop = true;
  for (std::size_t t = 0; t < 2; ++t) threads[t].join();
  REQUIRE(dead_calls == 0);
  REQUIRE(steady_calls == published[0] + published[1]);
}

TEST_CASE("threads that come and go may publish while others subscribe") {
  event_bus bus;
  std::atomic<int> heard{0};
  auto const counting = bus.subscribe<order_placed>([&](order_placed const&) { ++heard; });
  for (int round = 0; round < 100; ++round) {
    std::thread publisher([&] { bus.publish(order_placed{}); });
    auto sub = bus.subscribe<order_placed>([](order_placed const&) {});
    sub.reset();
    publisher.join();
  }
  REQUIRE(heard == 100);
}
