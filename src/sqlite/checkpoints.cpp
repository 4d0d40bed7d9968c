// SPDX-License-Identifier: BSL-1.0
#include "checkpoints.hpp"

#include <cleave/base/limits.hpp>
#include <cleave/event/stream.hpp>

namespace cleave::sqlite {

namespace {

result<void> check_projection(std::string_view name) {
  return check_name("projection name", name, limits::projection_name_bytes);
}

} // namespace

result<position> load_checkpoint(database& db, std::string_view projection) {
  if (auto good = check_projection(projection); !good) return unexpected(std::move(good).error());
  auto const found = db.value<std::uint64_t>("SELECT position FROM cleave_checkpoints WHERE name = ?1",
                                             projection);
  if (!found) return unexpected(found.error());
  return position(found->value_or(0));
}

result<void> fill_and_store(database& db, std::string_view projection, position from,
                            function_ref<result<position>(database&)> fill) {
  auto const stored = load_checkpoint(db, projection);
  if (!stored) return unexpected(stored.error());
  if (*stored != from) {
    return unexpected(
        make_error(errc::version_conflict,
                   "projection {}: the stored checkpoint is {}, not {}: another projector was here",
                   projection, *stored, from));
  }
  auto const to = fill(db);
  if (!to) return unexpected(to.error());
  if (*to < from) {
    return unexpected(make_error(errc::invalid_argument,
                                 "projection {}: the checkpoint would go back from {} to {}", projection,
                                 from, *to));
  }
  if (*to == from) return {};
  auto const saved = db.execute("INSERT INTO cleave_checkpoints (name, position) VALUES (?1, ?2) "
                                "ON CONFLICT (name) DO UPDATE SET position = excluded.position",
                                projection, to->value());
  if (!saved) return unexpected(saved.error());
  return {};
}

} // namespace cleave::sqlite
