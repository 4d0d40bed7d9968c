// SPDX-License-Identifier: BSL-1.0
// Snapshots: a decider with long streams can have its state kept, so that loading one reads the events behind it only. It says so, and
// has its state described:
//
//   struct account {
//     static constexpr cleave::snapshot_policy snapshots{.every = 100};
//     static constexpr unsigned fold_version = 2;   // raise it when evolve comes to mean something else
//     ...
//   };
//   BOOST_DESCRIBE_STRUCT(account, (), (open, cents))
//
// A snapshot is kept in the commit of the event that makes it due. It is used only where the described state still has the same shape
// and the decider the same fold_version: any other is as if it were not there, and the events are read from the first one.
#pragma once

#include <cleave/base/clock.hpp>
#include <cleave/command/decider.hpp>
#include <cleave/event/codec.hpp>
#include <cleave/event/json_shape.hpp>
#include <cleave/event/stream_snapshot.hpp>

#include <concepts>
#include <cstdint>

namespace cleave {

// When a stream's snapshot is due: with each version that is a multiple of `every`, and when a load had to read at least so many
// events, or took longer than `load_us` microseconds. 0: not for that reason.
struct snapshot_policy {
  std::uint64_t every = 0;
  std::int64_t load_us = 0;
};

template <class D>
concept takes_snapshots = requires {
  { D::snapshots } -> std::convertible_to<snapshot_policy>;
};

namespace detail {

template <class D> struct checked_snapshots {
  static_assert(
      encodable<D>,
      "cleave: a decider with snapshots has no stored form: describe its state with BOOST_DESCRIBE_STRUCT");
  static constexpr bool value = true;
};

template <class D> consteval std::uint64_t snapshot_fingerprint() {
  std::uint64_t print = add_to_shape(shape_seed, std::string_view(D::category));
  if constexpr (requires { D::fold_version; }) print = add_to_shape(print, D::fold_version);
  return shape_of<D>(print);
}

// Whether the append that took a stream from one version to another makes a snapshot due.
constexpr bool crosses(snapshot_policy policy, version from, version to) noexcept {
  return policy.every != 0 && from.value() / policy.every != to.value() / policy.every;
}

} // namespace detail

} // namespace cleave
