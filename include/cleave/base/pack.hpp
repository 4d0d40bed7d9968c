// SPDX-License-Identifier: BSL-1.0
// Values of several types side by side. A std::tuple without its conversions and comparisons, which cost the compiler seconds
// where an application has many parts.
#pragma once

#include <cstddef>
#include <utility>

namespace cleave::detail {

template <std::size_t I, class T> struct pack_slot {
  T value;
};

template <class Indices, class... Ts> struct numbered_pack;
template <std::size_t... Is, class... Ts>
struct numbered_pack<std::index_sequence<Is...>, Ts...> : pack_slot<Is, Ts>... {
  static constexpr std::size_t size = sizeof...(Ts);
  // f(values...)
  template <class F> decltype(auto) apply(F&& f) {
    return f(static_cast<pack_slot<Is, Ts>&>(*this).value...);
  }
  template <class F> decltype(auto) apply(F&& f) const {
    return f(static_cast<pack_slot<Is, Ts> const&>(*this).value...);
  }
};
template <class... Ts> using pack = numbered_pack<std::index_sequence_for<Ts...>, Ts...>;

template <class... Ts> pack<Ts...> make_pack(Ts... values) { return pack<Ts...>{{std::move(values)}...}; }

template <std::size_t I, class T> T& slot_of(pack_slot<I, T>& slot) noexcept { return slot.value; }
template <std::size_t I, class T> T const& slot_of(pack_slot<I, T> const& slot) noexcept {
  return slot.value;
}

inline pack<> join_packs() { return {}; }
template <class Pack> Pack join_packs(Pack one) { return one; }
template <std::size_t... Is, class... As, std::size_t... Ks, class... Bs, class... Rest>
auto join_packs([[maybe_unused]] numbered_pack<std::index_sequence<Is...>, As...> first,
                [[maybe_unused]] numbered_pack<std::index_sequence<Ks...>, Bs...> second, Rest... rest) {
  return join_packs(
      pack<As..., Bs...>{{std::move(slot_of<Is, As>(first))}..., {std::move(slot_of<Ks, Bs>(second))}...},
      std::move(rest)...);
}

} // namespace cleave::detail
