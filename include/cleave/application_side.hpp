// SPDX-License-Identifier: BSL-1.0
// The write side of an application: the store, the inline projections, and what follows a commit.
#pragma once

#include <cleave/command/write_side.hpp>
#include <cleave/event/event_bus.hpp>
#include <cleave/event/event_store.hpp>

#include <optional>

namespace cleave::detail {

template <class Store, class InlineHosts> class application_side {
public:
  using store_type = Store;

  application_side(Store& store, InlineHosts& inline_projectors, event_bus& bus, write_options const& options)
      : store_(store), inline_projectors_(inline_projectors), bus_(bus), options_(options) {
    CLEAVE_ASSERT(options.attempts >= 1, "write_options::attempts is at least 1");
  }

  Store& store() noexcept { return store_; }
  write_options const& options() const noexcept { return options_; }

  // Appends, with the inline projections as a part of it.
  result<appended> append(append_request const& request) {
    if constexpr (InlineHosts::size == 0) return store_.append(request);
    else return inline_append(store_, request);
  }

  // The same inside a transaction of the store; call committed() when that has been committed.
  template <class Transaction> result<appended> append_in(Transaction& in, append_request const& request) {
    if constexpr (InlineHosts::size == 0) {
      return in.append(request);
    } else {
      return in.append(request, [&](recorded_event const& recorded, Transaction& inside) {
        return inline_apply(recorded, inside);
      });
    }
  }
  void committed(appended const& done) noexcept {
    inline_projectors_.for_each([&](auto& projector) { projector.inline_close(true, done.position); });
  }

  // After the commit: each event goes to the subscribers of the bus, on this thread.
  template <class Decision> void published(Decision const& decided, append_request const& request,
                                           appended const& done) noexcept {
    if (decided.size() == 0) return;
    stream_append const& part = request.streams.front();
    std::uint64_t left = decided.size();
    decided.for_each([&](auto const& event) {
      new_event const& sent = part.events[decided.size() - left];
      --left;
      bus_.publish(event, envelope{.position = position(done.position.value() - left),
                                   .stream = part.stream,
                                   .version = version(done.version.value() - left),
                                   .name = sent.name,
                                   .id = sent.id,
                                   .recorded_at = done.recorded_at,
                                   .tags = sent.tags,
                                   .metadata = sent.metadata});
    });
  }

private:
  result<appended> inline_append(Store& store, append_request const& request) {
    bool touched = false;
    inline_projectors_.for_each([](auto& projector) { projector.inline_open(); });
    auto done = [&] {
      if constexpr (requires { typename Store::transaction; }) {
        return store.append(request, [&](recorded_event const& recorded, typename Store::transaction& in) {
          touched = true;
          return inline_apply(recorded, in);
        });
      } else {
        return store.append(request, [&](recorded_event const& recorded) {
          touched = true;
          return inline_apply(recorded);
        });
      }
    }();
    inline_projectors_.for_each([&](auto& projector) {
      projector.inline_close(touched, done ? std::optional(done->position) : std::nullopt);
    });
    return done;
  }

  template <class... Transaction> result<void> inline_apply(recorded_event const& recorded,
                                                            Transaction&... in) {
    result<void> good;
    inline_projectors_.for_each([&](auto& projector) {
      if (good) good = projector.inline_apply(recorded, in...);
    });
    return good;
  }

  Store& store_;
  InlineHosts& inline_projectors_;
  event_bus& bus_;
  write_options options_;
};

} // namespace cleave::detail
