// SPDX-License-Identifier: BSL-1.0
// Tests of deciders, boundaries and projections as sentences. No store, no thread: what is under test is the application's own functions.
//
//   using namespace cleave::testing;
//
//   REQUIRE(given<account>(account_opened{"alice"}).when(deposit{"alice", 500}).then(money_deposited{500}));
//   REQUIRE(given<account>().when(deposit{"alice", 500}).then_rejected("account-closed"));
//   REQUIRE(given<account>(account_opened{"alice"}).when(deposit{"alice", 0}).then_nothing());
//
//   REQUIRE(given<enrolment>(course_defined{"c", 1}, student_enrolled{"c", "s"}).when(enrol{"c", "t"}).then_rejected("course-full"));
//
//   REQUIRE(given<balances>(in("account-alice", money_deposited{500})).when(balance_of{"alice"}).then(500));
//   REQUIRE(given<order_list>(in("order-7", order_placed{...})).stored_in(rows).when(orders_of{"ALFKI"}).then({...}));
//
// Each sentence ends in a report (testing/report.hpp). Values are compared through operator== where they have one, else through
// their stored form. Events of old versions may be given: they are upcast on the way, as from a store.
#pragma once

#include <cleave/command/decider.hpp>
#include <cleave/event/event_set.hpp>
#include <cleave/query/projection.hpp>
#include <cleave/query/read_store.hpp>
#include <cleave/testing/given_boundary.hpp>
#include <cleave/testing/given_events.hpp>

#include <array>
#include <concepts>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace cleave::testing {

namespace detail {

// ---- deciders

template <class D> class given_decider {
  static_assert(cleave::detail::checked_decider<D>::value);

public:
  template <class... Es> explicit given_decider(placed<Es> const&... events) {
    static_assert(
        (can_be_given<typename D::events, Es> && ...),
        "cleave: given an event that the decider does not list, and that none of its events supersedes");
    (fold(events), ...);
  }

  template <class C> auto when(C const& command) const {
    static_assert(D::commands::template contains<C>, "cleave: the decider does not list this command");
    using decision_type = std::remove_cvref_t<decltype(state_.decide(command))>;
    story told = story_;
    told.when(show(command, command_name<C>));
    std::optional<decision_type> came;
    if (told.failure() == nullptr) {
      try {
        came.emplace(state_.decide(command));
      } catch (...) {
        told.fail(cleave::detail::current_exception_error("decide"));
      }
    }
    return decided<D, decision_type>(std::move(told), std::move(came));
  }

private:
  template <class E> void fold(placed<E> const& given) {
    envelope const at = story_.given(show(given.event, event_name_of<E>()), given.stream, given.recorded_at);
    if (story_.failure() != nullptr) return;
    try {
      cleave::detail::evolver<D> into(state_);
      auto known = replay<typename D::events>(given.event, at, into);
      if (!known) story_.fail(std::move(known).error());
      else if (!into.left_out().empty())
        story_.fail(cleave::detail::unlisted_event(at, into.left_out(), D::category));
    } catch (...) {
      story_.fail(cleave::detail::current_exception_error("evolve"));
    }
  }

  D state_{};
  story story_;
};

// ---- projections

template <class R> class answered {
public:
  answered(story told, std::optional<result<R>> came) : story_(std::move(told)), came_(std::move(came)) {}

  // This answer.
  report then(R const& expected) const {
    static_assert(
        comparable<R>,
        "cleave: answers are compared through operator== or their stored form, and this one has neither");
    std::optional<shown_value> actual;
    if (came_ && *came_) actual = show(**came_);
    return story_.then_answer(show(expected), actual, failure());
  }
  // An error with this code.
  report then_failed(errc code) const {
    std::optional<shown_value> actual;
    if (came_ && *came_) actual = show(**came_);
    return story_.then_failed(code, actual, failure());
  }

private:
  error const* failure() const { return came_ && !*came_ ? &came_->error() : nullptr; }

  story story_;
  std::optional<result<R>> came_; // nothing: the story has failed
};

template <class P, class... Es> class given_projection {
  static_assert(
      (can_be_given<typename P::events, Es> && ...),
      "cleave: given an event that the projection does not follow, and that none of its events supersedes");

public:
  explicit given_projection(placed<Es> const&... events) : events_(events...) {}

  // For a projection in memory.
  template <query Q> answered<typename Q::result_type> when(Q const& question) const {
    static_assert(cleave::detail::checked_memory_projection<P>);
    check_listed<Q>();
    P model{};
    story told;
    feed(told, [&](auto const& event, envelope const& at) -> result<void> {
      if constexpr (requires { model.on(event, at); }) model.on(event, at);
      else model.on(event);
      return {};
    });
    return ask(std::move(told), question,
               [&]() -> result<typename Q::result_type> { return std::as_const(model).answer(question); });
  }

  // For a stored projection: fills the read store, which must not know it yet, in one transaction.
  template <read_store ReadStore> auto stored_in(ReadStore& rows) const {
    return stored<ReadStore>(*this, rows);
  }

private:
  template <class ReadStore> class stored {
    using session = typename ReadStore::session;
    static_assert(cleave::detail::checked_stored_projection<P, session>);

  public:
    stored(given_projection const& given, ReadStore& rows) : rows_(rows) {
      auto filled = rows.apply(P::name, position(), [&](session& in) -> result<position> {
        if (auto created = create(in); !created) return unexpected(std::move(created).error());
        given.feed(story_, [&](auto const& event, envelope const& at) -> result<void> {
          if constexpr (std::is_void_v<decltype(projection_.on(event, at, in))>)
            return projection_.on(event, at, in), result<void>();
          else return projection_.on(event, at, in);
        });
        if (auto const* why = story_.failure()) return unexpected(*why);
        return position(sizeof...(Es));
      });
      if (!filled) story_.fail(std::move(filled).error());
    }

    template <query Q> answered<typename Q::result_type> when(Q const& question) const {
      check_listed<Q>();
      return ask(story_, question, [&] {
        std::optional<result<typename Q::result_type>> came;
        auto read = rows_.read([&](session& in) -> result<void> {
          came.emplace(projection_.answer(question, in));
          return {};
        });
        return read ? std::move(*came) : result<typename Q::result_type>(unexpected(std::move(read).error()));
      });
    }

  private:
    result<void> create(session& in) {
      if constexpr (!requires { projection_.create(in); }) return {};
      else if constexpr (std::is_void_v<decltype(projection_.create(in))>)
        return projection_.create(in), result<void>();
      else return projection_.create(in);
    }

    ReadStore& rows_;
    P projection_{};
    story story_;
  };

  template <class Q> static void check_listed() {
    static_assert(cleave::detail::queries_of<P>::template contains<Q>,
                  "cleave: the projection does not list this query");
  }

  // Tells every event, and applies those before the first failure.
  template <class Apply> void feed(story& told, Apply&& apply) const {
    auto const one = [&]<class E>(placed<E> const& given) {
      envelope const at = told.given(show(given.event, event_name_of<E>()), given.stream, given.recorded_at);
      if (told.failure() != nullptr) return;
      try {
        auto known = replay<typename P::events>(given.event, at,
                                                [&](auto const& event, envelope const& where) {
                                                  if (auto applied = apply(event, where); !applied)
                                                    told.fail(std::move(applied).error());
                                                });
        if (!known) told.fail(std::move(known).error());
      } catch (...) {
        told.fail(cleave::detail::current_exception_error("on"));
      }
    };
    std::apply([&](auto const&... each) { (one(each), ...); }, events_);
  }

  template <class Q, class Answer> static answered<typename Q::result_type> ask(story told, Q const& question,
                                                                                Answer&& answer) {
    told.when(show(question));
    std::optional<result<typename Q::result_type>> came;
    if (told.failure() == nullptr) {
      try {
        came.emplace(answer());
      } catch (...) {
        told.fail(cleave::detail::current_exception_error("answer"));
      }
    }
    return {std::move(told), std::move(came)};
  }

  std::tuple<placed<Es>...> events_;
};

template <class P>
concept follows_events = cleave::detail::is_event_set<typename P::events> &&
                         requires { std::string_view(P::name); };

} // namespace detail

// The beginning of a sentence: what has happened before. Subject: a decider, a boundary or a projection. Events as they are, or placed by in().
template <class Subject, class... Events> auto given(Events const&... events) {
  static_assert(
      lists_commands<Subject> || detail::follows_events<Subject>,
      "cleave: given<...> needs a decider or a boundary (a struct with `commands` and `events`) or a projection (`events` and `name`)");
  if constexpr (detail::is_boundary<Subject>)
    return detail::given_boundary<Subject, detail::event_in<Events>...>(detail::as_placed(events)...);
  else if constexpr (lists_commands<Subject>)
    return detail::given_decider<Subject>(detail::as_placed(events)...);
  else if constexpr (detail::follows_events<Subject>) {
    return detail::given_projection<Subject, detail::event_in<Events>...>(detail::as_placed(events)...);
  }
}

} // namespace cleave::testing
