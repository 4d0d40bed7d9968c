// SPDX-License-Identifier: BSL-1.0
// decision: what decide returns. A rejection, or the events that happened: none, one, or several.
#pragma once

#include <cleave/base/rejection.hpp>
#include <cleave/config.hpp>
#include <cleave/event/event_type.hpp>

#include <boost/mp11/list.hpp>

#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace cleave {

// "It is as the command wants it already": no event, no rejection.
struct nothing_happened {};

namespace detail {

struct decided_event {
  event_type const* type;
  void* object;
};

consteval std::size_t largest(std::initializer_list<std::size_t> sizes) {
  std::size_t most = 1;
  for (std::size_t const size : sizes) most = size > most ? size : most;
  return most;
}

// A decision of any events. The first one stands in memory that the decision's own type has for it (`room`), others in the heap.
class decided {
public:
  // The rejection, or nullptr.
  rejection const* refused() const noexcept { return refused_ ? &*refused_ : nullptr; }
  // How many events; 0 for a rejection.
  std::size_t size() const noexcept { return size_; }
  decided_event const& operator[](std::size_t i) const noexcept { return i == 0 ? first_ : others_[i - 1]; }
  ~decided() {
    if (!others_.empty()) clear();
    else if (size_ != 0 && first_.type->destroy != nullptr) first_.type->destroy(first_.object);
  }

protected:
  decided() noexcept = default;
  explicit decided(rejection&& refused) noexcept : refused_(std::move(refused)) {}
  decided(decided& other, void* room); // moves
  decided(decided const& other, void* room);
  decided(decided const&) = delete;
  decided& operator=(decided const&) = delete;
  void assign(decided& other, void* room);

  template <class E> [[gnu::always_inline]] void put(E&& event, void* room) {
    using type = std::remove_cvref_t<E>;
    new (place(event_type_of<type>, room)) type(std::forward<E>(event));
    ++size_;
  }

private:
  // Memory for one more; it counts when `size_` does.
  void* place(event_type const& type, void* room) {
    if (size_ != 0) return place_other(type);
    first_ = {&type, room};
    return room;
  }
  void* place_other(event_type const& type);
  void take(decided& other, void* room);
  void clear() noexcept;

  std::size_t size_ = 0;
  decided_event first_{};
  std::vector<decided_event> others_; // one more than counts, while that one is made
  std::optional<rejection> refused_;
};

} // namespace detail

// Es: the events that may come of it. A decision with a single event allocates nothing.
//   return cleave::reject("closed", "account {} is closed", id);   return money_deposited{5};   return {opened, deposited};
// Where their number shows at run time: decision<...> all; all.add(opened); all.add(deposited); return all;
template <class... Es> class decision : public detail::decided {
  template <class E> static constexpr bool lists = (std::is_same_v<std::remove_cvref_t<E>, Es> || ...);

public:
  using event_list = boost::mp11::mp_list<Es...>;

  // Nothing happened.
  decision() noexcept = default;
  decision(nothing_happened) noexcept {}
  decision(rejection refused) noexcept : decided(std::move(refused)) {}
  template <class E>
    requires lists<E>
  decision(E&& event) {
    put(std::forward<E>(event), room_);
  }
  template <class First, class Second, class... Rest>
    requires lists<First>
  decision(First&& first, Second&& second, Rest&&... rest) : decision(std::forward<First>(first)) {
    add(std::forward<Second>(second));
    (add(std::forward<Rest>(rest)), ...);
  }
  decision(decision&& other) noexcept((std::is_nothrow_move_constructible_v<Es> && ...))
      : decided(static_cast<decided&>(other), room_) {}
  decision(decision const& other) : decided(other, room_) {}
  decision& operator=(decision other) {
    assign(other, room_);
    return *this;
  }

  // One event more. Not behind a rejection.
  template <class E>
    requires lists<E>
  void add(E&& event) {
    CLEAVE_ASSERT(refused() == nullptr, "a rejection has no events");
    put(std::forward<E>(event), room_);
  }

  // f(event) for each, in order.
  template <class F> void for_each(F&& f) const {
    for (std::size_t i = 0; i < size(); ++i) {
      detail::decided_event const& one = (*this)[i];
      static_cast<void>(((detail::is_type_of<Es>(*one.type)
                              ? (static_cast<void>(f(*static_cast<Es const*>(one.object))), true)
                              : false) ||
                         ...));
    }
  }

private:
  alignas(Es...) std::byte room_[detail::largest({sizeof(Es)...})]; // of the first event
};

namespace detail {
template <class T> inline constexpr bool is_decision = false;
template <class... Es> inline constexpr bool is_decision<decision<Es...>> = true;
} // namespace detail

} // namespace cleave
