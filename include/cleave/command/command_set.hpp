// SPDX-License-Identifier: BSL-1.0
// command_set: the commands that a decider or a command handler takes; and the two things a command may say about itself.
#pragma once

#include <cleave/base/result.hpp>
#include <cleave/base/route_table.hpp>
#include <cleave/event/codec.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cleave {

template <class... Cs> struct command_set {
  static_assert(detail::type_set<Cs...>::is_unique, "cleave: a command stands twice in one command_set");
  static constexpr std::size_t size = sizeof...(Cs);
  template <class C> static constexpr bool contains = detail::type_set<Cs...>::template contains<C>;
};

namespace detail {
template <class T> inline constexpr bool is_command_set = false;
template <class... Cs> inline constexpr bool is_command_set<command_set<Cs...>> = true;

template <class C> constexpr std::string_view member_command_name() {
  if constexpr (requires { std::string_view(C::command_name); }) return std::string_view(C::command_name);
  else return {};
}

// FNV-1a, 64 bits (Fowler, Noll, Vo): it tells apart by accident, not against an attacker.
std::uint64_t fingerprint_of_text(std::string_view text) noexcept;
} // namespace detail

// The name under which a command's outcome is stored. Needed only by commands that are executed with a command id. Specialise it,
// or give the command a static member `command_name`: kebab-case, e.g. "place-order".
template <class C> inline constexpr auto command_name = detail::member_command_name<C>();

// Tells one command from another that carries the same id by mistake: the hash of the command's stored form. A command without
// a codec may have a member `fingerprint() -> std::uint64_t`; without either only the names are compared.
template <class C> result<std::uint64_t> fingerprint_of(C const& command) {
  if constexpr (requires {
                  { command.fingerprint() } -> std::convertible_to<std::uint64_t>;
                }) {
    return static_cast<std::uint64_t>(command.fingerprint());
  } else if constexpr (encodable<C>) {
    std::string text;
    if (auto done = codec<C>::encode(command, text); !done) return unexpected(std::move(done).error());
    return detail::fingerprint_of_text(text);
  } else {
    return std::uint64_t{0};
  }
}

} // namespace cleave
