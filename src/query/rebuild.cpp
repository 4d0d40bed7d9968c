// SPDX-License-Identifier: BSL-1.0
#include <cleave/base/error.hpp>
#include <cleave/query/guarded_rows.hpp>
#include <cleave/query/rebuild.hpp>

#include <algorithm>
#include <limits>
#include <utility>

namespace cleave::detail {

namespace {

constexpr std::uint64_t second_us = 1'000'000;
constexpr std::uint64_t bucket_us = second_us / 5;
constexpr std::int64_t mark_us = 5'000'000;

} // namespace

std::uint64_t rebuild_crew::take(timestamp now) noexcept {
  if (rate_ == 0) return std::numeric_limits<std::uint64_t>::max();
  std::scoped_lock const lock(mutex_);
  auto const rate = static_cast<double>(rate_);
  auto const full = std::max(rate * static_cast<double>(bucket_us), static_cast<double>(second_us));
  if (since_ && now > *since_) {
    auto const passed = static_cast<double>(now.microseconds() - since_->microseconds());
    tokens_ = std::min(full, tokens_ + passed * rate);
  }
  since_ = now;
  auto const whole = static_cast<std::uint64_t>(std::max(0.0, tokens_) / static_cast<double>(second_us));
  auto const share = std::min(whole, std::max<std::uint64_t>(1, whole / workers_));
  tokens_ -= static_cast<double>(share) * static_cast<double>(second_us);
  return share;
}

void rebuild_crew::give_back(std::uint64_t events) noexcept {
  if (rate_ == 0) return;
  std::scoped_lock const lock(mutex_);
  tokens_ += static_cast<double>(events) * static_cast<double>(second_us);
}

std::optional<std::uint64_t> build_of(projection_versions const& row, std::string_view version) noexcept {
  if (version.empty() || row.clearing == version) return std::nullopt;
  if (row.active == version) return row.active_build;
  if (row.beside == version) return row.beside_build;
  return std::nullopt;
}

result<projection_versions> followed(std::string_view projection, projection_versions const& own,
                                     projection_versions const& decided) {
  auto const active = build_of(own, decided.active);
  if (active && *active != decided.active_build)
    return unexpected(make_error(
        errc::invalid_argument,
        "projection {}: the read store has build {} of {}, the one that decides has build {}: they do not belong "
        "together",
        projection, *active, decided.active, decided.active_build));
  auto out = decided;
  out.clearing = own.clearing;
  if (!decided.beside.empty()) {
    // Another build of it, or none, which may have left something: as where it was begun.
    if (build_of(own, decided.beside) != decided.beside_build) out.clearing = decided.beside;
  } else if (!own.beside.empty() && own.beside != decided.active) {
    out.clearing = own.beside;
  } else if (own.active != decided.active) {
    out.clearing = own.active;
  }
  return out;
}

error in_part(partition const& part, error why) {
  if (part.is_all()) return why;
  auto const code = why.code();
  return error(code, format_text("part {} of {}", part.index + 1, part.count), std::move(why));
}

void tell_what_is_left(rebuild_status& status) noexcept {
  status.events_total = std::max(status.events_done, status.events_total);
  auto const left = status.events_total - status.events_done;
  status.left_us.reset();
  if (left == 0) status.left_us = 0;
  else if (status.events_per_second != 0)
    status.left_us = static_cast<std::int64_t>(static_cast<double>(second_us) * static_cast<double>(left) /
                                               static_cast<double>(status.events_per_second));
}

rebuild_status sum_of(std::span<rebuild_status const> parts) {
  rebuild_status out = parts.front();
  if (parts.size() == 1) return out;
  out.failure.clear();
  std::uint64_t done = 0;
  std::uint64_t rate = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    rebuild_status const& part = parts[i];
    done += part.events_done;
    rate += part.events_per_second;
    out.events_total = std::max(out.events_total, part.events_total);
    if (out.stage == rebuild_stage::ready && part.stage != rebuild_stage::ready)
      out.stage = rebuild_stage::building;
    if (out.stage == rebuild_stage::none && part.stage == rebuild_stage::clearing) {
      out.stage = rebuild_stage::clearing;
      out.beside = part.beside;
    }
    if (out.failure.empty() && !part.failure.empty())
      out.failure = format_text("part {} of {}: {}", i + 1, parts.size(), part.failure);
  }
  out.events_done = done / parts.size();
  out.events_per_second = rate / parts.size();
  if (out.events_total != 0 || out.left_us) tell_what_is_left(out);
  return out;
}

rebuild_comparison sum_of(std::span<rebuild_comparison const> parts) {
  if (parts.size() == 1) return parts.front();
  auto const lowest = std::ranges::min(parts, {}, &rebuild_comparison::position).position;
  auto const same = [](rebuild_comparison const& part) { return part.rows == rows_compared::same; };
  auto const first = std::ranges::find_if_not(parts, same);
  if (first == parts.end()) return {.position = lowest, .detail = {}};
  return {first->rows, lowest,
          format_text("part {} of {}: {}", first - parts.begin() + 1, parts.size(), first->detail)};
}

void rate_meter::note(timestamp now, position reached) noexcept {
  if (!older_ || now < newer_.at || reached < newer_.reached) {
    older_ = newer_ = {now, reached};
    return;
  }
  if (now.microseconds() - newer_.at.microseconds() >= mark_us) {
    older_ = newer_;
    newer_ = {now, reached};
  }
  auto const passed = now.microseconds() - older_->at.microseconds();
  if (passed <= 0) return;
  auto const events = static_cast<double>(reached.value() - older_->reached.value());
  rate_ = static_cast<std::uint64_t>(events * static_cast<double>(second_us) / static_cast<double>(passed));
}

error build_is_gone(std::string_view version, std::uint64_t build) {
  return make_error(errc::stopped, "projection {}: build {} of it was dropped", version, build);
}

namespace {

bool one_shape(std::span<table_digest const> live, std::span<table_digest const> next) {
  return std::ranges::equal(live, next, {}, &table_digest::columns, &table_digest::columns);
}

} // namespace

rebuild_comparison compare_tables(position at, std::span<std::string_view const> live_names,
                                  std::span<table_digest const> live,
                                  std::span<std::string_view const> next_names,
                                  std::span<table_digest const> next) {
  rebuild_comparison out{.position = at, .detail = {}};
  if (!one_shape(live, next)) {
    out.rows = rows_compared::other_shape;
    out.detail = format_text("the versions have {} and {} tables, or other columns in one of them",
                             live.size(), next.size());
    return out;
  }
  auto const [a, b] = std::ranges::mismatch(live, next, {}, &table_digest::rows, &table_digest::rows);
  if (a == live.end()) return out;
  auto const table = static_cast<std::size_t>(a - live.begin());
  out.rows = rows_compared::different;
  out.detail = format_text("{} with {} rows and {} with {} differ", live_names[table], a->rows.rows,
                           next_names[table], b->rows.rows);
  return out;
}

error nothing_beside(std::string_view projection, projection_versions const& row) {
  return make_error(errc::not_found, "projection {}: nothing stands beside {}", projection, row.active);
}

error nothing_to_swap(std::string_view projection, projection_versions const& row) {
  if (row.switched)
    return make_error(errc::already_exists, "projection {}: {} has taken the place of {} already", projection,
                      row.active, row.beside);
  return make_error(errc::not_found, "projection {}: {} has not taken the place of {}", projection,
                    row.active, row.beside);
}

error versions_changed(std::string_view projection, projection_versions const& found) {
  return make_error(errc::version_conflict,
                    "projection {}: its versions have changed meanwhile: {} is active, beside it stands {}",
                    projection, found.active, found.beside.empty() ? "none" : std::string_view(found.beside));
}

error version_unknown(std::string_view projection, std::string_view version) {
  return make_error(errc::unsupported, "projection {}: this program does not know its version {}", projection,
                    version);
}

error version_behind(std::string_view version, position reached, position wanted) {
  return make_error(errc::stale, "projection {} is at position {}, {} has been shown", version, reached,
                    wanted);
}

} // namespace cleave::detail
