// SPDX-License-Identifier: BSL-1.0
// A read model in memory, the loop that feeds it from the log, and the answers from it.
#pragma once

#include <cleave/query/detail/memory_core.hpp>

#include <utility>

namespace cleave {

// Owns one projection of the memory form. Built from position 0. Any thread, all functions: they take turns.
//
// It parks only what the projection itself declares (`on_failure`), because that is a promise about its `on`; an inline one
// parks nothing. Dead letters, and what was discarded, live as long as this object: built anew, it meets the same events again.
// All but the answers is in detail/memory_core.hpp.
template <class P, class Store>
class memory_projector : public detail::memory_core<Store> {
  static_assert(detail::checked_memory_projection<P>);

public:
  using projection_type = P;
  using queries = detail::queries_of<P>;

  // `in_commit`: no thread steps it, appends do through the inline functions; then a waiting query looks for what others appended.
  // `part`: it applies the events of these keys alone, and passes over the others; not together with in_commit.
  memory_projector(Store& log, P empty, projector_options const& options, bool in_commit = false,
                   partition part = {})
      : detail::memory_core<Store>(log, detail::memory_model_of<P, Store>, &model_, &empty_, options,
                                   in_commit, part),
        empty_(std::move(empty)),
        model_(empty_) {}

  // The answer as of now. A model that was left half-way by a failed event answers nothing any more.
  template <class Q> result<typename Q::result_type> answer(Q const& q) {
    auto const lock = this->lock_model();
    if (auto good = this->readable(); !good) return unexpected(std::move(good).error());
    try {
      return std::as_const(model_).answer(q);
    } catch (...) {
      return unexpected(detail::current_exception_error("answer"));
    }
  }

private:
  P empty_;
  P model_;
};

} // namespace cleave
