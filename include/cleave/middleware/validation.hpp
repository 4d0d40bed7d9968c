// SPDX-License-Identifier: BSL-1.0
// Validation: a command or query that says of itself that it makes no sense goes no further.
//
//   struct deposit {
//     std::int64_t cents = 0;
//     std::optional<cleave::rejection> validate() const;      // nothing: it is valid
//   };
#pragma once

#include <cleave/middleware/chain.hpp>

#include <optional>

namespace cleave {

template <class M>
concept validates = requires(M const& message) {
  { message.validate() } -> std::convertible_to<std::optional<rejection>>;
};

// A command that is not valid is rejected; a query is errc::invalid_argument. Those without `validate` pass. Nothing is stored, also
// not under a command id: the sender may correct the command and send it again.
struct validation {
  template <class M, class Context, class Next>
  auto around(M const& message, Context const& context, Next&& next) const
      -> detail::answer_of<Next, Context> {
    static_assert(
        validates<M> || !requires { message.validate(); },
        "cleave: `validate` of a command or query returns std::optional<cleave::rejection>: why it is not valid, or nothing");
    if constexpr (validates<M>) {
      if (std::optional<rejection> why = message.validate())
        return detail::refused_by_layer<detail::answer_of<Next, Context>>(std::move(*why));
    }
    return next(context);
  }
};

} // namespace cleave
