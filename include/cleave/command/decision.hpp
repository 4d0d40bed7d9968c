// SPDX-License-Identifier: BSL-1.0
// decision: what decide returns. A rejection, or the events that happened: none, one, or several.
#pragma once

#include <cleave/base/rejection.hpp>

#include <boost/mp11/algorithm.hpp>
#include <boost/mp11/list.hpp>

#include <concepts>
#include <cstddef>
#include <utility>
#include <variant>
#include <vector>

namespace cleave {

// "It is as the command wants it already": no event, no rejection.
struct nothing_happened {};

// Es: the events that may come of it. A decision with a single event allocates nothing.
//   return cleave::reject("closed", "account {} is closed", id);   return money_deposited{5};   return {opened, deposited};
template <class... Es> class decision {
public:
  using event_list = boost::mp11::mp_list<Es...>;
  using any_event = std::variant<Es...>;

  decision(rejection refused) : outcome_(std::in_place_index<0>, std::move(refused)) {}
  decision(nothing_happened) : outcome_(std::in_place_index<2>) {}
  template <class E>
    requires(boost::mp11::mp_contains<event_list, std::remove_cvref_t<E>>::value)
  decision(E&& event) : outcome_(std::in_place_index<1>, std::forward<E>(event)) {}
  template <class First, class Second, class... Rest>
    requires(boost::mp11::mp_contains<event_list, std::remove_cvref_t<First>>::value)
  decision(First&& first, Second&& second, Rest&&... rest) : outcome_(std::in_place_index<2>) {
    auto& events = std::get<2>(outcome_);
    events.reserve(2 + sizeof...(Rest));
    events.emplace_back(std::forward<First>(first));
    events.emplace_back(std::forward<Second>(second));
    (events.emplace_back(std::forward<Rest>(rest)), ...);
  }
  explicit decision(std::vector<any_event> events) : outcome_(std::in_place_index<2>, std::move(events)) {}

  // The rejection, or nullptr.
  rejection const* refused() const noexcept { return std::get_if<0>(&outcome_); }
  // How many events; 0 for a rejection.
  std::size_t size() const noexcept {
    if (outcome_.index() == 1) return 1;
    if (auto const* several = std::get_if<2>(&outcome_)) return several->size();
    return 0;
  }
  // f(event) for each, in order.
  template <class F> void for_each(F&& f) const {
    if (auto const* one = std::get_if<1>(&outcome_)) {
      visit_one(*one, f);
    } else if (auto const* several = std::get_if<2>(&outcome_)) {
      for (any_event const& event : *several) visit_one(event, f);
    }
  }

private:
  template <class F> static void visit_one(any_event const& event, F& f) {
    if constexpr (sizeof...(Es) == 1) f(*std::get_if<0>(&event));
    else std::visit(f, event);
  }

  std::variant<rejection, any_event, std::vector<any_event>> outcome_;
};

namespace detail {
template <class T> inline constexpr bool is_decision = false;
template <class... Es> inline constexpr bool is_decision<decision<Es...>> = true;
} // namespace detail

} // namespace cleave
