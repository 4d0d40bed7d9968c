// SPDX-License-Identifier: BSL-1.0
// A read store as one build of a projection sees it: it can write as long as it has not been dropped.
#pragma once

#include <cleave/query/dead_letter.hpp>
#include <cleave/query/lease.hpp>
#include <cleave/query/partition.hpp>
#include <cleave/query/projection_versions.hpp>
#include <cleave/query/read_store.hpp>

#include <cstdint>
#include <string_view>
#include <utility>

namespace cleave::detail {

struct no_table {};
template <class R> struct dead_letters_in {
  using type = no_table;
};
template <keeps_dead_letters R> struct dead_letters_in<R> {
  using type = typename R::dead_letters;
};
template <class R> struct leases_in {
  using type = no_table;
};
template <keeps_leases R> struct leases_in<R> {
  using type = typename R::leases;
};

template <class R> struct partitions_in {
  using type = no_table;
};
template <keeps_partitions R> struct partitions_in<R> {
  using type = typename R::partitions;
};

error build_is_gone(std::string_view version, std::uint64_t build);

// Another process can drop a build, and begin anew under its name, at any time: each transaction looks, before it does anything
// else, whether its own build is still there. errc::stopped when it is not.
template <read_store ReadStore> class guarded_rows {
public:
  using session = typename ReadStore::session;
  using dead_letters = typename dead_letters_in<ReadStore>::type;
  using leases = typename leases_in<ReadStore>::type;
  using partitions = typename partitions_in<ReadStore>::type;

  // first: the version that is active where nothing is stored.
  guarded_rows(ReadStore& rows, std::string_view projection, std::string_view first, std::string_view version,
               std::uint64_t build) noexcept
      : rows_(rows), projection_(projection), first_(first), version_(version), build_(build) {}

  std::uint64_t build() const noexcept { return build_; }
  result<position> checkpoint(std::string_view projection) { return rows_.checkpoint(projection); }
  result<void> apply(std::string_view projection, position from, fill_function<session> fill) {
    return rows_.apply(projection, from, [&](session& in) -> result<position> {
      if (auto there = check(in); !there) return unexpected(std::move(there).error());
      return fill(in);
    });
  }
  result<void> read(ask_function<session> ask) { return rows_.read(ask); }

private:
  result<void> check(session& in) const {
    typename ReadStore::versions versions(in, projection_);
    auto const row = versions.find(first_);
    if (!row) return unexpected(row.error());
    bool const active = row->active == version_ && row->active_build == build_;
    bool const beside = row->beside == version_ && row->beside_build == build_;
    if (active || beside) return {};
    return unexpected(build_is_gone(version_, build_));
  }

  ReadStore& rows_;
  std::string_view projection_;
  std::string_view first_;
  std::string_view version_;
  std::uint64_t build_;
};

} // namespace cleave::detail
