// SPDX-License-Identifier: BSL-1.0
// Middleware: what stands around the handling of commands or queries. A small struct with one function:
//
//   struct only_in_working_hours {
//     template <class C, class Next>
//     cleave::command_result around(C const& command, cleave::command_context const& context, Next&& next) {
//       if (!open_now()) return cleave::unexpected(cleave::command_failure(cleave::reject("closed", "come back tomorrow")));
//       return next(context);                // once, several times, with another context, or not at all; and the answer is its to change
//     }
//   };
//
//   cleave::application shop{*store, cleave::deciders<order>,
//                            cleave::around_commands(cleave::tracing{}, only_in_working_hours{}),     // the first one is the outermost
//                            cleave::around_queries(cleave::authorisation{rules{}})};
//
// One that serves commands and queries takes the context as a template parameter. The chain is put together at compile time: what is
// not there costs nothing.
#pragma once

#include <cleave/base/error.hpp>
#include <cleave/base/rejection.hpp>
#include <cleave/base/result.hpp>

#include <concepts>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

namespace cleave {

namespace detail {
template <class Context, class Result> struct next_probe {
  Result operator()(Context const&) const;
};
} // namespace detail

// M can stand around a Message whose handling gives Result.
template <class M, class Message, class Context, class Result>
concept wraps = requires(M& layer, Message const& message, Context const& context,
                         detail::next_probe<Context, Result>& next) {
  { layer.around(message, context, next) } -> std::same_as<Result>;
};

// Owns the layers. Any thread may run it at once, so a layer with state of its own must allow that.
template <class... Layers> class middleware_chain {
public:
  static constexpr std::size_t size = sizeof...(Layers);

  explicit middleware_chain(Layers... layers) : layers_(std::move(layers)...) {}

  // Calls the layers around handle(context). What a layer throws becomes errc::handler_failed.
  template <class Message, class Context, class Handle>
  auto run(Message const& message, Context const& context, Handle&& handle)
      -> std::invoke_result_t<Handle&, Context const&> {
    if constexpr (size == 0) {
      return handle(context);
    } else {
      try {
        return from<0>(message, context, handle);
      } catch (...) {
        using failure = typename std::invoke_result_t<Handle&, Context const&>::error_type;
        return unexpected(failure(detail::current_exception_error("a middleware")));
      }
    }
  }

private:
  template <std::size_t I, class Message, class Context, class Handle>
  auto from(Message const& message, Context const& context, Handle& handle)
      -> std::invoke_result_t<Handle&, Context const&> {
    using answer = std::invoke_result_t<Handle&, Context const&>;
    if constexpr (I == size) {
      return handle(context);
    } else {
      using layer = std::tuple_element_t<I, std::tuple<Layers...>>;
      static_assert(
          wraps<layer, Message, Context, answer>,
          "cleave: a middleware cannot stand around this command or query: add `auto around(Message const&, Context "
          "const&, Next&& next)` that returns what next(context) returns");
      if constexpr (wraps<layer, Message, Context, answer>) {
        auto next = [&](Context const& onward) -> answer { return from<I + 1>(message, onward, handle); };
        return std::get<I>(layers_).around(message, context, next);
      } else {
        return handle(context);
      }
    }
  }

  std::tuple<Layers...> layers_;
};

namespace detail {

// The answer of a handler of which only the type of the next one is known.
template <class Next, class Context> using answer_of = std::invoke_result_t<Next&, Context const&>;

// "No", said by a layer: a rejection to a command; to a query errc::invalid_argument with the rejection's code and text.
template <class Answer> Answer refused_by_layer(rejection why) {
  using failure = typename Answer::error_type;
  if constexpr (std::constructible_from<failure, rejection>) return unexpected(failure(std::move(why)));
  else return unexpected(failure(error(errc::invalid_argument, why.code + ": " + why.text)));
}
// The error that an answer holds; nullptr for success and for a rejection.
template <class Answer> error const* error_in(Answer const& answer) {
  if (answer) return nullptr;
  if constexpr (requires { answer.error().is_rejection(); })
    return answer.error().is_rejection() ? nullptr : &answer.error().error();
  else return &answer.error();
}

} // namespace detail

} // namespace cleave
