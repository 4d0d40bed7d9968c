// SPDX-License-Identifier: BSL-1.0
// The end of a version that was dropped: its rows are removed in pieces, each a transaction of bounded length. The row of the versions
// says that it is under way, so that any process goes on with it, after a kill too; nobody writes to those tables meanwhile.
#pragma once

#include <cleave/query/projector_options.hpp>
#include <cleave/query/rebuild.hpp>
#include <cleave/query/version_builds.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace cleave::detail {

// Builds: version_builds. One thread at a time. The references outlive it.
template <class Builds, read_store ReadStore> class version_clearing {
  using session = typename ReadStore::session;

public:
  version_clearing(ReadStore& rows, projector_options const& options, rebuild_options const& rebuild)
      : rows_(rows), options_(options), batch_(options_of_pieces(rebuild)), schedule_(options) {}

  // Stores `to` in place of the row that is known, and begins to remove what is there under the name of this version.
  result<void> begin(projection_versions const& known, projection_versions to, std::size_t version) {
    to.clearing = Builds::name_of(version);
    why_.reset();
    auto done = remove(known, to, version);
    return done ? result<void>() : unexpected(std::move(done).error());
  }
  // One piece. What cannot be removed is tried as often as the options say, and then rests until the program starts anew.
  cleave::step step(projection_versions const& known, std::size_t version) {
    auto const started = options_.clock.now();
    // What a program with another version has left is for that.
    if (known.clearing != Builds::name_of(version) || why_ || !schedule_.due(started)) return step::waiting;
    auto removed = remove(known, known, version);
    if (removed) {
      batch_.done(*removed, options_.clock.now().microseconds() - started.microseconds());
      schedule_.succeeded();
      return step::worked;
    }
    // Another process was here: the row is another one now.
    if (removed.error().code() == errc::version_conflict) return step::worked;
    if (!schedule_.failed(started)) why_ = std::move(removed).error();
    return step::waiting;
  }
  // What could not be removed before is another thing.
  void try_again() noexcept { why_.reset(); }
  std::string failure() const { return why_ ? why_->message() : std::string(); }

private:
  static projector_options options_of_pieces(rebuild_options const& rebuild) {
    projector_options out;
    out.least_batch = 1'000;
    out.batch_us = rebuild.batch_us;
    return out;
  }

  // In one transaction; with the last rows the version is clear. How many.
  result<std::uint64_t> remove(projection_versions const& known, projection_versions to,
                               std::size_t version) {
    std::uint64_t removed = 0;
    auto const most = batch_.next();
    // The name without a version has no checkpoint and gets none.
    auto done = rows_.apply(Builds::stem, position(), [&](session& in) -> result<position> {
      typename ReadStore::versions versions(in, Builds::stem);
      auto const gone = versions.clear(Builds::name_of(version), Builds::tables_of(version), most);
      if (!gone) return unexpected(gone.error());
      removed = *gone;
      if (removed < most) to.clearing.clear();
      if (auto good = Builds::replace(in, known, to); !good) return unexpected(std::move(good).error());
      options_.on_step("cleared");
      return position();
    });
    if (!done) return unexpected(std::move(done).error());
    return removed;
  }

  ReadStore& rows_;
  projector_options const& options_;
  batch_size batch_; // of rows
  retry_schedule schedule_;
  std::optional<error> why_; // it rests
};

} // namespace cleave::detail
