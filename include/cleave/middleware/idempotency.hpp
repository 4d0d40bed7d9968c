// SPDX-License-Identifier: BSL-1.0
// Gives a command that knows what makes it unique its command id, so that every sender of it sends the same one.
//
//   struct pay_invoice {
//     static constexpr std::string_view command_name = "pay-invoice";
//     std::string invoice;
//     std::string idempotency_key() const { return "invoice " + invoice; }     // empty: none
//   };
#pragma once

#include <cleave/command/command_set.hpp>
#include <cleave/command/outcome.hpp>
#include <cleave/middleware/chain.hpp>

#include <string_view>

namespace cleave {

template <class C>
concept has_idempotency_key = requires(C const& command) {
  { command.idempotency_key() } -> std::convertible_to<std::string_view>;
};

// For commands. The id is the UUIDv5 of the key in `space`. One that the sender has given stays. Two commands of one key with different
// contents are errc::command_id_reused, two types of command also.
struct idempotency {
  uuid space{};

  template <class C, class Next>
  command_result around(C const& command, command_context const& context, Next&& next) const {
    if constexpr (has_idempotency_key<C>) {
      static_assert(
          !std::string_view(command_name<C>).empty(),
          "cleave: a command with an idempotency_key has a stored name: specialise cleave::command_name for it");
      if (context.id.nil()) {
        auto const key = command.idempotency_key();
        if (!std::string_view(key).empty()) {
          command_context known = context;
          known.id = command_id(uuid::from_name(space, key));
          return next(known);
        }
      }
    }
    return next(context);
  }
};

} // namespace cleave
