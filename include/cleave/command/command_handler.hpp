// SPDX-License-Identifier: BSL-1.0
// The command handler for everything that is not a decider: it may look anywhere, and it may work on the application's own
// tables inside the write store's transaction (a state-stored application). A plain struct:
//
//   struct catalogue {
//     using commands = cleave::command_set<add_product, change_price>;
//     static constexpr std::string_view category = "product";
//     static std::int64_t id(auto const& command) { return command.product; }
//     cleave::decision<product_added> handle(add_product const&, cleave::sqlite::transaction&);   // rows and events: all or nothing
//     cleave::decision<price_changed> handle(change_price const&);                                // on any store
//   };
//
// Its events enter the stream "category-id" without an expectation: the tables are the state. A handler that can fail, because
// its tables can, returns cleave::result<cleave::decision<...>>: an error undoes everything and reaches the sender as it is.
#pragma once

#include <cleave/command/decider.hpp>

#include <type_traits>

namespace cleave {

namespace detail {
// The decision that `handle` comes to, bare or in a result; other types stay what they are.
template <class T> struct decision_in_type {
  using type = T;
};
template <class... Es> struct decision_in_type<result<decision<Es...>>> {
  using type = decision<Es...>;
};
template <class T> using decision_in = typename decision_in_type<std::remove_cvref_t<T>>::type;
} // namespace detail

template <class H, class C>
concept handles_plainly = requires(H& handler, C const& command) {
  requires detail::is_decision<detail::decision_in<decltype(handler.handle(command))>>;
};
template <class H, class C, class Transaction>
concept handles_in_transaction = requires(H& handler, C const& command, Transaction& transaction) {
  requires detail::is_decision<detail::decision_in<decltype(handler.handle(command, transaction))>>;
};

namespace detail {

struct no_transaction {};
template <class Store> struct transaction_of_store {
  using type = no_transaction;
};
template <class Store>
  requires requires { typename Store::transaction; }
struct transaction_of_store<Store> {
  using type = typename Store::transaction;
};
template <class Store> using transaction_of = typename transaction_of_store<Store>::type;

template <class H, class C, class Store> struct checked_handle {
  static constexpr bool plainly = handles_plainly<H, C>;
  static constexpr bool in_transaction = handles_in_transaction<H, C, transaction_of<Store>>;
  static_assert(can_identify<H, C>,
                "cleave: the command handler does not say which stream a command is for: add `static auto "
                "id(Command const&)` that returns a text or an integer");
  static_assert(
      plainly || in_transaction,
      "cleave: the command handler lists a command that it cannot handle on this store: add `cleave::decision<Events...> "
      "handle(Command const&)`, or with a second parameter `Store::transaction&` where the store has one");
  static_assert(
      !(plainly && in_transaction),
      "cleave: the command handler has two ways to handle one command: with and without a transaction; keep one");
};

template <class H, class Store, class Commands> struct checked_handler_members;
template <class H, class Store, class... Cs>
struct checked_handler_members<H, Store, command_set<Cs...>> : checked_handle<H, Cs, Store>... {};

template <class H, class Store> struct checked_handler {
  static_assert(
      lists_commands<H>,
      "cleave: a command handler says what it takes: add `using commands = cleave::command_set<...>`");
  static_assert(
      has_category<H>,
      "cleave: a command handler names its streams: add `static constexpr std::string_view category`");
  static consteval bool members() {
    if constexpr (lists_commands<H>)
      return sizeof(checked_handler_members<H, Store, typename H::commands>) != 0;
    else return false;
  }
  static constexpr bool value = members();
};

} // namespace detail

} // namespace cleave
