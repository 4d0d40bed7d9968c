// SPDX-License-Identifier: BSL-1.0
// Middleware as a part of an application: around what reaches the store, and around what is asked.
#include <cleave/cleave.hpp>
#include <cleave/memory/event_store.hpp>
#include <cleave/middleware/authorisation.hpp>
#include <cleave/middleware/idempotency.hpp>
#include <cleave/middleware/tracing.hpp>
#include <cleave/middleware/validation.hpp>

#include <catch2/catch.hpp>

#include <optional>
#include <string>
#include <vector>

namespace {

struct paid {
  static constexpr auto event_name = "paid.v1";
  int cents = 0;
};
struct pay {
  static constexpr std::string_view command_name = "pay";
  std::string invoice;
  int cents = 0;
  std::string const& idempotency_key() const { return invoice; }
  std::optional<cleave::rejection> validate() const {
    if (cents > 0) return std::nullopt;
    return cleave::reject("nothing-to-pay", "{} cents", cents);
  }
  std::uint64_t fingerprint() const { return static_cast<std::uint64_t>(cents); }
};
struct ledger {
  using commands = cleave::command_set<pay>;
  using events = cleave::event_set<paid>;
  static constexpr std::string_view category = "invoice";
  static std::string const& id(pay const& c) { return c.invoice; }
  void evolve(paid const&) {}
  cleave::decision<paid> decide(pay const& c) const { return paid{c.cents}; }
};
struct total {
  using result_type = int;
};
struct totals {
  using events = cleave::event_set<paid>;
  using queries = cleave::query_set<total>;
  static constexpr std::string_view name = "totals.v1";
  int cents = 0;
  void on(paid const& e) { cents += e.cents; }
  int answer(total const&) const { return cents; }
};
struct rules {
  bool allows(cleave::principal const& who, pay const&) const { return who.name == "clerk"; }
  bool allows(cleave::principal const& who, total const&) const { return who.name == "boss"; }
};

} // namespace

TEST_CASE("an application's middleware stands in the order in which it is named") {
  cleave::memory::event_store log;
  cleave::application app{log,
                          cleave::deciders<ledger>,
                          cleave::inline_projections<totals>,
                          cleave::around_commands(cleave::authorisation{rules{}}, cleave::validation{}),
                          cleave::around_commands(cleave::idempotency{}, cleave::tracing{}),
                          cleave::around_queries(cleave::authorisation{rules{}})};
  cleave::principal const clerk{.name = "clerk"};
  cleave::principal const boss{.name = "boss"};

  // Who may not is not told what is wrong with the command.
  REQUIRE(app.execute(pay{"i1", 0}, {.principal = &boss}).error().rejection().code == "not-allowed");
  REQUIRE(app.execute(pay{"i1", 0}, {.principal = &clerk}).error().rejection().code == "nothing-to-pay");
  auto const done = app.execute(pay{"i1", 5}, {.principal = &clerk});
  REQUIRE(done);
  REQUIRE(app.execute(pay{"i1", 5}, {.principal = &clerk})->repeated);
  REQUIRE(app.execute(pay{"i1", 6}, {.principal = &clerk}).error().error().code() ==
          cleave::errc::command_id_reused);
  REQUIRE(*log.head() == cleave::position(1));

  REQUIRE(app.query(total{}).error().code() == cleave::errc::invalid_argument);
  REQUIRE(app.query(total{}, {.principal = &clerk}).error().code() == cleave::errc::invalid_argument);
  REQUIRE(*app.query(total{}, {.wanted = cleave::at_least(done->position), .principal = &boss}) == 5);

  std::vector<std::string> headers;
  REQUIRE(log.read_all({}, [&](cleave::recorded_event const& event) {
    for (auto const& header : event.at.metadata.headers) headers.emplace_back(header.name);
    return true;
  }));
  REQUIRE(headers == std::vector<std::string>{"traceparent"});
}

TEST_CASE("a query that goes through middleware waits for the position that it wants") {
  cleave::memory::event_store log;
  cleave::application_options options;
  options.projector.threads = false;
  cleave::application app{log, cleave::deciders<ledger>, cleave::projections<totals>,
                          cleave::around_queries(cleave::validation{}), options};
  auto const done = app.execute(pay{"i1", 5});
  REQUIRE(done);
  cleave::at_least beyond(done->position.next());
  beyond.timeout_us = 0;
  REQUIRE(app.query(total{}, beyond).error().code() == cleave::errc::stale);
  while (app.step() == cleave::step::worked) {
  }
  REQUIRE(*app.query(total{}, cleave::at_least(done->position)) == 5);
}
