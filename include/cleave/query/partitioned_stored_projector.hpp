// SPDX-License-Identifier: BSL-1.0
// A read model in several read stores, each with its part of the keys, filled by as many workers at once: in order for each key, side
// by side for different ones.
//
//   struct balances { ... };                 // a stored projection as in query/projection.hpp, with `key` and `merge`, and queries
//                                            // that name their key, as in query/partitioned_projector.hpp
//   std::vector<cleave::sqlite::read_store> files = ...;        // balances-1.db, balances-2.db, ...
//   cleave::application bank{log, cleave::partitioned_stored_projections<balances>(files), ...};
//
// One part, one file, because an SQLite file has one writer: workers that took turns at one file would do one after the other all that a
// projection does in its transaction, its own computing too. So they share nothing, and each is exactly what an unpartitioned
// projection is: its rows, its checkpoint, its dead letters and its lease are in its own read store, rows and checkpoint in one
// transaction. What the projection has reached is the lowest of the checkpoints; a part may be further, as each key is applied by itself
// anyway. Several processes divide the parts between them: each part runs in the process that holds its lease.
//
// Each worker reads the log by itself, without decoding what belongs to the others: it pays where applying an event costs clearly more
// than reading it (some statements, indices, computing), and little for one cheap upsert. A part that has nothing to apply writes nothing but
// a checkpoint now and then.
//
// The number of parts is fixed with the first event: a read store says which part it has, and another part, or all of the projection, is
// refused there (errc::invalid_argument). For another number give the projection new files; it is built from the log.
#pragma once

#include <cleave/query/partitions.hpp>
#include <cleave/query/stored_projector.hpp>

#include <span>

namespace cleave {

namespace detail {

template <class ReadStore> struct checked_partition_store {
  static_assert(keeps_partitions<ReadStore>, "cleave: the read store keeps no parts of projections");
  static constexpr bool value = true;
};

} // namespace detail

// A worker fails, parks and stops as stored_projector does. query/partitions.hpp has the functions.
template <class P, class Store, read_store ReadStore>
class partitioned_stored_projector : public detail::partitions<P, stored_projector<P, Store, ReadStore>> {
  static_assert(detail::checked_partition_store<ReadStore>::value);

public:
  // 1 to 64 read stores, in the same order for ever. They outlive it.
  partitioned_stored_projector(Store& log, std::span<ReadStore> rows, P const& projection,
                               projector_options const& options)
      : detail::partitions<P, stored_projector<P, Store, ReadStore>>(
            options, rows.size(), [&](partition const& part) {
              return stored_projector<P, Store, ReadStore>(log, rows[part.index], projection, options,
                                                           detail::policy_of<P>(options.on_failure), part);
            }) {}
};

} // namespace cleave
