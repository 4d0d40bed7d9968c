// SPDX-License-Identifier: BSL-1.0
// std::chrono::duration, recognised by its shape: <chrono> would double the cost of every core header that takes a time-out.
#pragma once

#include <concepts>

namespace cleave::detail {

template <class T>
concept duration_like = requires(T const& duration) {
  typename T::rep;
  typename T::period;
  { duration.count() } -> std::same_as<typename T::rep>;
};

} // namespace cleave::detail
