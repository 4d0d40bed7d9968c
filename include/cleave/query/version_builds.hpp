// SPDX-License-Identifier: BSL-1.0
// The two versions of a projection that can be rebuilt, as a program knows them: what it asks of their types, and the build of each
// that is there, with its projector. Who changes them is query/rebuildable_projector.hpp.
#pragma once

#include <cleave/query/guarded_rows.hpp>
#include <cleave/query/projection_name.hpp>
#include <cleave/query/rebuild.hpp>
#include <cleave/query/stored_projector.hpp>

#include <atomic>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace cleave::detail {

template <class P>
concept names_tables = requires {
  std::span<std::string_view const>(P::tables);
  std::bool_constant<!std::span<std::string_view const>(P::tables).empty()>();
};

template <class Live, class Next> struct checked_versions {
  static constexpr std::string_view stem = projection_stem(Live::name);
  template <class A, class B> static consteval bool disjoint() {
    for (std::string_view const a : A::tables) {
      for (std::string_view const b : B::tables) {
        if (a == b) return false;
      }
    }
    return true;
  }
  static_assert(
      stem != std::string_view(Live::name) && stem == projection_stem(Next::name) &&
          std::string_view(Live::name) != std::string_view(Next::name),
      "cleave: the versions of a projection are named alike but for the number: \"revenue.v1\" and \"revenue.v2\"");
  static_assert(
      names_tables<Live> && names_tables<Next>,
      "cleave: a version of a projection names its tables, so that they can be compared and dropped: add `static "
      "constexpr std::array<std::string_view, 1> tables = {\"...\"}`");
  static_assert(
      [] {
        if constexpr (names_tables<Live> && names_tables<Next>) return disjoint<Live, Next>();
        else return true;
      }(),
      "cleave: two versions of a projection have a table in common: who drops one takes the rows of the other");
  static_assert(std::is_same_v<queries_of<Live>, queries_of<Next>>,
                "cleave: the versions of a projection answer the same queries: give them one `queries`");
  static constexpr bool value = true;
};

template <class ReadStore> struct checked_version_store {
  static_assert(keeps_versions<ReadStore>, "cleave: the read store keeps no versions of projections");
  static constexpr bool value = true;
};

// Versions are 0, Live, and 1, Next. One thread at a time, but for active(). The references outlive it.
template <class Live, class Next, class Store, read_store ReadStore> class version_builds {
  using session = typename ReadStore::session;
  using guarded = guarded_rows<ReadStore>;

public:
  static constexpr std::string_view stem = checked_versions<Live, Next>::stem;
  template <class V> using projector_of = stored_projector<V, Store, guarded>;

  // `told`: what the queries see; events that the active version applies are noted there. `part`: the builds are of these keys.
  version_builds(Store& log, ReadStore& rows, projection_progress& told, partition const& part) noexcept
      : log_(log), rows_(rows), told_(told), part_(part) {}

  static constexpr std::string_view name_of(std::size_t index) noexcept {
    return index == 0 ? std::string_view(Live::name) : std::string_view(Next::name);
  }
  static constexpr std::span<std::string_view const> tables_of(std::size_t index) noexcept {
    return index == 0 ? std::span<std::string_view const>(Live::tables)
                      : std::span<std::string_view const>(Next::tables);
  }
  // The row that says which version answers.
  static result<projection_versions> find(session& in) {
    typename ReadStore::versions versions(in, stem);
    return versions.find(Live::name);
  }

  // In a transaction, in place of the row that is known. errc::version_conflict where it is another one by now.
  static result<void> replace(session& in, projection_versions const& known, projection_versions const& to) {
    auto const stored = find(in);
    if (!stored) return unexpected(stored.error());
    if (*stored != known) return unexpected(versions_changed(stem, *stored));
    typename ReadStore::versions versions(in, stem);
    return versions.put(to);
  }

  // The version that answers, as far as is known here.
  std::size_t active() const noexcept { return active_.load(std::memory_order_acquire); }
  void activate(std::size_t index) noexcept { active_.store(index, std::memory_order_release); }

  bool is_there(std::size_t index) const noexcept {
    return index == 0 ? first_.has_value() : second_.has_value();
  }
  // f(projector) of a build that is there.
  template <class F> decltype(auto) with(std::size_t index, F&& f) {
    return index == 0 ? f(first_->projector) : f(second_->projector);
  }
  // Makes sure that this build of the version is there. True: it was made now.
  bool keep(std::size_t index, std::uint64_t number, projector_options const& options) {
    if (is_there(index) && (index == 0 ? first_->rows.build() : second_->rows.build()) == number)
      return false;
    if (index == 0) first_.emplace(*this, index, number, options);
    else second_.emplace(*this, index, number, options);
    return true;
  }
  void lose(std::size_t index) noexcept {
    if (index == 0) first_.reset();
    else second_.reset();
  }

  // Steps it until it reflects what is wanted, with or without its lease. errc::stale when it does not come there.
  result<void> bring_up(std::size_t index, position wanted, step_bounds bounds = {},
                        int most_steps = INT32_MAX) {
    bounds.without_lease = true;
    return with(index, [&](auto& projector) -> result<void> {
      for (int i = 0; projector.reached() < wanted; ++i) {
        bool const more = i < most_steps && projector.step(bounds) == step::worked;
        if (more || projector.reached() >= wanted) continue;
        if (projector.progress().failed()) return projector.progress().wait(at_least(position(UINT64_MAX)));
        return unexpected(version_behind(name_of(index), projector.reached(), wanted));
      }
      return {};
    });
  }

  // Whether this snapshot has that row, and the rows of both versions as of there: they have reached it, and nobody has taken them
  // further. A stored checkpoint may be before, where events of others were passed over.
  static result<bool> both_are_at(session& in, projection_versions const& known, position at) {
    typename ReadStore::versions versions(in, stem);
    auto const row = versions.find(Live::name);
    if (!row) return unexpected(row.error());
    auto const first = versions.checkpoint(Live::name);
    if (!first) return unexpected(first.error());
    auto const second = versions.checkpoint(Next::name);
    if (!second) return unexpected(second.error());
    return *row == known && *first <= at && *second <= at;
  }
  // Of all rows in this snapshot.
  static result<rebuild_comparison> compare(session& in, std::size_t live, position at) {
    auto const of_live = digests(in, live);
    if (!of_live) return unexpected(of_live.error());
    auto const of_next = digests(in, 1 - live);
    if (!of_next) return unexpected(of_next.error());
    return compare_tables(at, tables_of(live), *of_live, tables_of(1 - live), *of_next);
  }

private:
  static result<std::vector<table_digest>> digests(session& in, std::size_t index) {
    typename ReadStore::versions versions(in, stem);
    std::vector<table_digest> all;
    for (std::string_view const table : tables_of(index)) {
      auto one = versions.digest(table);
      if (!one) return unexpected(std::move(one).error());
      all.push_back(std::move(*one));
    }
    return all;
  }

  // One build of one version, while it is active or beside.
  template <class V> struct build {
    build(version_builds& host, std::size_t place, std::uint64_t number, projector_options const& options)
        : owner(host),
          index(place),
          rows(host.rows_, stem, Live::name, V::name, number),
          projector(host.log_, rows, V{}, options, policy_of<V>(options.on_failure), host.part_) {
      projector.progress().add_cache(link);
    }
    build(build const&) = delete;
    build& operator=(build const&) = delete;

    // The caches are of the projection: what the version applies that does not answer is nothing to them.
    static void touch(void* self, cache_key key, position at) noexcept {
      auto& me = *static_cast<build*>(self);
      if (me.owner.active() == me.index) me.owner.told_.touch(key, at);
    }
    static void rewritten(void* self) noexcept {
      auto& me = *static_cast<build*>(self);
      if (me.owner.active() == me.index) me.owner.told_.forget_answers();
    }

    version_builds& owner;
    std::size_t index;
    guarded rows;
    cache_link link{.cache = this, .touch = &touch, .rewritten = &rewritten};
    projector_of<V> projector;
  };

  Store& log_;
  ReadStore& rows_;
  projection_progress& told_;
  partition const part_;
  std::atomic<std::size_t> active_ = 0; // never ahead of what that version has reached
  std::optional<build<Live>> first_;
  std::optional<build<Next>> second_;
};

} // namespace cleave::detail
