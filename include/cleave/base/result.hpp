// SPDX-License-Identifier: BSL-1.0
// result<T, E>: a value or an error, with the member names of std::expected (C++23, [expected.object]). It is cleave's own
// type in every language mode, so that a library and an application built in different modes agree about its layout.
#pragma once

#include <cleave/base/error.hpp>
#include <cleave/config.hpp>

#include <concepts>
#include <new>
#include <type_traits>
#include <utility>

namespace cleave {

// Wraps an error so that it converts to any result with that error type: `return unexpected(make_error(...));`
template <class E> class unexpected {
public:
  explicit unexpected(E error) : error_(std::move(error)) {}
  E const& error() const& noexcept { return error_; }
  E&& error() && noexcept { return std::move(error_); }

private:
  E error_;
};

template <class T, class E = error> class result;

namespace detail {
template <class R> inline constexpr bool is_result = false;
template <class T, class E> inline constexpr bool is_result<result<T, E>> = true;
template <class U> inline constexpr bool is_unexpected = false;
template <class E> inline constexpr bool is_unexpected<unexpected<E>> = true;
} // namespace detail

// Reading the value of a failed result, or the error of a good one, is a bug of the caller: CLEAVE_ASSERT.
template <class T, class E> class [[nodiscard]] result {
public:
  using value_type = T;
  using error_type = E;

  result() noexcept(std::is_nothrow_default_constructible_v<T>)
    requires std::default_initializable<T>
      : value_(), good_(true) {}

  template <class U = T>
    requires(!std::same_as<std::remove_cvref_t<U>, result> &&
             !detail::is_unexpected<std::remove_cvref_t<U>> &&
             std::constructible_from<T, U>) // last: the question is expensive for an aggregate
  explicit(!std::convertible_to<U, T>) result(U&& value) : value_(std::forward<U>(value)), good_(true) {}

  template <class G>
    requires std::constructible_from<E, G const&>
  result(unexpected<G> const& wrapped) : error_(wrapped.error()), good_(false) {}
  template <class G>
    requires std::constructible_from<E, G>
  result(unexpected<G>&& wrapped) : error_(std::move(wrapped).error()), good_(false) {}

  result(result const& other) : good_(other.good_) {
    if (good_) new (&value_) T(other.value_);
    else new (&error_) E(other.error_);
  }
  result(result&& other) noexcept(std::is_nothrow_move_constructible_v<T> &&
                                  std::is_nothrow_move_constructible_v<E>)
      : good_(other.good_) {
    if (good_) new (&value_) T(std::move(other.value_));
    else new (&error_) E(std::move(other.error_));
  }
  // Both alternatives must move without throwing: an assignment that failed half-way would leave nothing behind.
  result& operator=(result other) noexcept {
    static_assert(std::is_nothrow_move_constructible_v<T> && std::is_nothrow_move_constructible_v<E>);
    if (this != &other) {
      this->~result();
      new (this) result(std::move(other));
    }
    return *this;
  }
  ~result() {
    if (good_) value_.~T();
    else error_.~E();
  }

  bool has_value() const noexcept { return good_; }
  explicit operator bool() const noexcept { return good_; }

  T& value() & { return checked(), value_; }
  T const& value() const& { return checked(), value_; }
  T&& value() && { return checked(), std::move(value_); }
  T& operator*() & { return checked(), value_; }
  T const& operator*() const& { return checked(), value_; }
  T&& operator*() && { return checked(), std::move(value_); }
  T* operator->() { return checked(), &value_; }
  T const* operator->() const { return checked(), &value_; }

  E& error() & { return checked_error(), error_; }
  E const& error() const& { return checked_error(), error_; }
  E&& error() && { return checked_error(), std::move(error_); }

  template <class U> T value_or(U&& other) const& {
    return good_ ? value_ : static_cast<T>(std::forward<U>(other));
  }
  template <class U> T value_or(U&& other) && {
    return good_ ? std::move(value_) : static_cast<T>(std::forward<U>(other));
  }

  // f(value) -> result<U, E>, called when there is a value; the error is handed on otherwise.
  template <class F> auto and_then(F&& f) && {
    using next = std::remove_cvref_t<std::invoke_result_t<F, T&&>>;
    static_assert(detail::is_result<next>, "cleave: and_then needs a function that returns a result");
    return good_ ? std::forward<F>(f)(std::move(value_)) : next(unexpected(std::move(error_)));
  }
  // f(value) -> U, wrapped into a result.
  template <class F> auto transform(F&& f) && {
    using next = result<std::remove_cvref_t<std::invoke_result_t<F, T&&>>, E>;
    return good_ ? next(std::forward<F>(f)(std::move(value_))) : next(unexpected(std::move(error_)));
  }
  // f(error) -> another error type.
  template <class F> auto transform_error(F&& f) && {
    using next = result<T, std::remove_cvref_t<std::invoke_result_t<F, E&&>>>;
    return good_ ? next(std::move(value_)) : next(unexpected(std::forward<F>(f)(std::move(error_))));
  }

private:
  void checked() const { CLEAVE_ASSERT(good_, "the value of a failed result was read"); }
  void checked_error() const { CLEAVE_ASSERT(!good_, "the error of a successful result was read"); }

  union {
    T value_;
    E error_;
  };
  bool good_;
};

template <class E> class [[nodiscard]] result<void, E> {
public:
  using value_type = void;
  using error_type = E;

  result() noexcept : good_(true) {}
  template <class G>
    requires std::constructible_from<E, G const&>
  result(unexpected<G> const& wrapped) : error_(wrapped.error()), good_(false) {}
  template <class G>
    requires std::constructible_from<E, G>
  result(unexpected<G>&& wrapped) : error_(std::move(wrapped).error()), good_(false) {}

  result(result const& other) : good_(other.good_) {
    if (!good_) new (&error_) E(other.error_);
  }
  result(result&& other) noexcept(std::is_nothrow_move_constructible_v<E>) : good_(other.good_) {
    if (!good_) new (&error_) E(std::move(other.error_));
  }
  result& operator=(result other) noexcept {
    static_assert(std::is_nothrow_move_constructible_v<E>);
    if (this != &other) {
      this->~result();
      new (this) result(std::move(other));
    }
    return *this;
  }
  ~result() {
    if (!good_) error_.~E();
  }

  bool has_value() const noexcept { return good_; }
  explicit operator bool() const noexcept { return good_; }
  void value() const { CLEAVE_ASSERT(good_, "the value of a failed result was read"); }

  E& error() & { return checked_error(), error_; }
  E const& error() const& { return checked_error(), error_; }
  E&& error() && { return checked_error(), std::move(error_); }

  template <class F> auto and_then(F&& f) && {
    using next = std::remove_cvref_t<std::invoke_result_t<F>>;
    static_assert(detail::is_result<next>, "cleave: and_then needs a function that returns a result");
    return good_ ? std::forward<F>(f)() : next(unexpected(std::move(error_)));
  }
  template <class F> auto transform_error(F&& f) && {
    using next = result<void, std::remove_cvref_t<std::invoke_result_t<F, E&&>>>;
    return good_ ? next() : next(unexpected(std::forward<F>(f)(std::move(error_))));
  }

private:
  void checked_error() const { CLEAVE_ASSERT(!good_, "the error of a successful result was read"); }

  union {
    char none_ = 0;
    E error_;
  };
  bool good_;
};

} // namespace cleave
