// SPDX-License-Identifier: BSL-1.0
// A read model in a read store, as queries and people see it: its tables, its answers, its dead letters. Who applies events to it is
// query/stored_projector.hpp.
#pragma once

#include <cleave/query/dead_letter.hpp>
#include <cleave/query/partition.hpp>
#include <cleave/query/projection.hpp>
#include <cleave/query/read_store.hpp>

#include <optional>
#include <type_traits>
#include <utility>

namespace cleave::detail {

// What is public: any thread.
template <class P, read_store ReadStore> class stored_model {
  using session = typename ReadStore::session;
  static_assert(checked_stored_projection<P, session>);

public:
  using projection_type = P;
  using queries = queries_of<P>;

  // The answer as of one snapshot of the read store.
  template <class Q> result<typename Q::result_type> answer(Q const& q) const {
    std::optional<result<typename Q::result_type>> answered;
    auto asked = rows_.read([&](session& in) -> result<void> {
      answered.emplace(projection_.answer(q, in));
      return {};
    });
    if (!asked) return unexpected(std::move(asked).error());
    return std::move(*answered);
  }

  // The dead letters, as of one snapshot: sink(dead_letter const&) -> bool, false ends it.
  result<void> dead_letters(dead_letter_range const& range, dead_letter_sink sink) const
    requires keeps_dead_letters<ReadStore>
  {
    return rows_.read([&](session& in) -> result<void> {
      typename ReadStore::dead_letters letters(in, P::name);
      return letters.list(range, sink);
    });
  }
  // How many wait.
  result<std::uint64_t> count_dead_letters() const
    requires keeps_dead_letters<ReadStore>
  {
    std::uint64_t found = 0;
    auto read = rows_.read([&](session& in) -> result<void> {
      typename ReadStore::dead_letters letters(in, P::name);
      auto const count = letters.count();
      if (!count) return unexpected(count.error());
      found = *count;
      return {};
    });
    if (!read) return unexpected(std::move(read).error());
    return found;
  }

protected:
  stored_model(ReadStore& rows, P projection, partition const& part)
      : rows_(rows), projection_(std::move(projection)), part_(part) {}

  // Before the first event, where the stored checkpoint is `at`: makes the tables, and makes sure that the read store has the
  // part of the projection that this object is to feed, and no other one.
  result<void> create(position at) {
    constexpr bool has_tables = requires(session& in) { projection_.create(in); };
    if (!has_tables && part_.is_all()) {
      if constexpr (keeps_partitions<ReadStore>)
        return rows_.read([&](session& in) -> result<void> { return take_part(in, at); });
      return {};
    }
    return rows_.apply(P::name, at, [&](session& in) -> result<position> {
      if (auto ours = take_part(in, at); !ours) return unexpected(std::move(ours).error());
      if constexpr (has_tables) {
        if constexpr (std::is_void_v<decltype(projection_.create(in))>) {
          projection_.create(in);
        } else {
          if (auto done = projection_.create(in); !done) return unexpected(std::move(done).error());
        }
      }
      return at;
    });
  }

  ReadStore& rows_;
  P projection_;
  partition part_;

private:
  result<void> take_part(session& in, position at) const {
    if constexpr (keeps_partitions<ReadStore>) {
      typename ReadStore::partitions parts(in, P::name);
      auto const kept = parts.find();
      if (!kept) return unexpected(kept.error());
      bool const fresh = !*kept && at == position();
      auto const found = kept->value_or(fresh ? part_ : partition{});
      if (found != part_) return unexpected(other_partition(P::name, found, part_));
      if (fresh && !part_.is_all()) return parts.put(part_);
    }
    return {};
  }
};

} // namespace cleave::detail
