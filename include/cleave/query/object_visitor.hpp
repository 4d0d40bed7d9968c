// SPDX-License-Identifier: BSL-1.0
// Visiting many events that a store holds as objects.
#pragma once

#include <cleave/event/event_set.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace cleave::detail {

// Does what visit_event does with an object, by the number of its kind once that is known: a loop over many compares numbers that
// stand in the log, and looks up no type.
template <class Set, class List> class object_visitor;
template <class Set, class... Es> class object_visitor<Set, boost::mp11::mp_list<Es...>> {
public:
  // False where the kind is not known (yet).
  template <class F> bool operator()(unopened_event auto const& found, F& f) const {
    [[maybe_unused]] std::uint32_t const kind = found.kind_number();
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return ((kind == known_[I] ? (deliver<Set, 0>(found.template as<Es>(), found, f), true) : false) ||
              ...);
    }(std::index_sequence_for<Es...>());
  }
  // False where it is no event of the set.
  bool learn(unopened_event auto const& found) noexcept {
    [[maybe_unused]] event_type const* const type = found.type();
    [[maybe_unused]] std::size_t i = 0;
    return ((type == &event_type_of<Es> ? (known_[i] = found.kind_number(), true) : (++i, false)) || ...);
  }

private:
  static constexpr std::array<std::uint32_t, sizeof...(Es)> nothing_known() noexcept {
    std::array<std::uint32_t, sizeof...(Es)> all{};
    all.fill(UINT32_MAX);
    return all;
  }
  std::array<std::uint32_t, sizeof...(Es)> known_ = nothing_known();
};

} // namespace cleave::detail
