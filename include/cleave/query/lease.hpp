// SPDX-License-Identifier: BSL-1.0
// The lease: which one of several processes runs a projection. It is a row beside the checkpoint; who holds it renews it in the
// transactions of its batches, and a batch of one who has lost it is refused there (fencing, by the number of the term).
#pragma once

#include <cleave/base/clock.hpp>
#include <cleave/base/id.hpp>
#include <cleave/base/result.hpp>

#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>

namespace cleave {

struct lease {
  uuid owner;
  std::uint64_t term = 0; // how often it was taken; another term is another holder, or the same one anew
  timestamp until;        // from here on anybody may take it
};

// The lease of one projection within a transaction or snapshot of its read store: find(), none if it was never taken; put(lease).
template <class L>
concept lease_table = requires(L& leases, lease const& changed) {
  { leases.find() } -> std::same_as<result<std::optional<lease>>>;
  { leases.put(changed) } -> std::same_as<result<void>>;
};

// A read store that keeps leases: it names the type of the table, made of a session and the projection's name. What is put is part
// of the session's transaction.
template <class R>
concept keeps_leases = requires(typename R::session& in, std::string_view projection) {
  { typename R::leases(in, projection) } -> lease_table;
};

namespace detail {

// What a projector knows of its lease. A state machine: the clock and the table are outside.
class lease_holder {
public:
  // lease_us: 0 or less, no lease is asked for and none is checked.
  lease_holder(uuid const& owner, std::int64_t lease_us) noexcept : owner_(owner), lease_us_(lease_us) {}

  bool wanted() const noexcept { return lease_us_ > 0; }
  bool held() const noexcept { return term_ != 0; }
  // Whether less than half of it is left.
  bool due(timestamp now) const noexcept;
  // Whether it could be taken from whom the table shows.
  bool free(std::optional<lease> const& stored, timestamp now) const noexcept;
  // In a transaction: the row that is to be stored, or none if it is to stay as it is. errc::busy when somebody else holds it, and
  // then this holder holds it no longer. What is stored counts when the transaction is committed: committed().
  result<std::optional<lease>> next(std::optional<lease> const& stored, timestamp now,
                                    std::string_view projection);
  void committed() noexcept;
  // The row that gives it up; none if somebody else has taken it.
  std::optional<lease> released(std::optional<lease> const& stored) const noexcept;

private:
  uuid owner_;
  std::int64_t lease_us_;
  std::uint64_t term_ = 0; // 0: not held
  timestamp until_;
  std::uint64_t pending_term_ = 0; // in the transaction that is under way; 0: nothing was changed
  timestamp pending_until_;
};

} // namespace detail

} // namespace cleave
