// SPDX-License-Identifier: BSL-1.0
// One append of the store in memory. Its functions are in append_attempt.cpp and append_staging.hpp.
#pragma once

#include "store_state.hpp"

#include <cstddef>
#include <cstdint>

namespace cleave::memory {

// One append on its way into the log, from its checks to its end. What it has staged disappears with it, unless it was committed.
// One: it is of one event, as nearly all are. The compiler then takes away every loop over streams and events.
template <bool One> class event_store::state::attempt {
public:
  attempt(state& in, append_request const& request, detail::beforehand const& before) noexcept
      : in_(in), request_(request), before_(before), first_(in.log_.head() + 1), next_(first_) {}
  attempt(attempt const&) = delete;
  attempt& operator=(attempt const&) = delete;
  ~attempt() {
    if (staging_) undo();
  }

  // May throw std::bad_alloc.
  result<appended> run(hook_ref const* hook);

private:
  auto streams() const noexcept {
    if constexpr (One) return request_.streams.template first<1>();
    else return request_.streams;
  }
  static auto events_of(stream_append const& part) noexcept {
    if constexpr (One) return part.events.template first<1>();
    else return part.events;
  }
  part_place& place(std::size_t i) noexcept {
    if constexpr (One) return place_;
    else return in_.parts_[i];
  }
  // Of the event at a position.
  detail::event_kind*& kind(std::uint64_t at) noexcept {
    if constexpr (One) return kind_;
    else return in_.kinds_[at - first_];
  }

  result<void> look_up();
  part_place find_stream(std::string_view name) const noexcept;
  bool is_plain() const noexcept;
  void count() noexcept;
  result<void> check_expectations();
  result<void> stage();
  result<void> stage_event(new_event const& event, detail::event_kind const& kind,
                           detail::stream_entry& stream);
  // Puts the object, or the bytes, where the log finds them.
  result<void> keep(new_event const& event, detail::event_kind const& kind, detail::event_slot& slot);
  detail::event_extras const* keep_extras(new_event const& event, std::uint64_t at);
  void stage_command();
  void stage_aside();
  result<void> show_to(hook_ref const& hook);
  result<appended> commit() noexcept;
  void undo() noexcept;

  state& in_;
  append_request const& request_;
  detail::beforehand const& before_;
  part_place place_{};                 // of the one
  detail::event_kind* kind_ = nullptr; // likewise
  std::uint64_t events_ = 0;
  std::uint64_t known_ = 0; // ids that are in the log
  std::uint64_t late_ = 0;  // ids that are not above all before them
  version last_;            // of the last stream, before the append
  std::uint64_t first_;     // position of the first event
  std::uint64_t next_;      // behind the last one staged
  detail::arena::mark mark_{};
  timestamp now_{};
  // Of the command, where the request has one.
  detail::interned const* command_name_ = nullptr;
  detail::command_entry* command_ = nullptr;
  bool late_command_ = false; // its id is not above all before it
  bool staging_ = false;
};

} // namespace cleave::memory
