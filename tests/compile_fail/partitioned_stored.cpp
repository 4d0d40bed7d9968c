// SPDX-License-Identifier: BSL-1.0
// expect: cleave: the read store keeps no parts of projections
#include <cleave/query/partitioned_stored_projector.hpp>

struct store {
  struct session {};
#ifndef CLEAVE_MUST_FAIL
  struct partitions {
    partitions(session&, std::string_view) {}
    cleave::result<std::optional<cleave::partition>> find();
    cleave::result<void> put(cleave::partition const&);
  };
#endif
};

int main() { static_cast<void>(cleave::detail::checked_partition_store<store>::value); }
