// SPDX-License-Identifier: BSL-1.0
// The event store's contract as tests of Catch2, version 2 or 3: one TEST_CASE for each case.
#pragma once

#include <cleave/testing/contract.hpp>

#if __has_include(<catch2/catch.hpp>)
#include <catch2/catch.hpp>
#else
#include <catch2/catch_all.hpp>
#endif

#include <array>
#include <cstddef>
#include <deque>
#include <string>
#include <utility>
#include <vector>

// At namespace scope: CLEAVE_EVENT_STORE_CONTRACT("memory", memory_fixture); gives a test "memory: a retried batch is stored
// once" with the tag [retries], and so on.
#define CLEAVE_EVENT_STORE_CONTRACT(name, ...)                                                               \
  [[maybe_unused]] static bool const INTERNAL_CATCH_UNIQUE_NAME(                                             \
      cleave_contract) = ::cleave::testing::detail::register_contract<__VA_ARGS__>(name,                     \
                                                                                   CATCH_INTERNAL_LINEINFO)

namespace cleave::testing::detail {

// Catch2 wants a plain function for each test; more of them than there are cases do no harm.
inline constexpr std::size_t most_contract_cases = 256;

inline void report_to_catch(std::vector<std::string> const& failures) {
  for (std::string const& failure : failures) FAIL_CHECK(failure);
  SUCCEED();
}

inline void register_with_catch(std::string_view name, contract_case const& tried, void (*run)(),
                                Catch::SourceLineInfo const& line) {
  static std::deque<std::string> texts; // Catch2 keeps views
  std::string const& title = texts.emplace_back(std::string(name) + ": " + std::string(tried.title));
  std::string const& tag = texts.emplace_back("[" + std::string(tried.chapter) + "]");
  Catch::AutoReg(Catch::makeTestInvoker(run), line, Catch::StringRef(), Catch::NameAndTags{title, tag});
}

template <class F, std::size_t I> void run_with_catch() {
  report_to_catch(testing::run_case<F>(event_store_cases()[I]));
}

template <class F> bool register_contract(std::string_view name, Catch::SourceLineInfo const& line) {
  auto const functions = []<std::size_t... I>(std::index_sequence<I...>) {
    return std::array<void (*)(), sizeof...(I)>{&run_with_catch<F, I>...};
  }(std::make_index_sequence<most_contract_cases>());
  auto const cases = event_store_cases();
  for (std::size_t i = 0; i < cases.size(); ++i) {
    if (testing::case_applies<F>(cases[i])) register_with_catch(name, cases[i], functions.at(i), line);
  }
  return true;
}

} // namespace cleave::testing::detail
