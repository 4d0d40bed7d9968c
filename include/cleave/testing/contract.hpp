// SPDX-License-Identifier: BSL-1.0
// The contract of the event store (event/event_store.hpp) as a list of cases that every adapter must pass, inside this project
// and outside. They are compiled into cleave::testing and know nothing of a test framework.
//
// An adapter's author writes a fixture, which makes one store for one case:
//
//   struct my_fixture {
//     explicit my_fixture(cleave::clock_ref clock);  // a new, empty store that takes recorded_at from this clock
//     my_store& store();
//     void reopen();                                 // only for a store that survives: closes it, opens the same storage again
//   };
//
// and then, with Catch2, CLEAVE_EVENT_STORE_CONTRACT("my store", my_fixture) of testing/contract_catch.hpp; or, without,
//
//   int main() { return cleave::testing::run_event_store_contract<my_fixture>("my store") == 0 ? 0 : 1; }
#pragma once

#include <cleave/base/clock.hpp>
#include <cleave/event/any_event_store.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cleave::testing {

// What a fixture can say besides:
//   static constexpr bool position_gaps = true;           // positions may have gaps; the reference stores have none
//   static constexpr std::int64_t patience_us = 60'000'000; // a case waits that long (10 s) for what must come
template <class F>
concept store_fixture = std::constructible_from<F, clock_ref> && requires(F& fixture) {
  { fixture.store() } -> std::convertible_to<any_event_store>;
};
template <class F>
concept reopening_fixture = store_fixture<F> && requires(F& fixture) { fixture.reopen(); };

namespace detail {

// A fixture's operations, erased, so that the cases are compiled once.
struct fixture_operations {
  void* (*make)(clock_ref);
  void (*destroy)(void*) noexcept;
  any_event_store (*store)(void*);
  void (*reopen)(void*); // nullptr: this store does not survive its object
  bool position_gaps = false;
  std::int64_t patience_us = 10'000'000;
};

template <store_fixture F> constexpr fixture_operations describe_fixture() {
  fixture_operations operations{
      [](clock_ref clock) -> void* { return new F(clock); },
      [](void* fixture) noexcept { delete static_cast<F*>(fixture); },
      [](void* fixture) -> any_event_store { return static_cast<F*>(fixture)->store(); },
      nullptr,
  };
  if constexpr (requires { F::position_gaps; }) operations.position_gaps = F::position_gaps;
  if constexpr (requires { F::patience_us; }) operations.patience_us = F::patience_us;
  if constexpr (reopening_fixture<F>) {
    operations.reopen = [](void* fixture) { static_cast<F*>(fixture)->reopen(); };
  }
  return operations;
}
template <store_fixture F> inline constexpr fixture_operations fixture_operations_of = describe_fixture<F>();

class contract_run;

} // namespace detail

// One fact about a store, and the function that tries it.
struct contract_case {
  enum class need : std::uint8_t { nothing, restart, no_position_gaps };

  std::string_view chapter; // "expectations", "retries", ...
  std::string_view title;   // a fact: "a retried batch is stored once"
  void (*run)(detail::contract_run&);
  need needs = need::nothing;
};

// All cases, in order of chapters. Titles differ.
std::span<contract_case const> event_store_cases();

namespace detail {
bool case_applies(contract_case const& tried, fixture_operations const& fixture) noexcept;
std::vector<std::string> run_case(contract_case const& tried, fixture_operations const& fixture);
std::size_t run_all_cases(std::string_view name, fixture_operations const& fixture);
} // namespace detail

// Whether the fixture's store promises what the case tries: a store without reopen() takes no case about restarts.
template <store_fixture F> bool case_applies(contract_case const& tried) noexcept {
  return detail::case_applies(tried, detail::fixture_operations_of<F>);
}

// Runs one case on a new store. Each text says what was expected, what came instead and where in the suite; none: it holds.
template <store_fixture F> std::vector<std::string> run_case(contract_case const& tried) {
  return detail::run_case(tried, detail::fixture_operations_of<F>);
}

// Runs all that apply, prints each failure and a summary to stdout, and returns how many failed.
template <store_fixture F> std::size_t run_event_store_contract(std::string_view name) {
  return detail::run_all_cases(name, detail::fixture_operations_of<F>);
}

} // namespace cleave::testing
