// SPDX-License-Identifier: BSL-1.0
// Parking events of a stored projection, within the transactions of its projector.
#pragma once

#include <cleave/query/dead_letter.hpp>
#include <cleave/query/partition.hpp>
#include <cleave/query/projector.hpp>
#include <cleave/query/read_store.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace cleave::detail {

// One thread at a time. The references outlive it.
template <class P, class Store, read_store ReadStore> class letter_parking {
  using session = typename ReadStore::session;

public:
  letter_parking(Store& log, P const& projection, projector_options const& options, partition const& part)
      : log_(log), projection_(projection), options_(options), part_(part) {}

  // Another projector was here: how many wait is not known any more.
  void forget() noexcept { waiting_.reset(); }

  // Feeds a range; the later events of keys that have dead letters are parked behind them and not applied. Events of other parts
  // are passed over.
  template <class Apply> result<position> feed_around(feed_range const& range, session& in, fed& seen,
                                                      Apply&& apply) {
    std::uint64_t passed = 0;
    if constexpr (keeps_dead_letters<ReadStore>) {
      typename ReadStore::dead_letters letters(in, P::name);
      result<bool> const any = letters.any();
      if (!any) return unexpected(any.error());
      if (*any) {
        auto read = feed<P>(
            log_, range, seen,
            [&](envelope const& at) -> result<bool> {
              auto const& key = key_of(projection_, at);
              if (!part_.is_all() && !part_.holds(key)) {
                ++passed;
                return true;
              }
              auto held = letters.holds(key);
              if (!held || !*held) return held;
              if (auto parked = park(letters, at, key, waits_behind(), 0); !parked)
                return unexpected(std::move(parked).error());
              return true;
            },
            apply);
        seen.passed = passed;
        return read;
      }
    }
    if (part_.is_all()) return feed<P>(log_, range, seen, take_all(), apply);
    auto read = feed<P>(
        log_, range, seen,
        [&](envelope const& at) -> result<bool> {
          bool const ours = part_.holds(key_of(projection_, at));
          if (!ours) ++passed;
          return !ours;
        },
        apply);
    seen.passed = passed;
    return read;
  }

  // Parks the event at this position, which has failed so often.
  result<void> park_event(position at, error const& why, unsigned attempts, session& in) {
    if constexpr (!keeps_dead_letters<ReadStore>) {
      static_cast<void>(at);
      return unexpected(error(errc::unsupported, "the read store keeps no dead letters", why));
    } else {
      typename ReadStore::dead_letters letters(in, P::name);
      fed seen;
      auto read = feed<P>(
          log_, {.after = position(at.value() - 1), .limit = 1}, seen,
          [&](envelope const& of) -> result<bool> {
            auto const& key = key_of(projection_, of);
            if (auto good = park(letters, of, key, why.message(), attempts); !good)
              return unexpected(std::move(good).error());
            return true;
          },
          [](auto const&, envelope const&) -> result<void> { return {}; });
      if (!read) return unexpected(std::move(read).error());
      if (seen.last != at) return unexpected(letter_without_event(P::name, at));
      return {};
    }
  }

private:
  template <class Letters>
  result<void> park(Letters& letters, envelope const& at, std::string_view key, std::string_view why,
                    unsigned attempts) {
    // What is known is never less than what waits, unless another projector was here: a retry only takes away.
    if (!waiting_ || *waiting_ >= options_.dead_letters) {
      auto const waiting = letters.count();
      if (!waiting) return unexpected(waiting.error());
      waiting_ = *waiting;
      if (*waiting >= options_.dead_letters)
        return unexpected(make_error(errc::limit_exceeded, "{} dead letters wait, the limit is {}", *waiting,
                                     options_.dead_letters));
    }
    auto done = letters.park(dead_letter{at.position, std::string(key), std::string(at.name),
                                         std::string(why), attempts, options_.clock.now()});
    if (!done) return done;
    ++*waiting_;
    options_.on_step("parked");
    return done;
  }

  Store& log_;
  P const& projection_;
  projector_options const& options_;
  partition const part_;
  std::optional<std::uint64_t> waiting_; // at most so many dead letters wait; nothing: not known
};

} // namespace cleave::detail
