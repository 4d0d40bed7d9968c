// SPDX-License-Identifier: BSL-1.0
// function_ref<R(Args...)>: a non-owning reference to something callable, two pointers wide; the shape of
// std::function_ref (C++26, P0792). For parameters only: the callable must outlive the call.
#pragma once

#include <type_traits>
#include <utility>

namespace cleave {

template <class Signature> class function_ref;

template <class R, class... Args> class function_ref<R(Args...)> {
public:
  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, function_ref> &&
             !std::is_function_v<std::remove_reference_t<F>> && std::is_invocable_r_v<R, F&, Args...>)
  constexpr function_ref(F&& callable) noexcept
      : to_{.object = const_cast<void*>(static_cast<void const*>(&callable))},
        call_([](target to, Args... args) -> R {
          return static_cast<R>(
              (*static_cast<std::remove_reference_t<F>*>(to.object))(std::forward<Args>(args)...));
        }) {}
  template <class F>
    requires(std::is_function_v<F> && std::is_invocable_r_v<R, F&, Args...>)
  function_ref(F* function) noexcept
      : to_{.function = reinterpret_cast<void (*)()>(function)}, call_([](target to, Args... args) -> R {
          return static_cast<R>(reinterpret_cast<F*>(to.function)(std::forward<Args>(args)...));
        }) {}

  constexpr R operator()(Args... args) const { return call_(to_, std::forward<Args>(args)...); }

private:
  union target {
    void* object;
    void (*function)();
  };

  target to_;
  R (*call_)(target, Args...);
};

} // namespace cleave
