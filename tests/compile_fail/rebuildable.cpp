// SPDX-License-Identifier: BSL-1.0
// expect: cleave: the versions of a projection are named alike but for the number: "revenue.v1" and "revenue.v2"
// expect: cleave: a version of a projection names its tables, so that they can be compared and dropped: add `static constexpr std::array<std::string_view, 1> tables = {"..."}`
// expect: cleave: two versions of a projection have a table in common: who drops one takes the rows of the other
// expect: cleave: the versions of a projection answer the same queries: give them one `queries`
// expect: cleave: the read store keeps no versions of projections
#include <cleave/query/rebuildable_projector.hpp>

#include <array>

#ifdef CLEAVE_MUST_FAIL
#define WRONG_OR_RIGHT(wrong, right) wrong
#else
#define WRONG_OR_RIGHT(wrong, right) right
#endif

struct question {
  using result_type = int;
};
struct store {
  struct session {};
#ifndef CLEAVE_MUST_FAIL
  struct versions {
    versions(session&, std::string_view) {}
    cleave::result<cleave::projection_versions> find(std::string_view);
    cleave::result<void> put(cleave::projection_versions const&);
    cleave::result<cleave::position> checkpoint(std::string_view);
    cleave::result<cleave::table_digest> digest(std::string_view);
    cleave::result<std::uint64_t> clear(std::string_view, std::span<std::string_view const>, std::uint64_t);
  };
#endif
  cleave::result<cleave::position> checkpoint(std::string_view);
  cleave::result<void> apply(std::string_view, cleave::position, cleave::detail::fill_function<session>);
  cleave::result<void> read(cleave::detail::ask_function<session>);
};

struct first {
  using events = cleave::event_set<>;
  using queries = cleave::query_set<question>;
  static constexpr std::string_view name = "revenue.v1";
  static constexpr std::array<std::string_view, 1> tables = {"revenue_1"};
  static int answer(question const&, store::session&) { return 1; }
};
struct named_otherwise : first {
  static constexpr std::string_view name = WRONG_OR_RIGHT("income.v2", "revenue.v2");
  static constexpr std::array<std::string_view, 1> tables = {"revenue_2"};
};
struct without_tables : first {
  static constexpr std::string_view name = "revenue.v2";
#ifdef CLEAVE_MUST_FAIL
  static constexpr int tables = 1;
#else
  static constexpr std::array<std::string_view, 1> tables = {"revenue_2"};
#endif
};
struct shares_a_table : first {
  static constexpr std::string_view name = "revenue.v2";
  static constexpr std::array<std::string_view, 2> tables = {"revenue_2",
                                                             WRONG_OR_RIGHT("revenue_1", "lines_2")};
};
struct answers_less : first {
  using queries = WRONG_OR_RIGHT(cleave::query_set<>, cleave::query_set<question>);
  static constexpr std::string_view name = "revenue.v2";
  static constexpr std::array<std::string_view, 1> tables = {"revenue_2"};
};
int main() {
  static_cast<void>(cleave::detail::checked_versions<first, named_otherwise>::value);
  static_cast<void>(cleave::detail::checked_versions<first, without_tables>::value);
  static_cast<void>(cleave::detail::checked_versions<first, shares_a_table>::value);
  static_cast<void>(cleave::detail::checked_versions<first, answers_less>::value);
  static_cast<void>(cleave::detail::checked_version_store<store>::value);
}
