// SPDX-License-Identifier: BSL-1.0
// The beginning of a sentence, events and where they stand; and the end of one that is about a decision.
#pragma once

#include <cleave/command/decision.hpp>
#include <cleave/event/event_set.hpp>
#include <cleave/event/tags.hpp>
#include <cleave/testing/report.hpp>
#include <cleave/testing/story.hpp>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cleave::testing {

// An event and where it stands, for projections that look at the envelope. An event without a place stands in the stream "given-1"
// and was recorded at timestamp 0. Positions and versions are counted from 1 in the order of the sentence.
template <class E> struct placed {
  E event;
  std::string stream = std::string(detail::stream_of_unplaced);
  timestamp recorded_at{};

  placed at(timestamp when) && { return {std::move(event), std::move(stream), when}; }
};
// in("account-alice", money_deposited{500}), and with a time: in("order-7", order_shipped{}).at(timestamp(...))
template <class E> placed<E> in(std::string stream, E event) { return {std::move(event), std::move(stream)}; }

namespace detail {

template <class E> placed<E> as_placed(placed<E> const& event) { return event; }
template <class E> placed<E> as_placed(E const& event) { return {event}; }
template <class E> using event_in = decltype(as_placed(std::declval<E const&>()).event);

template <class Events, class E>
inline constexpr bool can_be_given =
    boost::mp11::mp_contains<cleave::detail::stored_events<Events>, E>::value;

// Hands the event to f as a store would, old versions upcast.
template <class Events, class E, class F> result<bool> replay(E const& event, envelope const& at, F&& f) {
  tag_list const tags(event);
  recorded_event recorded;
  recorded.at = at;
  recorded.at.tags = tags.view();
  recorded.type = &event_type_of<E>;
  recorded.object = &event;
  return visit_event<Events>(recorded, f);
}

template <class D, class Decision> class decided;
template <class D, class... Es> class decided<D, decision<Es...>> {
public:
  decided(story told, std::optional<decision<Es...>> came)
      : story_(std::move(told)), came_(std::move(came)) {}

  // Exactly these events, in this order.
  template <class... Expected> report then(Expected const&... expected) const {
    static_assert(sizeof...(Expected) != 0,
                  "cleave: then() without an event says nothing: write then_nothing()");
    static_assert((D::events::template contains<Expected> && ...),
                  "cleave: the sentence expects an event that is not in the decider's event_set");
    static_assert(
        (comparable<Expected> && ...),
        "cleave: events are compared through operator== or their stored form, and this one has neither");
    std::array<shown_value, sizeof...(Expected)> const wanted{show(expected, event_name_of<Expected>())...};
    return story_.then_events(wanted, events(), refused());
  }
  // No event and no rejection.
  report then_nothing() const { return story_.then_events({}, events(), refused()); }
  // The rejection with this code.
  report then_rejected(std::string_view code) const {
    return story_.then_rejected(code, events(), refused());
  }

private:
  std::vector<shown_value> events() const {
    std::vector<shown_value> all;
    if (came_)
      came_->for_each([&]<class E>(E const& event) { all.push_back(show(event, event_name_of<E>())); });
    return all;
  }
  rejection const* refused() const { return came_ ? came_->refused() : nullptr; }

  story story_;
  std::optional<decision<Es...>> came_; // nothing: the story has failed
};

} // namespace detail

} // namespace cleave::testing
