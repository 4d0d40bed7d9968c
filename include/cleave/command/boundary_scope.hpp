// SPDX-License-Identifier: BSL-1.0
// What one command of a boundary depends on, as it was read, and the append that holds only while that is so.
#pragma once

#include <cleave/command/aggregate_cache.hpp>
#include <cleave/command/boundary.hpp>
#include <cleave/command/write_side.hpp>
#include <cleave/event/event_store.hpp>

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace cleave::detail {

// By a query: everything that matches, up to a position; the append's condition is that nothing came behind it.
template <class B> class query_scope {
public:
  template <class C> explicit query_scope(C const& command)
      : query_(B::boundary(command)), view_(query_), stream_(B::category, B::id(command)) {}

  template <class C> result<void> check() const { return check_stream_of<C>(B::category, stream_.name()); }

  // What its states are known by.
  std::string key() const { return query_.key(); }

  // Folds what matches behind `state.upto`, at most so many events; false: there may be more. After an error the state is half-way.
  // `store` is an event store, or what gives the reads of one inside a commit.
  template <can_read_all Store>
  result<bool> catch_up(Store& store, folded<B>& state, std::uint64_t most = UINT64_MAX) {
    boundary_fold<B> fold(state.state);
    result<position> read = store.read_all(
        log_range{.after = state.upto, .limit = most, .filter = view_.get()}, fold);
    if (fold.failed()) return unexpected(std::move(*fold.failed()));
    if (!read) return unexpected(std::move(read).error());
    state.upto = *read;
    return fold.count() < most;
  }
  template <class Store> result<B> load(Store& store) {
    folded<B> state;
    if (auto whole = catch_up(store, state); !whole) return unexpected(std::move(whole).error());
    condition_ = {.query = view_.get(), .after = state.upto};
    return std::move(state.state);
  }

  // For an append in the commit in which the state was read: nothing can have come between.
  append_request request_inside(std::span<new_event const> events) noexcept {
    part_ = {stream_.name(), expectation::any(), events};
    return append_request{.streams = {&part_, 1}};
  }

  // `events` must live as long as what it is made into.
  template <class C, class Decision>
  result<append_request> request(C const&, Decision const&, std::span<new_event const> events) {
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
  stream_append part_{{}, expectation::any(), {}};
};

// By streams: each up to a version; the append expects each of them there, whether it gets an event or not.
template <class B> class streams_scope {
public:
  template <class C> explicit streams_scope(C const& command) {
    for (std::string_view const name : B::streams(command)) {
      if (find(name) == nullptr) parts_.push_back({std::string(name), version(), {}});
    }
  }

  template <class C> result<void> check() const {
    for (part const& each : parts_) {
      if (auto good = check_stream_name(each.name); !good) return good;
    }
    return {};
  }

  template <class Store> result<B> load(Store& store) {
    B state{};
    boundary_fold<B> fold(state);
    for (part& each : parts_) {
      result<version> read = store.read_stream(each.name, stream_range::all(), fold);
      if (fold.failed()) return unexpected(std::move(*fold.failed()));
      if (!read) return unexpected(std::move(read).error());
      each.version = *read;
    }
    return state;
  }

  template <class C, class Decision>
  result<append_request> request(C const& command, Decision const& decided,
                                 std::span<new_event const> events) {
    for (part& each : parts_) each.events.clear();
    result<void> good;
    std::size_t next = 0;
    decided.for_each([&](auto const& event) {
      auto const& name = B::stream(command, event);
      part* const to = find(name);
      if (to != nullptr) to->events.push_back(events[next]);
      else if (good) good = unexpected(elsewhere(events[next].name, name));
      ++next;
    });
    if (!good) return unexpected(std::move(good).error());
    return append_request{.streams = appends()};
  }

  // Several streams are not read at one moment: the rejection counts only if they all are still as they were read.
  template <class Store>
  command_result refuse(Store& store, rejection const& refused, command_record record) {
    if (parts_.size() < 2) return detail::refuse(store, refused, record);
    for (part& each : parts_) each.events.clear();
    record.refused = &refused;
    append_request const request{.streams = appends(), .command = record.id.nil() ? nullptr : &record};
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

  part* find(std::string_view name) noexcept {
    for (part& each : parts_) {
      if (each.name == name) return &each;
    }
    return nullptr;
  }
  std::span<stream_append const> appends() {
    appends_.clear();
    for (part const& each : parts_)
      appends_.push_back({each.name, expectation::exactly(each.version), each.events});
    return appends_;
  }
  static error elsewhere(std::string_view event, std::string_view stream) {
    return make_error(
        errc::invalid_argument,
        "the decided event {} goes to stream {}, which the boundary {} does not name in `streams`", event,
        stream, type_text<B>);
  }

  std::vector<part> parts_;
  std::vector<stream_append> appends_;
};

template <class B, class C>
using boundary_scope = std::conditional_t<bounded_by_query<B, C>, query_scope<B>, streams_scope<B>>;

} // namespace cleave::detail
