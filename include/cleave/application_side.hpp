// SPDX-License-Identifier: BSL-1.0
// The write side of an application: the store, the inline projections, and what follows a commit.
#pragma once

#include <cleave/command/write_side.hpp>
#include <cleave/event/event_store.hpp>

#include <optional>

namespace cleave::detail {

template <class Store, class InlineHosts> class application_side {
public:
  using store_type = Store;

  application_side(Store& store, InlineHosts& inline_projectors, write_options const& options)
      : store_(store), inline_projectors_(inline_projectors), options_(options) {
    CLEAVE_ASSERT(options.attempts >= 1, "write_options::attempts is at least 1");
  }

  Store& store() noexcept { return store_; }
  write_options const& options() const noexcept { return options_; }

  // Appends, with the inline projections as a part of it.
  result<appended> append(append_request const& request) {
    if constexpr (InlineHosts::size == 0) {
      return store_.append(request);
    } else {
      bool touched = false;
      inline_projectors_.for_each([](auto& projector) { projector.inline_open(); });
      auto done = store_.append(request, [&](recorded_event const& recorded) -> result<void> {
        touched = true;
        result<void> good;
        inline_projectors_.for_each([&](auto& projector) {
          if (good) good = projector.inline_apply(recorded);
        });
        return good;
      });
      inline_projectors_.for_each([&](auto& projector) {
        projector.inline_close(touched, done ? std::optional(done->position) : std::nullopt);
      });
      return done;
    }
  }

  template <class Transaction> result<appended> append_in(Transaction& in, append_request const& request) {
    return in.append(request);
  }

  template <class Decision> void published(Decision const&, append_request const&, appended const&) {}

private:
  Store& store_;
  InlineHosts& inline_projectors_;
  write_options options_;
};

} // namespace cleave::detail
