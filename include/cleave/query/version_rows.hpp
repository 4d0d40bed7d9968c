// SPDX-License-Identifier: BSL-1.0
// The row that says which version of a projection answers, as one part of the projection sees it. The row in the first read store decides
// for all parts, so that one transaction begins, switches or drops a version everywhere. Each other read store has a copy, which says what
// it has itself, and follows in a transaction of its own: by a step of any process, also after a kill between the two.
#pragma once

#include <cleave/query/partition.hpp>
#include <cleave/query/rebuild.hpp>
#include <cleave/query/version_builds.hpp>

#include <optional>
#include <utility>

namespace cleave::detail {

// A projection as one of several that are one: which part it is, the read store that decides for all, and what they share.
template <class ReadStore> struct part_of_rebuild {
  ReadStore* first;
  partition part;
  rebuild_crew* crew;
};
// Which version an answer is of.
struct answered_by {
  std::size_t version = 0;
  std::uint64_t build = 0;
  friend bool operator==(answered_by const&, answered_by const&) = default;
};

// Builds: version_builds. Any thread. The read stores outlive it; `own` is `first` where the part is the first one, or the only one.
template <class Builds, read_store ReadStore> class version_rows {
  using session = typename ReadStore::session;

public:
  version_rows(ReadStore& first, ReadStore& own, partition const& part) noexcept
      : first_(first), own_(own), part_(part) {}

  // Before anything else: makes sure that the read store has this part of the projection, and no other one.
  result<void> take_part() {
    if constexpr (keeps_partitions<ReadStore>) {
      bool fresh = false;
      auto asked = own_.read([&](session& in) -> result<void> {
        auto const known = is_ours(in);
        if (!known) return unexpected(known.error());
        fresh = !*known;
        return {};
      });
      if (!asked || !fresh || part_.is_all()) return asked;
      return own_.apply(Builds::stem, position(), [&](session& in) -> result<position> {
        auto const known = is_ours(in);
        if (!known) return unexpected(known.error());
        typename ReadStore::partitions parts(in, Builds::stem);
        if (!*known) {
          if (auto put = parts.put(part_); !put) return unexpected(std::move(put).error());
        }
        return position();
      });
    }
    return {};
  }

  // The row of this part, once it has followed what was decided.
  result<projection_versions> follow() {
    auto own = read(own_);
    if (!own || decides()) return own;
    auto decided = read(first_);
    if (!decided) return decided;
    auto to = followed(Builds::stem, *own, *decided);
    if (!to || *to == *own) return to;
    // Anew within the transaction: who comes later sees what was decided later.
    auto done = own_.apply(Builds::stem, position(), [&](session& in) -> result<position> {
      auto const now = Builds::find(in);
      if (!now) return unexpected(now.error());
      auto const wanted = read(first_);
      if (!wanted) return unexpected(wanted.error());
      to = followed(Builds::stem, *now, *wanted);
      if (!to) return unexpected(to.error());
      typename ReadStore::versions versions(in, Builds::stem);
      if (auto put = versions.put(*to); !put) return unexpected(std::move(put).error());
      return position();
    });
    if (!done) return unexpected(std::move(done).error());
    return to;
  }

  // The row of this part in a snapshot of its read store, if by what was decided later than that its active version still answers.
  result<std::optional<projection_versions>> answering(session& in) {
    auto own = Builds::find(in); // from here on the snapshot stands
    if (!own) return unexpected(std::move(own).error());
    if (!decides()) {
      auto const decided = read(first_);
      if (!decided) return unexpected(decided.error());
      if (build_of(*own, decided->active) != decided->active_build)
        return std::optional<projection_versions>();
      own->active = decided->active;
      own->active_build = decided->active_build;
    }
    return std::optional(std::move(*own));
  }

private:
  bool decides() const noexcept { return part_.index == 0; }

  static result<projection_versions> read(ReadStore& rows) {
    std::optional<projection_versions> found;
    auto asked = rows.read([&](session& in) -> result<void> {
      auto row = Builds::find(in);
      if (!row) return unexpected(std::move(row).error());
      found = std::move(*row);
      return {};
    });
    if (!asked) return unexpected(std::move(asked).error());
    return std::move(*found);
  }

  // Whether the read store says so; nobody has used it before where it says nothing.
  result<bool> is_ours(session& in) const {
    typename ReadStore::partitions parts(in, Builds::stem);
    auto const kept = parts.find();
    if (!kept) return unexpected(kept.error());
    if (*kept) {
      if (**kept != part_) return unexpected(other_partition(Builds::stem, **kept, part_));
      return true;
    }
    auto const row = Builds::find(in);
    if (!row) return unexpected(row.error());
    if (!part_.is_all() && *row != projection_versions{.active = row->active, .beside = {}})
      return unexpected(other_partition(Builds::stem, {}, part_));
    return false;
  }

  ReadStore& first_;
  ReadStore& own_;
  partition part_;
};

} // namespace cleave::detail
