// SPDX-License-Identifier: BSL-1.0
// The lease of a stored projection, in the transactions of its projector.
#pragma once

#include <cleave/query/lease.hpp>
#include <cleave/query/projector_options.hpp>
#include <cleave/query/read_store.hpp>

#include <utility>

namespace cleave::detail {

// One thread at a time. The references outlive it. Without options.lease_us every answer is that the lease is held.
template <class P, read_store ReadStore> class lease_guard {
  using session = typename ReadStore::session;

public:
  lease_guard(ReadStore& rows, projector_options const& options)
      : rows_(rows),
        options_(options),
        holder_(options.lease_us > 0 ? options.ids.next(options.clock.now()) : uuid(), options.lease_us) {}

  // Whether it is held, or could be taken now. Asked outside a transaction, so that who stands by does not write.
  result<bool> in_reach() {
    if (!holder_.wanted() || holder_.held()) return true;
    bool free = true;
    if constexpr (keeps_leases<ReadStore>) {
      auto asked = rows_.read([&](session& in) -> result<void> {
        typename ReadStore::leases leases(in, P::name);
        auto const stored = leases.find();
        if (!stored) return unexpected(stored.error());
        free = holder_.free(*stored, options_.clock.now());
        return {};
      });
      if (!asked) return unexpected(std::move(asked).error());
    }
    return free;
  }
  // Whether a transaction is needed to take it, or to keep it for longer.
  bool due() const { return holder_.wanted() && (!holder_.held() || holder_.due(options_.clock.now())); }

  // In a transaction, first of all: takes it or renews it; committed() behind the commit. An error, and lost(), when somebody else
  // holds it.
  result<void> hold(session& in) {
    lost_ = false;
    if (!holder_.wanted()) return {};
    if constexpr (!keeps_leases<ReadStore>) {
      return unexpected(error(errc::unsupported, "the read store keeps no leases"));
    } else {
      typename ReadStore::leases leases(in, P::name);
      auto const stored = leases.find();
      if (!stored) return unexpected(stored.error());
      auto const next = holder_.next(*stored, options_.clock.now(), P::name);
      lost_ = !next;
      if (!next) return unexpected(next.error());
      return *next ? leases.put(**next) : result<void>();
    }
  }
  void committed() noexcept { holder_.committed(); }
  bool lost() const noexcept { return lost_; }
  void stand_by() noexcept { lost_ = false; }

  // Gives it up; what cannot be given up runs out.
  void release() noexcept {
    if constexpr (keeps_leases<ReadStore>) {
      if (!holder_.held()) return;
      try {
        auto const at = rows_.checkpoint(P::name);
        if (!at) return;
        static_cast<void>(rows_
                              .apply(P::name, *at,
                                     [&](session& in) -> result<position> {
                                       auto good = put_released(in);
                                       return good ? result<position>(*at) : unexpected(good.error());
                                     })
                              .has_value());
      } catch (...) {
        return;
      }
    }
  }

private:
  result<void> put_released(session& in) {
    typename ReadStore::leases leases(in, P::name);
    auto const stored = leases.find();
    if (!stored) return unexpected(stored.error());
    auto const row = holder_.released(*stored);
    return row ? leases.put(*row) : result<void>();
  }

  ReadStore& rows_;
  projector_options const& options_;
  lease_holder holder_;
  bool lost_ = false; // the last transaction was refused
};

} // namespace cleave::detail
