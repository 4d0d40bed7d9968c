// SPDX-License-Identifier: BSL-1.0
// What one command of a boundary depends on, as it was read, and the append that holds only while that is so.
#pragma once

#include <cleave/command/detail/command_type.hpp>
#include <cleave/command/detail/key_turns.hpp>
#include <cleave/command/detail/state_type.hpp>
#include <cleave/command/write_side.hpp>
#include <cleave/event/event_store.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cleave::detail {

// By a query: everything that matches, up to a position; the append's condition is that nothing came behind it.
class query_scope {
public:
  query_scope(boundary_command const& type, void const* command)
      : query_(type.query(command)), view_(query_), stream_(type.stream(command)) {}

  result<void> check(command_type const& type, std::string_view category) const {
    return check_stream_of(type, category, stream_.name());
  }

  // What its states are known by.
  std::string key() const { return query_.key(); }
  // Where it has its turn; valid as long as this is.
  std::span<key_turns::place const> places() {
    place_ = key_turns::place_of(key());
    return {&place_, 1};
  }

  // Folds what matches behind `state.upto`, at most so many events; false: there may be more. After an error the state is half-way.
  // `store` is an event store, or what gives the reads of one inside a commit. Throws what evolve throws.
  template <can_read_all Store>
  result<bool> catch_up(Store& store, state_type const& type, void* state, std::uint64_t& upto,
                        std::uint64_t most = UINT64_MAX) {
    state_fold fold(type, state);
    result<position> read = store.read_all(
        log_range{.after = position(upto), .limit = most, .filter = view_.get()}, fold);
    if (fold.failed()) return unexpected(std::move(*fold.failed()));
    if (!read) return unexpected(std::move(read).error());
    upto = read->value();
    return fold.count() < most;
  }
  template <class Store> result<void> load(Store& store, state_type const& type, void* state) {
    std::uint64_t upto = 0;
    auto whole = catch_up(store, type, state, upto);
    if (!whole) return unexpected(std::move(whole).error());
    condition_ = {.query = view_.get(), .after = position(upto)};
    return {};
  }

  // For an append in the commit in which the state was read: nothing can have come between.
  std::span<stream_append const> streams_inside(std::span<new_event const> events) noexcept {
    part_ = {stream_.name(), expectation::any(), events};
    return {&part_, 1};
  }
  // `events` must live as long as what it is made into.
  result<append_request> request(boundary_command const&, void const*, decided const&,
                                 std::span<new_event const> events) {
    part_ = {stream_.name(), expectation::any(), events};
    return append_request{.streams = {&part_, 1}, .condition = &condition_};
  }

  // The read was one snapshot: what it said was true at that moment.
  template <class Store> command_result refuse(Store& store, rejection const& refused,
                                               command_record const& record) {
    return detail::refuse(store, refused, record);
  }

private:
  boundary_query query_;
  boundary_view view_;
  stream_buffer stream_;
  append_condition condition_{};
  key_turns::place place_ = 0;
  stream_append part_{{}, expectation::any(), {}};
};

// By streams: each up to a version; the append expects each of them there, whether it gets an event or not.
class streams_scope {
public:
  streams_scope(boundary_command const& type, void const* command);

  result<void> check(command_type const&, std::string_view) const;
  std::span<key_turns::place const> places();

  // Throws what evolve throws.
  template <class Store> result<void> load(Store& store, state_type const& type, void* state) {
    state_fold fold(type, state);
    for (part& each : parts_) {
      result<version> read = store.read_stream(each.name, stream_range::all(), fold);
      if (fold.failed()) return unexpected(std::move(*fold.failed()));
      if (!read) return unexpected(std::move(read).error());
      each.version = *read;
    }
    return {};
  }

  // errc::invalid_argument for an event that goes to none of the streams.
  result<append_request> request(boundary_command const& type, void const* command, decided const& decision,
                                 std::span<new_event const> events);

  // Several streams are not read at one moment: the rejection counts only if they all are still as they were read.
  template <class Store>
  command_result refuse(Store& store, rejection const& refused, command_record record) {
    if (parts_.size() < 2) return detail::refuse(store, refused, record);
    record.refused = &refused;
    append_request request = request_without_events();
    if (!record.id.nil()) request.command = &record;
    result<appended> done = store.append(request);
    if (!done) return unexpected(command_failure(std::move(done).error()));
    if (done->repeated) {
      if (auto before = recall(store, record)) return std::move(*before);
    }
    return unexpected(command_failure(refused));
  }

private:
  struct part {
    std::string name;
    cleave::version version;
    std::vector<new_event> events;
  };

  part* find(std::string_view name) noexcept;
  append_request request_without_events();
  std::span<stream_append const> appends();

  std::string_view boundary_; // what errors call it
  std::vector<part> parts_;
  std::vector<stream_append> appends_;
  std::vector<key_turns::place> places_;
};

} // namespace cleave::detail
