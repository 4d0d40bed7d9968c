// SPDX-License-Identifier: BSL-1.0
// A command, and how a decider or a boundary decides it, for code that is not compiled for them.
#pragma once

#include <cleave/command/boundary.hpp>
#include <cleave/command/command_set.hpp>
#include <cleave/command/decision.hpp>
#include <cleave/event/stream.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cleave::detail {

struct command_type {
  std::string_view name; // empty: it has none
  std::string_view text; // what people call it: its name, or else that of its C++ type
  result<std::uint64_t> (*fingerprint)(void const* command); // nullptr where it has no name
};

template <class C> result<std::uint64_t> fingerprint_of_any(void const* command) {
  return fingerprint_of(*static_cast<C const*>(command));
}
template <class C> consteval command_type describe_command() {
  constexpr std::string_view name = command_name<C>;
  if constexpr (name.empty()) return {{}, type_text<C>, nullptr};
  else return {name, name, &fingerprint_of_any<C>};
}
template <class C> inline constexpr command_type command_type_of = describe_command<C>();

// Memory for one decision.
template <class Decision> struct decision_room {
  alignas(Decision) std::byte bytes[sizeof(Decision)];
};

// Where a decision stands while its command runs.
class decision_slot {
public:
  // `room`: of a decision_room of the type that `decide` makes.
  explicit decision_slot(void* room) noexcept : room_(room) {}
  decision_slot(decision_slot const&) = delete;
  decision_slot& operator=(decision_slot const&) = delete;
  ~decision_slot() { reset(); }

  using make = decided*(void const* state, void const* command, void* room);
  // The application's function: what it throws passes through, and nothing is there then.
  void decide(make* by, void const* state, void const* command) {
    reset();
    made_ = by(state, command, room_);
  }
  void reset() noexcept {
    if (made_ != nullptr) made_->~decided();
    made_ = nullptr;
  }
  decided const& operator*() const noexcept { return *made_; }
  decided const* operator->() const noexcept { return made_; }

private:
  void* room_;
  decided* made_ = nullptr;
};

template <class S, class C> decided* decide_in(void const* state, void const* command, void* room) {
  return new (room) decision_of<S, C>(static_cast<S const*>(state)->decide(*static_cast<C const*>(command)));
}
template <class S, class C> stream_buffer stream_of_command(void const* command) {
  return stream_buffer(S::category, S::id(*static_cast<C const*>(command)));
}

struct decider_command {
  command_type const* type;
  stream_buffer (*stream)(void const* command);
  decision_slot::make* decide;
};
template <class D, class C>
inline constexpr decider_command decider_command_of{&command_type_of<C>, &stream_of_command<D, C>,
                                                    &decide_in<D, C>};

// By a query: `query` and `stream`; by streams: `streams` and `place`. The others are nullptr.
struct boundary_command {
  command_type const* type;
  std::string_view boundary; // what errors call it
  decision_slot::make* decide;
  boundary_query (*query)(void const* command);
  stream_buffer (*stream)(void const* command);
  std::vector<std::string> (*streams)(void const* command);
  // The name of the stream that a decided event goes to.
  std::string (*place)(void const* command, decided_event const& event);
};

template <class B, class C> boundary_query query_of_command(void const* command) {
  return B::boundary(*static_cast<C const*>(command));
}
template <class B, class C> std::vector<std::string> streams_of_command(void const* command) {
  std::vector<std::string> names;
  for (std::string_view const name : B::streams(*static_cast<C const*>(command))) names.emplace_back(name);
  return names;
}
template <class B, class C, class Decision> struct placer;
template <class B, class C, class... Es> struct placer<B, C, decision<Es...>> {
  static std::string place(void const* command, decided_event const& event) {
    std::string name;
    static_cast<void>(((is_type_of<Es>(*event.type) &&
                        (name = std::string_view(B::stream(*static_cast<C const*>(command),
                                                           *static_cast<Es const*>(event.object))),
                         true)) ||
                       ...));
    return name;
  }
};
template <class B, class C> consteval boundary_command describe_boundary_command() {
  boundary_command made{
      &command_type_of<C>, type_text<B>, &decide_in<B, C>, nullptr, nullptr, nullptr, nullptr};
  if constexpr (bounded_by_query<B, C>) {
    made.query = &query_of_command<B, C>;
    made.stream = &stream_of_command<B, C>;
  } else {
    made.streams = &streams_of_command<B, C>;
    made.place = &placer<B, C, decision_of<B, C>>::place;
  }
  return made;
}
template <class B, class C>
inline constexpr boundary_command boundary_command_of = describe_boundary_command<B, C>();

} // namespace cleave::detail
