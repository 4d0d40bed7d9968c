// SPDX-License-Identifier: BSL-1.0
#include <cleave/command/detail/boundary_scope.hpp>

#include <algorithm>
#include <utility>

namespace cleave::detail {

streams_scope::streams_scope(boundary_command const& type, void const* command) : boundary_(type.boundary) {
  for (std::string& name : type.streams(command)) {
    if (find(name) == nullptr) parts_.push_back({std::move(name), version(), {}});
  }
}

result<void> streams_scope::check(command_type const&, std::string_view) const {
  for (part const& each : parts_) {
    if (auto good = check_stream_name(each.name); !good) return good;
  }
  return {};
}

std::span<key_turns::place const> streams_scope::places() {
  places_.clear();
  for (part const& each : parts_) places_.push_back(key_turns::place_of(each.name));
  std::ranges::sort(places_);
  places_.erase(std::ranges::unique(places_).begin(), places_.end());
  return places_;
}

result<append_request> streams_scope::request(boundary_command const& type, void const* command,
                                              decided const& decision, std::span<new_event const> events) {
  for (part& each : parts_) each.events.clear();
  for (std::size_t i = 0; i < events.size(); ++i) {
    std::string const name = type.place(command, decision[i]);
    part* const to = find(name);
    if (to == nullptr) {
      return unexpected(make_error(
          errc::invalid_argument,
          "the decided event {} goes to stream {}, which the boundary {} does not name in `streams`",
          events[i].name, name, boundary_));
    }
    to->events.push_back(events[i]);
  }
  return append_request{.streams = appends()};
}

append_request streams_scope::request_without_events() {
  for (part& each : parts_) each.events.clear();
  return append_request{.streams = appends()};
}

streams_scope::part* streams_scope::find(std::string_view name) noexcept {
  for (part& each : parts_) {
    if (each.name == name) return &each;
  }
  return nullptr;
}

std::span<stream_append const> streams_scope::appends() {
  appends_.clear();
  for (part const& each : parts_)
    appends_.push_back({each.name, expectation::exactly(each.version), each.events});
  return appends_;
}

} // namespace cleave::detail
