// SPDX-License-Identifier: BSL-1.0
#include <cleave/sqlite/event_store.hpp>

#include "engine.hpp"
#include "log_reader.hpp"

namespace cleave::sqlite {

namespace {

// What is committed, as the pool's connections see it.
class committed_log final : public snapshot_source {
public:
  explicit committed_log(detail::engine& owner, log_texts* texts = nullptr) noexcept
      : owner_(owner), texts_(texts) {}
  log_texts* kept_texts() noexcept override { return texts_; }
  result<void> read(reading work) override { return owner_.readers().read(work); }
  result<std::optional<stream_end>> find(database& db, stream_name stream) override {
    auto const extent = read_extent(db);
    if (!extent) return unexpected(extent.error());
    auto const id = owner_.recent().names.find(db, *extent, stream.text());
    if (!id) return unexpected(id.error());
    if (!*id) return std::optional<stream_end>();
    if (**id == recent_names::none) return std::optional(stream_end());
    auto const head = owner_.recent().heads.find(db, *extent, **id);
    if (!head) return unexpected(head.error());
    if (!*head) return std::optional<stream_end>();
    return std::optional(stream_end{**id, **head});
  }

private:
  detail::engine& owner_;
  log_texts* texts_;
};

} // namespace

static_assert(cleave::event_store<event_store>);
static_assert(keeps_snapshots<event_store>);

result<event_store> event_store::open(options const& chosen) {
  auto engine = detail::engine::open(chosen);
  if (!engine) return unexpected(std::move(engine).error());
  return event_store(*engine);
}

void event_store::close() noexcept { delete engine_; }

result<appended> event_store::append(append_request const& request) { return engine_->append(request); }

result<appended> event_store::append(append_request const& request, inline_hook hook) {
  return engine_->append(request, hook);
}

result<void> event_store::async_append_with(append_request const& request,
                                            std::unique_ptr<detail::append_completion> completion) {
  return engine_->async_append(request, std::move(completion));
}

result<void> event_store::decide_in_commit(function_ref<result<void>(commit_scope&)> work) {
  return engine_->decide_in_commit(work);
}

result<void> event_store::transact(function_ref<result<void>(transaction&)> work) {
  return engine_->transact(work);
}

result<version> event_store::read_stream_with(stream_name stream, stream_range range,
                                              cleave::detail::envelope_part wanted, sink_ref sink) {
  committed_log source(*engine_);
  return sqlite::read_stream(source, stream, range, wanted, sink);
}

result<position> event_store::read_all_with(log_range const& range, sink_ref sink) {
  texts_pool::lease const texts(engine_->texts());
  committed_log source(*engine_, &*texts);
  return sqlite::read_all(source, range, sink);
}

result<position> event_store::head() {
  position found;
  auto good = engine_->readers().read([&](database& db) -> result<void> {
    auto const head = read_head(db);
    if (!head) return unexpected(head.error());
    found = *head;
    return {};
  });
  if (!good) return unexpected(std::move(good).error());
  return found;
}

result<std::optional<command_outcome>> event_store::find_command(command_id id) {
  std::optional<recent_outcomes::found> found;
  while (!found) {
    auto good = engine_->readers().read([&](database& db) -> result<void> {
      auto const extent = read_extent(db);
      if (!extent) return unexpected(extent.error());
      auto outcome = engine_->recent().outcomes.find(db, *extent, id);
      if (!outcome) return unexpected(std::move(outcome).error());
      found = std::move(*outcome);
      return {};
    });
    if (!good) return unexpected(std::move(good).error());
  }
  return std::move(*found);
}

// Most streams have their names, and many their ends, in the tables: then one statement finds all.
result<std::optional<stream_snapshot>> event_store::find_snapshot(stream_name stream,
                                                                  std::uint64_t fingerprint) {
  std::optional<stream_snapshot> found;
  bool in_table = false;
  auto const take = [&](reader& db) -> result<void> {
    auto rows = db.prepare(
        "SELECT i.id, coalesce(h.version, 0), coalesce(h.position, 0), s.version, s.data "
        "FROM cleave_stream_ids i LEFT JOIN cleave_heads h ON h.stream = i.id "
        "LEFT JOIN cleave_snapshots s ON s.stream = i.id AND s.fingerprint = ?2 WHERE i.name = ?1");
    if (!rows) return unexpected(std::move(rows).error());
    if (auto good = rows->bind(stream.text(), static_cast<std::int64_t>(fingerprint)); !good) return good;
    auto const there = rows->step();
    if (!there) return unexpected(there.error());
    in_table = *there;
    if (!in_table) return {};
    auto row = rows->row<std::int64_t, std::uint64_t, std::uint64_t, std::optional<std::uint64_t>,
                         std::optional<std::string_view>>();
    if (!row) return unexpected(std::move(row).error());
    auto const& [id, last, at, upto, data] = *row;
    if (!upto || !data) return {};
    // The statement is at its row: what is read now is of the same snapshot.
    auto const extent = db.extent();
    if (!extent) return unexpected(extent.error());
    auto const end = engine_->recent().heads.find(db, *extent, id, stream_head{{last, at}, {}});
    if (!end) return unexpected(end.error());
    found = stream_snapshot{version(*upto), std::string(*data),
                            *end ? version((*end)->last.version) : version()};
    return {};
  };
  if (auto good = engine_->readers().lend(take); !good) return unexpected(std::move(good).error());
  if (in_table) return found;
  for (bool current = false; !current;) {
    auto good = engine_->readers().read([&](reader& db) -> result<void> {
      auto const extent = db.extent();
      if (!extent) return unexpected(extent.error());
      auto const id = engine_->recent().names.find(db, *extent, stream.text());
      if (!id) return unexpected(id.error());
      current = id->has_value();
      if (!current || **id == recent_names::none) return {};
      auto row = db.first<std::uint64_t, std::string>(
          "SELECT version, data FROM cleave_snapshots WHERE stream = ?1 AND fingerprint = ?2", **id,
          static_cast<std::int64_t>(fingerprint));
      if (!row) return unexpected(row.error());
      if (!*row) return {};
      auto const end = engine_->recent().heads.find(db, *extent, **id);
      if (!end) return unexpected(end.error());
      found = stream_snapshot{version(std::get<0>(**row)), std::move(std::get<1>(**row)),
                              *end ? version((*end)->last.version) : version()};
      return {};
    });
    if (!good) return unexpected(std::move(good).error());
  }
  return found;
}

durability event_store::durability() const noexcept { return engine_->options().durability; }

commit_signal& event_store::commits() noexcept { return engine_->commits(); }

write_counts event_store::counts() const { return engine_->counts(); }

} // namespace cleave::sqlite
