// SPDX-License-Identifier: BSL-1.0
#include <cleave/sqlite/transaction.hpp>

#include "checkpoints.hpp"
#include "engine.hpp"
#include "log_reader.hpp"

namespace cleave::sqlite {

namespace {

// The writer's own connection: what it reads is inside its transaction.
class own_connection final : public snapshot_source {
public:
  own_connection(database& db, log_writer& log) noexcept : db_(db), log_(log) {}
  result<void> read(reading work) override { return work(db_); }
  result<std::optional<stream_end>> find(database&, stream_name stream) override {
    auto const end = log_.find_end(stream);
    if (!end) return unexpected(end.error());
    if (end->head.last.position >= log_.first_pending()) {
      if (auto good = log_.write_rows(); !good) return unexpected(std::move(good).error());
    }
    return std::optional(*end);
  }
  result<std::optional<std::int64_t>> find_name(database& db, std::string_view name) override {
    return log_.find_name(db, name);
  }
  result<std::optional<std::int64_t>> find_tag(database& db, std::string_view tag) override {
    return log_.find_tag(db, tag);
  }
  log_texts* kept_texts() noexcept override { return &log_.texts(); }

private:
  database& db_;
  log_writer& log_;
};

} // namespace

result<appended> transaction::append(append_request const& request) {
  return append(request, [](recorded_event const&, transaction&) -> result<void> { return {}; });
}

result<appended> transaction::append(append_request const& request, inline_hook hook) {
  return owner_->append_now(request, hook, *this);
}

result<position> transaction::checkpoint(std::string_view projection) {
  return load_checkpoint(*db_, projection);
}

result<void> transaction::apply(std::string_view projection, position from,
                                function_ref<result<position>(database&)> fill) {
  return fill_and_store(*db_, projection, from, fill);
}

void transaction::keep_snapshot(stream_name stream, version upto, std::uint64_t fingerprint,
                                std::string_view data) {
  write_file& file = owner_->writer().file();
  auto const end = owner_->writer().log().find_end(stream);
  if (!end) return file.note_failure(end.error());
  auto const kept = db_->execute(
      "INSERT OR REPLACE INTO cleave_snapshots (stream, version, fingerprint, data) "
      "VALUES (?1, ?2, ?3, ?4)",
      end->id, upto.value(), static_cast<std::int64_t>(fingerprint), data);
  if (!kept) file.note_failure(kept.error());
}

std::uint64_t transaction::rollbacks() const noexcept { return owner_->writer().log().rollbacks(); }

result<appended> commit_scope::append(append_request const& request) {
  if (appended_) {
    return unexpected(
        error(errc::invalid_argument, "a decision inside a commit appends once: use transact for more"));
  }
  auto done = owner_->append_decided(request, *encoded_);
  appended_ = done.has_value();
  return done;
}

result<position> transaction::head() { return owner_->writer().log().head(); }

result<std::optional<command_outcome>> transaction::find_command(command_id id) {
  return owner_->writer().log().find_command(id);
}

result<position> transaction::read_all_with(log_range const& range,
                                            function_ref<bool(recorded_event const&)> sink) {
  log_writer& log = owner_->writer().log();
  if (auto good = log.write_rows(); !good) return unexpected(std::move(good).error());
  own_connection source(*db_, log);
  return sqlite::read_all(source, range, sink);
}

result<version> transaction::read_stream_with(stream_name stream, stream_range range,
                                              cleave::detail::envelope_part wanted,
                                              function_ref<bool(recorded_event const&)> sink) {
  own_connection source(*db_, owner_->writer().log());
  return sqlite::read_stream(source, stream, range, wanted, sink);
}

} // namespace cleave::sqlite
