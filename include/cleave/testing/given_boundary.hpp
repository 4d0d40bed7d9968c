// SPDX-License-Identifier: BSL-1.0
// Sentences about boundaries. Of the given events those count that the command depends on, as in a store: what the boundary's query
// matches, by name and tags, or what stands in the streams that the boundary names. So the query is under test too.
#pragma once

#include <cleave/command/boundary.hpp>
#include <cleave/testing/given_events.hpp>

#include <array>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace cleave::testing::detail {

template <class B, class Commands> inline constexpr bool bounds_any = false;
template <class B, class... Cs>
inline constexpr bool bounds_any<B, command_set<Cs...>> = ((bounded_by_query<B, Cs> ||
                                                            bounded_by_streams<B, Cs>) ||
                                                           ...);
template <class T>
concept is_boundary = lists_commands<T> && bounds_any<T, typename T::commands>;

template <class B, class... Es> class given_boundary {
  static_assert(cleave::detail::checked_boundary<B>::value);
  static_assert(
      (can_be_given<typename B::events, Es> && ...),
      "cleave: given an event that the boundary does not list, and that none of its events supersedes");

public:
  explicit given_boundary(placed<Es> const&... events) : events_(events...) {}

  template <class C> auto when(C const& command) const {
    static_assert(B::commands::template contains<C>, "cleave: the boundary does not list this command");
    using decision_type = std::remove_cvref_t<decltype(std::declval<B const&>().decide(command))>;
    story told;
    B state{};
    try {
      fold(told, state, command);
    } catch (...) {
      told.fail(cleave::detail::current_exception_error("evolve, boundary or streams"));
    }
    told.when(show(command, command_name<C>));
    std::optional<decision_type> came;
    if (told.failure() == nullptr) {
      try {
        came.emplace(std::as_const(state).decide(command));
      } catch (...) {
        told.fail(cleave::detail::current_exception_error("decide"));
      }
    }
    return decided<B, decision_type>(std::move(told), std::move(came));
  }

private:
  template <class C> void fold(story& told, B& state, C const& command) const {
    std::array<envelope, sizeof...(Es)> places{};
    std::size_t next = 0;
    auto const tell = [&]<class E>(placed<E> const& given) {
      places[next++] = told.given(show(given.event, event_name_of<E>()), given.stream, given.recorded_at);
    };
    std::apply([&](auto const&... each) { (tell(each), ...); }, events_);

    if constexpr (bounded_by_query<B, C>) {
      boundary_query const query = B::boundary(command);
      boundary_view const view(query);
      fold_those(told, state, places,
                 [&](envelope const& at) { return view.get().matches(at.name, at.tags); });
    } else {
      for (std::string_view const stream : B::streams(command))
        fold_those(told, state, places, [&](envelope const& at) { return at.stream.text() == stream; });
    }
  }

  template <class Matters>
  void fold_those(story& told, B& state, std::array<envelope, sizeof...(Es)> const& places,
                  Matters&& matters) const {
    std::size_t next = 0;
    auto const one = [&]<class E>(placed<E> const& given) {
      tag_list const tags(given.event);
      envelope at = places[next++];
      at.name = event_name_of<E>();
      at.tags = tags.view();
      if (told.failure() != nullptr || !matters(at)) return;
      cleave::detail::boundary_evolver<B> into(state);
      auto known = replay<typename B::events>(given.event, at, into);
      if (!known) told.fail(std::move(known).error());
      else if (!into.left_out().empty())
        told.fail(cleave::detail::unlisted_event(at, into.left_out(), cleave::detail::type_text<B>));
    };
    std::apply([&](auto const&... each) { (one(each), ...); }, events_);
  }

  std::tuple<placed<Es>...> events_;
};

} // namespace cleave::testing::detail
