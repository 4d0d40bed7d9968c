// SPDX-License-Identifier: BSL-1.0
#include "application.hpp"

#include "domain/tables.hpp"

namespace shop {

cleave::result<std::unique_ptr<running_shop>> running_shop::open(std::string const& path, user who) {
  using cleave::sqlite::event_store;
  using cleave::sqlite::read_store;
  auto log = event_store::open({.path = path});
  if (!log) return cleave::unexpected(std::move(log).error());
  auto const made = log->transact([](cleave::sqlite::transaction& in) { return create_tables(in.db()); });
  if (!made) return cleave::unexpected(made.error());
  auto rows = read_store::of(*log);
  if (!rows) return cleave::unexpected(std::move(rows).error());
  return std::unique_ptr<running_shop>(new running_shop(std::move(*log), std::move(*rows), std::move(who)));
}

} // namespace shop
