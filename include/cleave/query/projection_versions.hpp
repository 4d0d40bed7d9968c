// SPDX-License-Identifier: BSL-1.0
// Two versions of one projection in a read store: which one answers, and which one stands beside it. One row says both, so that
// one transaction changes both, and every query sees the change or does not.
#pragma once

#include <cleave/base/result.hpp>
#include <cleave/event/position.hpp>

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cleave {

// The row of one projection, by names of its versions: "revenue.v1".
struct projection_versions {
  std::string active; // queries are answered from its tables
  std::uint64_t
      active_build{}; // how often anything was built before it: tells it from an earlier one of its name
  std::string beside; // built or kept beside it; empty: none
  std::uint64_t beside_build{}; // of what stands beside, or stood there last
  bool switched = false;        // beside stands what answered before
  std::string clearing{};       // what is left of it is being removed, piece by piece; nobody writes to it

  friend bool operator==(projection_versions const&, projection_versions const&) = default;
};

// What a set of rows comes to, in whatever order they are read. Equal rows, equal digest; two sets that differ have one digest with a
// chance of 2^-64 and less. It is no protection against somebody who looks for such sets.
struct row_digest {
  std::uint64_t rows = 0;
  std::uint64_t low = 0;
  std::uint64_t high = 0;

  friend bool operator==(row_digest const&, row_digest const&) = default;
};
struct table_digest {
  std::vector<std::string> columns; // their names
  row_digest rows;
};

// The versions of one projection within a transaction or snapshot of its read store.
// find(version): the row; without one, that version is the active one. put(row).
// checkpoint(version): as of this transaction or snapshot. digest(table): of all its rows.
// clear(version, tables, most): removes rows of the tables, and of what the store keeps of that version, `most` of them at the most, 1 or
// more; how many. Fewer than that: nothing is left, the tables are gone, if they were there.
template <class V>
concept version_table = requires(V& versions, std::string_view name, projection_versions const& changed,
                                 std::span<std::string_view const> tables, std::uint64_t most) {
  { versions.find(name) } -> std::same_as<result<projection_versions>>;
  { versions.put(changed) } -> std::same_as<result<void>>;
  { versions.checkpoint(name) } -> std::same_as<result<position>>;
  { versions.digest(name) } -> std::same_as<result<table_digest>>;
  { versions.clear(name, tables, most) } -> std::same_as<result<std::uint64_t>>;
};

// A read store that keeps versions: it names the type of the table, made of a session and the name without a version. What is done
// through it is part of the session's transaction.
template <class R>
concept keeps_versions = requires(typename R::session& in, std::string_view projection) {
  { typename R::versions(in, projection) } -> version_table;
};

} // namespace cleave
