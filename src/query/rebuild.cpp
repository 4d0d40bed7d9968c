// SPDX-License-Identifier: BSL-1.0
#include <cleave/base/error.hpp>
#include <cleave/query/guarded_rows.hpp>
#include <cleave/query/rebuild.hpp>

#include <algorithm>
#include <limits>

namespace cleave::detail {

namespace {

constexpr std::uint64_t second_us = 1'000'000;
constexpr std::uint64_t bucket_us = second_us / 5;
constexpr std::int64_t mark_us = 5'000'000;

} // namespace

std::uint64_t pace::allowed(timestamp now) noexcept {
  if (rate_ == 0) return std::numeric_limits<std::uint64_t>::max();
  auto const rate = static_cast<double>(rate_);
  auto const full = std::max(rate * static_cast<double>(bucket_us), static_cast<double>(second_us));
  if (since_ && now > *since_) {
    auto const passed = static_cast<double>(now.microseconds() - since_->microseconds());
    tokens_ = std::min(full, tokens_ + passed * rate);
  }
  since_ = now;
  return static_cast<std::uint64_t>(std::max(0.0, tokens_) / static_cast<double>(second_us));
}

void pace::took(std::uint64_t events) noexcept {
  if (rate_ != 0) tokens_ -= static_cast<double>(events) * static_cast<double>(second_us);
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
