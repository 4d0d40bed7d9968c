// SPDX-License-Identifier: BSL-1.0
#include <cleave/query/read_store.hpp>
#include <cleave/sqlite/read_store.hpp>

#include "checkpoints.hpp"
#include "engine.hpp"
#include "inside_scope.hpp"
#include "reader_pool.hpp"
#include "write_file.hpp"

#include <memory>
#include <mutex>

namespace cleave::sqlite {

static_assert(cleave::read_store<read_store> && keeps_dead_letters<read_store> && keeps_leases<read_store> &&
              keeps_versions<read_store> && keeps_partitions<read_store>);

struct read_store::state {
  state(detail::engine* owner, std::unique_ptr<write_file> own_file, database_options const& how,
        std::size_t connections)
      : log(owner), file(std::move(own_file)), busy_wait_ms(how.busy_wait_ms), readers(how, connections) {}

  // A transaction on the file of its own.
  result<void> transact(function_ref<result<void>(database&)> work) {
    if (inside_scope::inside(this)) {
      return unexpected(make_error(
          errc::invalid_argument,
          "{}: apply was called inside a function that runs in its transaction; it would wait for itself",
          file->db().path()));
    }
    std::lock_guard const lock(writing);
    inside_scope const scope(this);
    if (auto begun = file->begin(steady_us() + std::int64_t{busy_wait_ms} * 1'000); !begun) return begun;
    auto done = file->run_application([&] { return work(file->db()); }, [] {});
    if (!done || file->failure()) {
      file->roll_back();
      return done;
    }
    if (auto committed = file->commit(); !committed) return committed;
    if (file->wants_checkpoint()) file->checkpoint();
    return {};
  }

  detail::engine* log; // nullptr: a file of its own
  std::unique_ptr<write_file> file;
  std::uint32_t busy_wait_ms;
  std::mutex writing;
  reader_pool readers; // closed before the file, which writes the WAL back
};

result<read_store> read_store::open(options const& chosen) {
  if (auto good = check_connections(chosen.path, chosen.readers, chosen.checkpoint_pages, chosen.durability);
      !good) {
    return unexpected(std::move(good).error());
  }
  auto file = write_file::open({.path = chosen.path,
                                .vfs = chosen.vfs,
                                .full = chosen.durability == durability::full,
                                .shared = chosen.shared,
                                .busy_wait_ms = chosen.busy_wait_ms,
                                .checkpoint_pages = chosen.checkpoint_pages,
                                .wal_limit_bytes = chosen.wal_limit_bytes},
                               read_store_schema);
  if (!file) return unexpected(std::move(file).error());
  database_options const how{.path = chosen.path, .busy_wait_ms = chosen.busy_wait_ms, .vfs = chosen.vfs};
  return read_store(new state(nullptr, std::unique_ptr<write_file>(*file), how, chosen.readers));
}

result<read_store> read_store::of(event_store& log) {
  event_store_options const& options = log.engine_->options();
  database_options const how{.path = options.path, .busy_wait_ms = options.busy_wait_ms, .vfs = options.vfs};
  return read_store(new state(log.engine_, nullptr, how, options.readers));
}

void read_store::close() noexcept { delete state_; }

result<position> read_store::checkpoint(std::string_view projection) {
  position found;
  auto good = state_->readers.read([&](database& db) -> result<void> {
    auto const stored = load_checkpoint(db, projection);
    if (!stored) return unexpected(stored.error());
    found = *stored;
    return {};
  });
  if (!good) return unexpected(std::move(good).error());
  return found;
}

result<void> read_store::apply(std::string_view projection, position from,
                               function_ref<result<position>(session&)> fill) {
  auto const work = [&](database& db) { return fill_and_store(db, projection, from, fill); };
  if (state_->log == nullptr) return state_->transact(work);
  return state_->log->transact([&](transaction& inside) { return work(inside.db()); });
}

result<void> read_store::read(function_ref<result<void>(session&)> ask) {
  return state_->readers.read([&](database& db) -> result<void> {
    try {
      return ask(db);
    } catch (...) {
      return unexpected(cleave::detail::current_exception_error("a function that reads the read store"));
    }
  });
}

} // namespace cleave::sqlite
