// SPDX-License-Identifier: BSL-1.0
// A read model in a read store, the loop that feeds it from the log, and the answers from it.
#pragma once

#include <cleave/query/projector.hpp>
#include <cleave/query/read_store.hpp>

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>

namespace cleave {

namespace detail {

// `on` may return nothing or result<void>.
template <class P, class E, class Session>
result<void> apply_to_session(P& projection, E const& event, envelope const& at, Session& in) {
  if constexpr (std::is_void_v<decltype(projection.on(event, at, in))>) {
    projection.on(event, at, in);
    return {};
  } else {
    return projection.on(event, at, in);
  }
}

} // namespace detail

// Owns one projection of the stored form. Rows and checkpoint are committed together, so that each event takes effect exactly once,
// whatever ends the process. Any thread, all functions: steps take turns.
template <class P, class Store, read_store ReadStore> class stored_projector {
  using session = typename ReadStore::session;
  static_assert(detail::checked_stored_projection<P, session>);

public:
  using queries = detail::queries_of<P>;

  stored_projector(Store& log, ReadStore& rows, P projection, projector_options const& options)
      : log_(log), rows_(rows), projection_(std::move(projection)), options_(options), progress_(P::name) {}

  projection_progress& progress() noexcept { return progress_; }
  position reached() const noexcept { return progress_.reached(); }
  result<void> wait(at_least wanted) { return detail::wait_for(*this, wanted, options_.threads); }

  // Creates the tables and reads the checkpoint, so that a query finds something to ask even before the first step. Called once,
  // before any step; what fails here is tried again, and told, by the first step.
  void prepare() noexcept {
    std::scoped_lock const lock(stepping_);
    if (auto const found = attach()) progress_.advance(*found);
  }

  // Each step applies one batch; the first one does what prepare() could not.
  cleave::step step() noexcept {
    // Without threads every waiting query steps what it waits for, and several may wait at once.
    std::scoped_lock const lock(stepping_);
    if (progress_.failed()) return step::failed;
    auto const before = reached();
    bool const first = !stored_;
    auto reached_now = attach().and_then([&](position after) { return advance(std::max(after, before)); });
    if (reached_now) {
      failures_ = 0;
      if (careful_ > 0) --careful_;
      progress_.advance(*reached_now);
      return first || *reached_now > before ? step::worked : step::idle;
    }
    // Another projector, perhaps in another process, may have moved the checkpoint: look again. A conflict at the checkpoint of
    // the one before was no race, because nobody has moved it in between.
    stored_.reset();
    if (reached_now.error().code() == errc::version_conflict && conflict_at_ != tried_at_) {
      conflict_at_ = tried_at_;
      return step::worked;
    }
    // Event by event from here, so that everything before the one that fails is applied.
    if (careful_ == 0) {
      careful_ = options_.batch;
      return step::worked;
    }
    if (++failures_ < options_.attempts) return step::worked;
    progress_.fail(std::move(reached_now).error());
    return step::failed;
  }

  // The answer as of one snapshot of the read store.
  template <class Q> result<typename Q::result_type> answer(Q const& q) const {
    std::optional<result<typename Q::result_type>> answered;
    auto asked = rows_.read([&](session& in) -> result<void> {
      answered.emplace(projection_.answer(q, in));
      return {};
    });
    if (!asked) return unexpected(std::move(asked).error());
    return std::move(*answered);
  }

private:
  // The stored checkpoint.
  result<position> attach() {
    if (stored_) return *stored_;
    auto found = rows_.checkpoint(P::name);
    if (!found) return found;
    tried_at_ = *found;
    if constexpr (requires(session& in) { projection_.create(in); }) {
      auto created = rows_.apply(P::name, *found, [&](session& in) -> result<position> {
        if constexpr (std::is_void_v<decltype(projection_.create(in))>) {
          projection_.create(in);
        } else {
          if (auto done = projection_.create(in); !done) return unexpected(std::move(done).error());
        }
        return *found;
      });
      if (!created) return unexpected(std::move(created).error());
    }
    stored_ = *found;
    return found;
  }

  result<position> advance(position after) {
    auto quiet = skip_what_is_not_ours(after);
    if (!quiet) return unexpected(std::move(quiet).error());
    if (*quiet) return **quiet;
    position to = after;
    auto applied = rows_.apply(P::name, *stored_, [&](session& in) -> result<position> {
      auto read = detail::feed<P>(log_, after, careful_ > 0 ? 1 : options_.batch,
                                  [&](auto const& event, envelope const& at) {
                                    return detail::apply_to_session(projection_, event, at, in);
                                  });
      if (read) to = *read;
      return read;
    });
    if (!applied) return unexpected(std::move(applied).error());
    stored_ = to;
    return to;
  }

  // When no event of this projection waits, the log's end is reached without a transaction; only now and then is that stored.
  // Nothing when one waits.
  result<std::optional<position>> skip_what_is_not_ours(position after) {
    query_item const item{.names = stored_names<typename P::events>};
    bool found = false;
    auto read = log_.read_all(log_range{.after = after, .limit = 1, .filter = {{&item, 1}}},
                              [&](recorded_event const&) {
                                found = true;
                                return false;
                              });
    if (!read) return unexpected(std::move(read).error());
    if (found) return std::optional<position>();
    if (*read == after || read->value() - stored_->value() < skipped_between_checkpoints)
      return std::optional(*read);
    auto saved = rows_.apply(P::name, *stored_, [&](session&) -> result<position> { return *read; });
    if (!saved) return unexpected(std::move(saved).error());
    stored_ = *read;
    return std::optional(*read);
  }

  static constexpr std::uint64_t skipped_between_checkpoints = 10'000;

  Store& log_;
  ReadStore& rows_;
  P projection_;
  projector_options options_;
  projection_progress progress_;
  std::mutex stepping_;                 // guards what follows, and the projection while it applies events
  std::optional<position> stored_;      // the checkpoint in the read store, once it is known
  position tried_at_;                   // the checkpoint as it was found last
  std::optional<position> conflict_at_; // the same at the last version_conflict
  unsigned failures_ = 0;               // in a row, of one event
  std::uint64_t careful_ = 0;           // so many more batches have one event, because a whole one has failed
};

} // namespace cleave
