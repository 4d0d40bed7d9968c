// SPDX-License-Identifier: BSL-1.0
// An event store that is chosen at run time, or that crosses the edge of a shared library.
#pragma once

#include <cleave/base/function_ref.hpp>
#include <cleave/event/event_store.hpp>

#include <concepts>
#include <optional>
#include <type_traits>

namespace cleave {

// Refers to a store of any type, which must outlive it; copies refer to the same store. Itself an event_store: one indirect call for
// each operation and for each event read. It asks a codec of every event, because the store behind it may keep bytes.
class any_event_store {
public:
  static constexpr bool keeps_objects = false;
  using sink = function_ref<bool(recorded_event const&)>;

  template <event_store Store>
    requires(!std::same_as<std::remove_cv_t<Store>, any_event_store>)
  any_event_store(Store& store) noexcept : store_(&store), operations_(&operations_of<Store>) {}

  result<appended> append(append_request const& request) { return operations_->append(store_, request); }
  result<version> read_stream(stream_name stream, stream_range range, sink each) {
    return operations_->read_stream(store_, stream, range, each);
  }
  result<position> read_all(log_range range, sink each) { return operations_->read_all(store_, range, each); }
  result<position> head() { return operations_->head(store_); }
  result<std::optional<command_outcome>> find_command(command_id id) {
    return operations_->find_command(store_, id);
  }
  cleave::durability durability() const { return operations_->durability(store_); }
  commit_signal& commits() { return operations_->commits(store_); }

private:
  struct operations {
    result<appended> (*append)(void*, append_request const&);
    result<version> (*read_stream)(void*, stream_name, stream_range, sink);
    result<position> (*read_all)(void*, log_range, sink);
    result<position> (*head)(void*);
    result<std::optional<command_outcome>> (*find_command)(void*, command_id);
    cleave::durability (*durability)(void const*);
    commit_signal& (*commits)(void*);
  };
  template <class Store> static Store& as(void* store) noexcept { return *static_cast<Store*>(store); }
  template <class Store>
  static constexpr operations operations_of{
      [](void* s, append_request const& request) { return as<Store>(s).append(request); },
      [](void* s, stream_name stream, stream_range range, sink each) {
        return as<Store>(s).read_stream(stream, range, each);
      },
      [](void* s, log_range range, sink each) { return as<Store>(s).read_all(range, each); },
      [](void* s) { return as<Store>(s).head(); },
      [](void* s, command_id id) { return as<Store>(s).find_command(id); },
      [](void const* s) { return static_cast<Store const*>(s)->durability(); },
      [](void* s) -> commit_signal& { return as<Store>(s).commits(); },
  };

  void* store_;
  operations const* operations_;
};

} // namespace cleave
