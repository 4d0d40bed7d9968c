// SPDX-License-Identifier: BSL-1.0
// The state of a decider or of a boundary, for code that is not compiled for it: what runs commands is compiled once for each
// store, and not for each decider and command.
#pragma once

#include <cleave/command/boundary.hpp>
#include <cleave/command/decider.hpp>
#include <cleave/command/snapshots.hpp>
#include <cleave/event/recorded_event.hpp>

#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace cleave::detail {

// How a state is kept as a snapshot.
struct snapshot_type {
  std::uint64_t fingerprint;
  snapshot_policy policy;
  result<void> (*encode)(void const* state, std::string& out);
  // Puts what `data` says in the place of the state. False: it says nothing, and the state is as it was.
  bool (*decode)(std::string_view data, void* state);
};

struct state_type {
  std::size_t size;
  std::size_t alignment;
  // Makes the state before the first event in raw memory of that size and alignment.
  void (*begin)(void* raw);
  void (*destroy)(void* state) noexcept;
  // Takes a stored event. errc::unknown_event for one that the state does not list, and for an old one that becomes such an event:
  // a state that leaves one out would decide wrongly. Throws what the state's `evolve` throws. After a failure the state is half-way.
  result<void> (*evolve)(void* state, recorded_event const& recorded);
  // Takes an event that was decided on it. False: it will be other events when it is read, or one that the state does not list. Throws
  // what the state's `evolve` throws; the state is half-way then.
  bool (*evolve_own)(void* state, event_type const& type, void const* event);
  snapshot_type const* snapshots; // nullptr: none are taken
};

template <class S> void begin_state(void* raw) { new (raw) S(); }
template <class S> void destroy_state(void* state) noexcept { static_cast<S*>(state)->~S(); }
// Into: evolver or boundary_evolver. `text`: what errors call the state.
template <class S, class Into> result<void> evolve_state(S& state, recorded_event const& recorded,
                                                         std::string_view text) {
  Into into(state);
  auto known = visit_event<typename S::events>(recorded, into);
  if (known && *known && into.left_out().empty()) return {};
  return unexpected(known ? unlisted_event(recorded.at, into.left_out(), text) : std::move(known).error());
}

template <class S, class Into> bool evolve_own_state(void* state, event_type const& type, void const* event) {
  Into into(*static_cast<S*>(state));
  return visit_new(type, event,
                   reader_rows_of<typename S::events, Into, stored_events<typename S::events>>::value, &into);
}

template <class D> result<void> encode_state(void const* state, std::string& out) {
  return codec<D>::encode(*static_cast<D const*>(state), out);
}
template <class D> bool decode_state(std::string_view data, void* state) {
  auto decoded = codec<D>::decode(data);
  if (decoded) *static_cast<D*>(state) = std::move(*decoded);
  return decoded.has_value();
}
template <class D> inline constexpr snapshot_type snapshot_type_of{snapshot_fingerprint<D>(), D::snapshots,
                                                                   &encode_state<D>, &decode_state<D>};
template <class D> consteval snapshot_type const* snapshots_of() {
  if constexpr (takes_snapshots<D>) {
    if constexpr (encodable<D>) return &snapshot_type_of<D>;
  }
  return nullptr;
}

template <class D> result<void> evolve_decider(void* state, recorded_event const& recorded) {
  return evolve_state<D, evolver<D>>(*static_cast<D*>(state), recorded, D::category);
}
template <class D> inline constexpr state_type decider_state{
    sizeof(D),         alignof(D),         &begin_state<D>,
    &destroy_state<D>, &evolve_decider<D>, &evolve_own_state<D, evolver<D>>,
    snapshots_of<D>()};

template <class B> result<void> evolve_boundary(void* state, recorded_event const& recorded) {
  return evolve_state<B, boundary_evolver<B>>(*static_cast<B*>(state), recorded, type_text<B>);
}
template <class B> inline constexpr state_type boundary_state{
    sizeof(B), alignof(B), &begin_state<B>, &destroy_state<B>, &evolve_boundary<B>, nullptr, nullptr};

// A state in the heap, and how far it is.
class any_state {
public:
  any_state() noexcept = default; // none
  explicit any_state(state_type const& type) : type_(&type), state_(take_room(type)) {
    try {
      type.begin(state_);
    } catch (...) {
      give_back(type, state_);
      throw;
    }
  }
  any_state(any_state&& other) noexcept
      : upto(other.upto), type_(other.type_), state_(std::exchange(other.state_, nullptr)) {}
  any_state& operator=(any_state&& other) noexcept {
    std::swap(type_, other.type_);
    std::swap(state_, other.state_);
    upto = other.upto;
    return *this;
  }
  ~any_state() {
    if (state_ == nullptr) return;
    type_->destroy(state_);
    give_back(*type_, state_);
  }

  explicit operator bool() const noexcept { return state_ != nullptr; }
  void* get() const noexcept { return state_; }

  std::uint64_t upto = 0; // the version of its stream, or the position of the log

private:
  // Memory of an alignment that is asked for comes dearer.
  static bool is_aligned_anyway(state_type const& type) noexcept {
    return type.alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__;
  }
  static void* take_room(state_type const& type) {
    if (is_aligned_anyway(type)) return ::operator new(type.size);
    return ::operator new(type.size, std::align_val_t(type.alignment));
  }
  static void give_back(state_type const& type, void* room) noexcept {
    if (is_aligned_anyway(type)) ::operator delete(room);
    else ::operator delete(room, std::align_val_t(type.alignment));
  }

  state_type const* type_ = nullptr;
  void* state_ = nullptr;
};

// A sink that folds events into a state, up to the first one that it cannot take.
class state_fold {
public:
  state_fold(state_type const& type, void* state) noexcept : type_(type), state_(state) {}
  bool operator()(recorded_event const& recorded) {
    auto taken = type_.evolve(state_, recorded);
    if (taken) {
      ++count_;
      last_ = recorded.at.version;
      return true;
    }
    failed_ = std::move(taken).error();
    return false;
  }
  std::optional<error>& failed() noexcept { return failed_; }
  // Events folded.
  std::uint64_t count() const noexcept { return count_; }
  // The version of the last one in its stream; 0 before the first one.
  version last() const noexcept { return last_; }

private:
  state_type const& type_;
  void* state_;
  std::uint64_t count_ = 0;
  version last_;
  std::optional<error> failed_;
};

// Of a decider, whose `evolve` is not told where an event stands.
class decider_fold : public state_fold {
public:
  using state_fold::state_fold;
  static constexpr bool place_only = true;
};

// Folds the events of the stream behind version `upto` into the state, and says in `upto` how far it came.
template <class Store>
result<void> catch_up_stream(Store& store, stream_name stream, state_type const& type, void* state,
                             version& upto) {
  decider_fold fold(type, state);
  result<version> read;
  try {
    read = store.read_stream(stream, stream_range::after(upto), fold);
  } catch (...) {
    return unexpected(current_exception_error("evolve"));
  }
  if (fold.count() != 0) upto = fold.last();
  if (fold.failed()) return unexpected(std::move(*fold.failed()));
  if (!read) return unexpected(std::move(read).error());
  return {};
}

// Where a load goes on behind the snapshot.
struct used_snapshot {
  version upto;       // 0: there is none, and the state is as it was
  bool whole = false; // no event lies behind it
};

// Puts what the store keeps of the stream in the place of the state, where it is of the present state and fold_version.
template <class Store> result<used_snapshot> use_snapshot(Store& store, stream_name stream,
                                                          snapshot_type const& type, void* state) {
  auto kept = store.find_snapshot(stream, type.fingerprint);
  if (!kept) return unexpected(std::move(kept).error());
  // One that does not decode is of no use; the events are there.
  if (!*kept || !type.decode((*kept)->data, state)) return used_snapshot{};
  return used_snapshot{(*kept)->version, (*kept)->head == (*kept)->version};
}

} // namespace cleave::detail
