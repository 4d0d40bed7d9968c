// SPDX-License-Identifier: BSL-1.0
#include <cleave/command/command_bus.hpp>
#include <cleave/middleware/authorisation.hpp>
#include <cleave/middleware/chain.hpp>
#include <cleave/middleware/deadline.hpp>
#include <cleave/middleware/idempotency.hpp>
#include <cleave/middleware/logging.hpp>
#include <cleave/middleware/rate_limit.hpp>
#include <cleave/middleware/retry_on_conflict.hpp>
#include <cleave/middleware/tracing.hpp>
#include <cleave/middleware/validation.hpp>
#include <cleave/query/query_context.hpp>
#include <cleave/testing/manual_clock.hpp>
#include <cleave/testing/seeded_ids.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using Catch::Contains;
using cleave::command_context;
using cleave::command_result;
using cleave::errc;
using cleave::timestamp;

namespace {

struct deposit {
  static constexpr std::string_view command_name = "deposit";
  std::string account;
  int cents = 0;
  std::optional<cleave::rejection> validate() const {
    if (cents > 0) return std::nullopt;
    return cleave::reject("not-positive", "{} cents", cents);
  }
  std::string idempotency_key() const { return account; }
};
struct close_account {};
struct balance {
  using result_type = int;
  int of = 0;
  std::optional<cleave::rejection> validate() const {
    if (of > 0) return std::nullopt;
    return cleave::reject("no-account", "{}", of);
  }
};
struct statement {
  using result_type = int;
};

command_result done() { return cleave::committed{cleave::position(7), cleave::version(1), false}; }
command_result failed(errc code) {
  return cleave::unexpected(cleave::command_failure(cleave::error(code, "it failed")));
}

// Runs one command or query through layers, in front of a handler that remembers what reached it.
template <class... Layers> struct harness {
  cleave::middleware_chain<Layers...> chain;
  int handled = 0;
  command_context seen{};
  std::vector<std::string> headers{};
  std::function<command_result()> answer = done;
  explicit harness(Layers... layers) : chain(std::move(layers)...) {}

  template <class C> command_result execute(C const& command, command_context const& context = {}) {
    return chain.run(command, context, [&](command_context const& reached) {
      ++handled;
      seen = reached;
      headers.clear();
      for (auto const& header : reached.headers)
        headers.push_back(std::string(header.name) + "=" + std::string(header.value));
      return answer();
    });
  }
  template <class Q> cleave::result<int> ask(Q const& question, cleave::query_context const& context = {}) {
    return chain.run(question, context, [&](cleave::query_context const&) -> cleave::result<int> {
      ++handled;
      return 42;
    });
  }
};

struct noting {
  std::string name;
  std::vector<std::string>* notes;
  template <class M, class Context, class Next> auto around(M const&, Context const& context, Next&& next) {
    notes->push_back(name + "+");
    auto answer = next(context);
    notes->push_back(name + "-");
    return answer;
  }
};
struct throwing {
  template <class M, class Context, class Next>
  auto around(M const&, Context const& context, Next&& next) -> decltype(next(context)) {
    throw std::runtime_error("out of order");
  }
};
struct mapping { // an error of the machine becomes a rejection that people understand
  template <class C, class Next>
  command_result around(C const&, command_context const& context, Next&& next) {
    auto answer = next(context);
    if (!answer && !answer.error().is_rejection() && answer.error().error().code() == errc::disk_full)
      return cleave::unexpected(cleave::command_failure(cleave::reject("try-later", "we are full")));
    return answer;
  }
};
struct rules {
  bool allows(cleave::principal const& who, deposit const& c) const {
    return who.name == c.account || who.has("teller");
  }
  bool allows(cleave::principal const& who, balance const&) const { return who.has("teller"); }
};
struct ledger {
  std::vector<std::string>* lines;
  void on(cleave::handled const& what) const {
    lines->push_back(std::string(what.what) + " " + std::to_string(what.took_us) + " us " +
                     (what.failed != nullptr    ? std::string(cleave::to_string(what.failed->code()))
                      : what.refused != nullptr ? what.refused->code
                                                : std::to_string(what.position.value())) +
                     (what.who != nullptr ? " " + std::string(what.who->name) : std::string()));
  }
};
struct counted_waits {
  std::vector<std::int64_t> all{};
  cleave::testing::manual_clock* clock = nullptr;
  void wait(std::int64_t us) {
    all.push_back(us);
    if (clock != nullptr) clock->advance_us(us);
  }
};

} // namespace

TEST_CASE("layers stand around a handler in the order in which they are named") {
  std::vector<std::string> notes;
  harness at{noting{"a", &notes}, noting{"b", &notes}};
  REQUIRE(at.execute(deposit{"x", 1})->position == cleave::position(7));
  REQUIRE(*at.ask(balance{1}) == 42);
  REQUIRE(notes == std::vector<std::string>{"a+", "b+", "b-", "a-", "a+", "b+", "b-", "a-"});
}

TEST_CASE("a layer may answer itself, and change an answer") {
  std::vector<std::string> notes;
  harness at{mapping{}, noting{"in", &notes}};
  at.answer = [] { return failed(errc::disk_full); };
  REQUIRE(at.execute(deposit{"x", 1}).error().rejection().code == "try-later");
  at.answer = [] { return failed(errc::io_error); };
  REQUIRE(at.execute(deposit{"x", 1}).error().error().code() == errc::io_error);

  harness closed{cleave::validation{}, noting{"never", &notes}};
  notes.clear();
  REQUIRE_FALSE(closed.execute(deposit{"x", 0}));
  REQUIRE(notes.empty());
}

TEST_CASE("what a layer throws is an error") {
  harness at{throwing{}};
  auto const thrown = at.execute(deposit{"x", 1});
  REQUIRE(thrown.error().error().code() == errc::handler_failed);
  REQUIRE_THAT(thrown.error().message(), Contains("middleware") && Contains("out of order"));
  REQUIRE(at.ask(balance{1}).error().code() == errc::handler_failed);
  REQUIRE(at.handled == 0);
}

TEST_CASE("what is not valid goes no further") {
  harness at{cleave::validation{}};
  REQUIRE(at.execute(deposit{"x", 0}).error().rejection() == cleave::rejection{"not-positive", "0 cents"});
  auto const asked = at.ask(balance{0});
  REQUIRE(asked.error().code() == errc::invalid_argument);
  REQUIRE_THAT(asked.error().message(), Contains("no-account"));
  REQUIRE(at.handled == 0);
  REQUIRE(at.execute(deposit{"x", 1}));
  REQUIRE(at.execute(close_account{})); // says nothing about itself
  REQUIRE(at.ask(balance{1}));
  REQUIRE(at.handled == 3);
}

TEST_CASE("who is not allowed is refused, and so is everything that the rules do not name") {
  harness at{cleave::authorisation{rules{}}};
  std::string_view const roles[] = {"teller"};
  cleave::principal const alice{.name = "alice"};
  cleave::principal const teller{.name = "bob", .roles = roles};

  REQUIRE(at.execute(deposit{"alice", 1}, {.principal = &alice}));
  REQUIRE(at.execute(deposit{"alice", 1}, {.principal = &teller}));
  REQUIRE(*at.ask(balance{1}, {.principal = &teller}) == 42);
  REQUIRE(at.handled == 3);
  REQUIRE(at.execute(deposit{"carol", 1}, {.principal = &alice}).error().rejection() ==
          cleave::rejection{"not-allowed", "alice may not deposit"});
  REQUIRE(at.execute(deposit{"alice", 1}).error().rejection().text == "deposit came without a principal");
  REQUIRE(at.execute(close_account{}, {.principal = &teller}).error().rejection().code == "not-allowed");
  auto const asked = at.ask(balance{1}, {.principal = &alice});
  REQUIRE(asked.error().code() == errc::invalid_argument);
  REQUIRE_THAT(asked.error().message(), Contains("not-allowed: alice may not"));
  REQUIRE(at.ask(statement{}, {.principal = &teller}).error().code() == errc::invalid_argument);
  REQUIRE(at.handled == 3);
}

TEST_CASE("what is too late is not begun") {
  cleave::testing::manual_clock clock(timestamp(1'000));
  harness at{cleave::deadline{.clock = clock}};
  REQUIRE(at.execute(deposit{"x", 1}));
  REQUIRE(at.execute(deposit{"x", 1}, {.deadline = timestamp(1'001)}));
  REQUIRE(at.seen.deadline == timestamp(1'001));
  auto const late = at.execute(deposit{"x", 1}, {.deadline = timestamp(1'000)});
  REQUIRE(late.error().error().code() == errc::timeout);
  REQUIRE(at.ask(balance{1}, {.deadline = timestamp(900)}).error().code() == errc::timeout);
  REQUIRE(at.handled == 2);

  harness usual{cleave::deadline{.clock = clock, .default_us = 50}};
  REQUIRE(usual.execute(deposit{"x", 1}));
  REQUIRE(usual.seen.deadline == timestamp(1'050));
  REQUIRE(usual.execute(deposit{"x", 1}, {.deadline = timestamp(9'000)}));
  REQUIRE(usual.seen.deadline == timestamp(9'000));
}

TEST_CASE("a rate limit lets a burst pass, then so many a second") {
  cleave::testing::manual_clock clock(timestamp(1'000'000));
  cleave::rate_limiter limiter({.per_second = 10, .burst = 3, .clock = clock});
  harness at{cleave::rate_limit{&limiter}};
  auto const passed = [&](int tries) {
    int good = 0;
    for (int i = 0; i < tries; ++i) good += at.execute(deposit{"x", 1}).has_value() ? 1 : 0;
    return good;
  };
  REQUIRE(passed(5) == 3);
  clock.advance_us(99'999);
  REQUIRE(passed(5) == 0);
  clock.advance_us(1);
  REQUIRE(passed(5) == 1);
  clock.advance_us(1'000'000);
  REQUIRE(passed(50) == 3);
  clock.set(timestamp(5));
  REQUIRE(passed(50) == 3);
  auto const refused = at.execute(deposit{"x", 1});
  REQUIRE(refused.error().error().code() == errc::limit_exceeded);
  REQUIRE_THAT(refused.error().message(), Contains("deposit") && Contains("10 a second"));
  REQUIRE(at.ask(balance{1}).error().code() == errc::limit_exceeded);
}

TEST_CASE("threads that share a rate limit get no more than it allows") {
  cleave::testing::manual_clock clock(timestamp(1'000'000));
  cleave::rate_limiter limiter({.per_second = 1, .burst = 1'000, .clock = clock});
  std::atomic<int> taken{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) taken += limiter.try_take() ? 1 : 0;
    });
  }
  for (auto& one : threads) one.join();
  REQUIRE(taken == 1'000);
}

TEST_CASE("a backoff grows, is bounded, and is the same for one seed") {
  cleave::backoff_options const options{.attempts = 12, .first_us = 100, .longest_us = 5'000};
  cleave::backoff one(options, 3);
  cleave::backoff same(options, 3);
  cleave::backoff other(options, 4);
  std::int64_t bound = 100;
  bool differs = false;
  for (int i = 0; i < 11; ++i) {
    auto const wait = one.next();
    REQUIRE(wait);
    REQUIRE(*wait >= 0);
    REQUIRE(*wait <= bound);
    REQUIRE(wait == same.next());
    differs = differs || wait != other.next();
    bound = std::min<std::int64_t>(bound * 2, 5'000);
  }
  REQUIRE(differs);
  REQUIRE_FALSE(one.next());
  REQUIRE(one.attempts() == 12);
  REQUIRE_FALSE(cleave::backoff({.attempts = 1}, 3).next());
  REQUIRE(*cleave::backoff({.attempts = 90, .first_us = UINT32_MAX, .longest_us = UINT32_MAX}, 1).next() >=
          0);
}

TEST_CASE("a lost race is run again, a bounded number of times") {
  counted_waits waits;
  harness at{cleave::retry_on_conflict{.backoff = {.attempts = 4, .first_us = 1'000}, .waiter = waits}};
  int failures = 2;
  at.answer = [&] { return failures-- > 0 ? failed(errc::version_conflict) : done(); };
  REQUIRE(at.execute(deposit{"x", 1}));
  REQUIRE(at.handled == 3);
  REQUIRE(waits.all.size() == 2);

  at.handled = 0;
  at.answer = [] { return failed(errc::busy); };
  REQUIRE(at.execute(deposit{"x", 1}).error().error().code() == errc::busy);
  REQUIRE(at.handled == 4);

  at.handled = 0;
  at.answer = [] { return failed(errc::io_error); };
  REQUIRE_FALSE(at.execute(deposit{"x", 1}));
  REQUIRE(at.handled == 1);
  at.answer = [] {
    return command_result(cleave::unexpected(cleave::command_failure(cleave::reject("no", ""))));
  };
  REQUIRE_FALSE(at.execute(deposit{"x", 1}));
  REQUIRE(at.handled == 2);
}

TEST_CASE("retries end where the deadline would pass") {
  cleave::testing::manual_clock clock(timestamp(1));
  counted_waits waits{.clock = &clock};
  harness at{cleave::retry_on_conflict{.backoff = {.attempts = 1'000, .first_us = 1'000, .longest_us = 1'000},
                                       .waiter = waits,
                                       .clock = clock}};
  at.answer = [] { return failed(errc::version_conflict); };
  REQUIRE_FALSE(at.execute(deposit{"x", 1}, {.deadline = timestamp(20'000)}));
  REQUIRE(at.handled > 10);
  REQUIRE(at.handled < 1'000);
  REQUIRE(clock.now() < timestamp(20'000));
}

TEST_CASE("a command that knows what makes it unique gets the same id every time") {
  auto const space = cleave::uuid::from_name(cleave::uuid(), "bank");
  harness at{cleave::idempotency{space}};
  REQUIRE(at.execute(deposit{"x", 1}));
  auto const first = at.seen.id;
  REQUIRE(first == cleave::command_id(cleave::uuid::from_name(space, "x")));
  REQUIRE(at.execute(deposit{"y", 1}));
  REQUIRE(at.seen.id != first);
  REQUIRE(at.execute(deposit{"", 1}));
  REQUIRE(at.seen.id.nil());
  REQUIRE(at.execute(close_account{}));
  REQUIRE(at.seen.id.nil());
  cleave::command_id const given(cleave::uuid::from_name(space, "given"));
  REQUIRE(at.execute(deposit{"x", 1}, {.id = given}));
  REQUIRE(at.seen.id == given);
}

TEST_CASE("a command's events carry on its trace") {
  cleave::testing::seeded_ids ids(1);
  harness at{cleave::tracing{.ids = ids.source()}};
  cleave::header const headers[] = {
      {"tenant", "t1"}, {"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}};
  REQUIRE(at.execute(deposit{"x", 1}, {.headers = headers}));
  REQUIRE(at.headers.size() == 2);
  REQUIRE(at.headers[0] == "tenant=t1");
  REQUIRE_THAT(at.headers[1], Catch::StartsWith("traceparent=00-4bf92f3577b34da6a3ce929d0e0e4736-") &&
                                  Catch::EndsWith("-01") && !Contains("00f067aa0ba902b7"));

  REQUIRE(at.execute(deposit{"x", 1}));
  REQUIRE(at.headers.size() == 1);
  auto const begun = cleave::trace_context::parse(at.headers[0].substr(12));
  REQUIRE(begun);
  REQUIRE(begun->flags == 0);
  REQUIRE(at.execute(deposit{"x", 1}));
  REQUIRE(cleave::trace_context::parse(at.headers[0].substr(12))->trace != begun->trace);

  cleave::header const wrong[] = {{"traceparent", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"}};
  REQUIRE(at.execute(deposit{"x", 1}, {.headers = wrong}));
  REQUIRE(cleave::trace_context::parse(at.headers[0].substr(12)));
  std::vector<cleave::header> many(cleave::limits::headers_per_event, cleave::header{"n", "v"});
  REQUIRE(at.execute(deposit{"x", 1}, {.headers = many}));
  REQUIRE(at.headers.size() == cleave::limits::headers_per_event + 1);
}

TEST_CASE("an observer hears what became of each command and query") {
  cleave::testing::manual_clock clock(timestamp(0));
  std::vector<std::string> lines;
  harness at{cleave::logging{ledger{&lines}, clock}};
  cleave::principal const alice{.name = "alice"};
  at.answer = [&] { return clock.advance_us(5), done(); };
  REQUIRE(at.execute(deposit{"x", 1}, {.principal = &alice}));
  at.answer = [] { return failed(errc::io_error); };
  REQUIRE_FALSE(at.execute(deposit{"x", 1}));
  at.answer = [] {
    return command_result(cleave::unexpected(cleave::command_failure(cleave::reject("no", ""))));
  };
  REQUIRE_FALSE(at.execute(close_account{}));
  REQUIRE(at.ask(statement{}));
  REQUIRE(lines.size() == 4);
  REQUIRE(lines[0] == "deposit 5 us 7 alice");
  REQUIRE(lines[1] == "deposit 0 us io_error");
  REQUIRE_THAT(lines[2], Contains("close_account") && Contains(" no"));
  REQUIRE_THAT(lines[3], Contains("statement"));
}

TEST_CASE("layers go before a bus without an application") {
  struct handler {
    using commands = cleave::command_set<deposit>;
    command_result execute(deposit const&, command_context const&) { return done(); }
  };
  cleave::command_bus bus{handler{}};
  cleave::middleware_chain layers{cleave::validation{}};
  auto const execute = [&](deposit const& command) {
    return layers.run(command, command_context{},
                      [&](command_context const& context) { return bus.execute(command, context); });
  };
  REQUIRE(execute(deposit{"x", 1}));
  REQUIRE_FALSE(execute(deposit{"x", 0}));
}
