// SPDX-License-Identifier: BSL-1.0
// Authorisation: who may send which command and ask which query.
//
//   struct rules {
//     bool allows(cleave::principal const& who, ship_order const&) const { return who.has("warehouse"); }
//     bool allows(cleave::principal const& who, place_order const& c) const { return who.name == c.customer; }
//   };
//   cleave::around_commands(cleave::authorisation{rules{}})
#pragma once

#include <cleave/base/principal.hpp>
#include <cleave/middleware/chain.hpp>
#include <cleave/middleware/message_name.hpp>

namespace cleave {

// Denies by default: what the rules do not name, and what comes without a principal in its context, is the rejection "not-allowed", for a
// query errc::invalid_argument with that code in its text. `allows` is called from several threads at once.
template <class Rules> struct authorisation {
  Rules rules{};

  template <class M, class Context, class Next>
  auto around(M const& message, Context const& context, Next&& next) const
      -> detail::answer_of<Next, Context> {
    constexpr bool named = requires(principal const& who) { rules.allows(who, message); };
    if constexpr (named) {
      static_assert(
          requires(principal const& who) {
            { rules.allows(who, message) } -> std::same_as<bool>;
          },
          "cleave: `allows` of the rules of an authorisation returns bool: true, and the command or query goes on");
      if (context.principal != nullptr && rules.allows(*context.principal, message)) return next(context);
    }
    return detail::refused_by_layer<detail::answer_of<Next, Context>>(
        denied(context.principal, detail::message_name<M>()));
  }

private:
  static rejection denied(principal const* who, std::string_view what) {
    if (who == nullptr) return reject("not-allowed", "{} came without a principal", what);
    return reject("not-allowed", "{} may not {}", who->name, what);
  }
};
template <class Rules> authorisation(Rules) -> authorisation<Rules>;

} // namespace cleave
