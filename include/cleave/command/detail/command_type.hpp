// SPDX-License-Identifier: BSL-1.0
// A command, and how a decider or a boundary decides it, for code that is not compiled for them.
#pragma once

#include <cleave/command/boundary.hpp>
#include <cleave/command/command_set.hpp>
#include <cleave/command/decision.hpp>
#include <cleave/event/stream.hpp>

#include <cstddef>
#include <cstdint>
#include <new>
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

// How a state decides a command: `make` puts the decision in raw memory of that size and alignment.
struct decide_type {
  std::size_t size;
  std::size_t alignment;
  decided* (*make)(void const* state, void const* command, void* room);
};

// Where a decision stands while its command runs: here, unless it is large.
class decision_slot {
public:
  decision_slot() noexcept = default;
  decision_slot(decision_slot const&) = delete;
  decision_slot& operator=(decision_slot const&) = delete;
  ~decision_slot() { reset(); }

  // The application's function: what it throws passes through, and nothing is there then.
  void decide(decide_type const& by, void const* state, void const* command) {
    reset();
    void* room = small_;
    if (by.size > sizeof small_ || by.alignment > alignof(std::max_align_t)) [[unlikely]]
      room = large_.make(by.size, by.alignment);
    made_ = by.make(state, command, room);
  }
  void reset() noexcept {
    if (made_ != nullptr) made_->~decided();
    made_ = nullptr;
  }
  decided const& operator*() const noexcept { return *made_; }
  decided const* operator->() const noexcept { return made_; }

private:
  class large_room {
  public:
    large_room() noexcept = default;
    large_room(large_room const&) = delete;
    large_room& operator=(large_room const&) = delete;
    ~large_room() { release(); }
    void* make(std::size_t size, std::size_t alignment) {
      release();
      alignment_ = alignment;
      return memory_ = ::operator new(size, std::align_val_t(alignment));
    }

  private:
    void release() noexcept {
      if (memory_ != nullptr) ::operator delete(memory_, std::align_val_t(alignment_));
      memory_ = nullptr;
    }
    void* memory_ = nullptr;
    std::size_t alignment_ = 0;
  };

  decided* made_ = nullptr;
  large_room large_;
  alignas(std::max_align_t) std::byte small_[512];
};

template <class S, class C> decided* decide_in(void const* state, void const* command, void* room) {
  return new (room) decision_of<S, C>(static_cast<S const*>(state)->decide(*static_cast<C const*>(command)));
}
template <class S, class C> consteval decide_type decide_type_of() {
  return {sizeof(decision_of<S, C>), alignof(decision_of<S, C>), &decide_in<S, C>};
}
template <class S, class C> stream_buffer stream_of_command(void const* command) {
  return stream_buffer(S::category, S::id(*static_cast<C const*>(command)));
}

struct decider_command {
  command_type const* type;
  stream_buffer (*stream)(void const* command);
  decide_type decide;
};
template <class D, class C>
inline constexpr decider_command decider_command_of{&command_type_of<C>, &stream_of_command<D, C>,
                                                    decide_type_of<D, C>()};

// By a query: `query` and `stream`; by streams: `streams` and `place`. The others are nullptr.
struct boundary_command {
  command_type const* type;
  std::string_view boundary; // what errors call it
  decide_type decide;
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
      &command_type_of<C>, type_text<B>, decide_type_of<B, C>(), nullptr, nullptr, nullptr, nullptr};
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
