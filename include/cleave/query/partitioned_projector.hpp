// SPDX-License-Identifier: BSL-1.0
// A read model in memory whose events are applied by several workers at once: in order for each key, side by side for different ones.
//
//   struct balances {                                          // a projection in memory as in query/projection.hpp, and
//     std::string_view key(cleave::envelope const& at) const;  // what must stay in order; the stream, where it says nothing
//     static total merge(all_of_it const&, total a, total b);  // for queries that are about more than one key
//   };
//   struct balance_of { ... std::string_view key() const; };   // this one is about one key, and says which
//   cleave::application bank{store, cleave::partitioned_projections<balances>(4), ...};
//
// Each worker has an instance of the projection for its own part of the keys, reads the log by itself, and passes over the events of
// the others without decoding them; so it pays where `on` costs more than reading does.
#pragma once

#include <cleave/query/memory_projector.hpp>
#include <cleave/query/partitions.hpp>

namespace cleave {

// A worker whose `on` throws stops, or parks, as memory_projector does. query/partitions.hpp has the functions.
template <class P, class Store>
class partitioned_projector : public detail::partitions<P, memory_projector<P, Store>> {
public:
  // workers: 1 to 64.
  partitioned_projector(Store& log, P const& empty, projector_options const& options, std::size_t workers)
      : detail::partitions<P, memory_projector<P, Store>>(options, workers, [&](partition const& part) {
          return memory_projector<P, Store>(log, empty, options, false, {part.index, part.count});
        }) {}
};

} // namespace cleave
