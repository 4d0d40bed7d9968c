// SPDX-License-Identifier: BSL-1.0
// Runs a command handler: plainly, or inside the write store's transaction.
#pragma once

#include <cleave/command/command_handler.hpp>
#include <cleave/command/write_side.hpp>

#include <optional>
#include <utility>

namespace cleave {

// WriteSide: as for decider_runner, and append_in(transaction, request) with committed(appended) after the transaction.
template <class H, class WriteSide> class handler_runner {
  using store_type = typename WriteSide::store_type;
  static_assert(detail::checked_handler<H, store_type>::value);

public:
  using commands = typename H::commands;

  handler_runner(WriteSide& side, H handler) : side_(side), handler_(std::move(handler)) {}

  // Handlers with state of their own must allow calls from several threads at once.
  template <class C> command_result execute(C const& command, command_context const& context) {
    try {
      return run(command, context);
    } catch (...) {
      // decide, evolve and handle are caught where they are called; what is left are the members that name and describe.
      return unexpected(command_failure(detail::current_exception_error("id, fingerprint or tags")));
    }
  }

private:
  template <class C> command_result run(C const& command, command_context const& context) {
    auto record = detail::command_record_of(detail::command_type_of<C>, &command, context);
    if (!record) return unexpected(command_failure(std::move(record).error()));
    if (auto before = detail::recall(side_.store(), *record)) return std::move(*before);
    stream_buffer const stream(H::category, H::id(command));
    if constexpr (handles_plainly<H, C>) return plainly(command, context, *record, stream.name());
    else return in_transaction(command, context, *record, stream.name());
  }

  template <class C>
  command_result plainly(C const& command, command_context const& context, command_record const& record,
                         stream_name stream) {
    try {
      using decision_type = detail::decision_in<decltype(handler_.handle(command))>;
      static_assert(detail::storable<store_type, typename decision_type::event_list>);
      result<decision_type> decided = handler_.handle(command);
      if (!decided) return unexpected(command_failure(std::move(decided).error()));
      if (auto const* refused = decided->refused()) return detail::refuse(side_.store(), *refused, record);
      // Behind the handler's own rules, which may have a better word for a bad id.
      if (auto good = detail::check_stream_of(detail::command_type_of<C>, H::category, stream); !good)
        return unexpected(command_failure(std::move(good).error()));
      detail::outgoing_events const events(*decided, side_.options().ids, side_.options().clock.now(),
                                           context);
      stream_append const part{stream, expectation::any(), events.view()};
      append_request const request{.streams = {&part, 1}, .command = record.id.nil() ? nullptr : &record};
      auto done = side_.append(request);
      if (done && !done->repeated) side_.published(request, *done);
      return detail::answer(side_.store(), std::move(done), record);
    } catch (...) {
      return unexpected(command_failure(detail::current_exception_error("handle")));
    }
  }

  template <class C>
  command_result in_transaction(C const& command, command_context const& context,
                                command_record const& record, stream_name stream) {
    using transaction = typename store_type::transaction;
    using decision_type =
        detail::decision_in<decltype(handler_.handle(command, std::declval<transaction&>()))>;
    static_assert(detail::storable<store_type, typename decision_type::event_list>);
    std::optional<command_result> early; // a repeat, or a failure of the look-up
    std::optional<decision_type> decided;
    std::optional<appended> done;
    std::optional<detail::outgoing_events> events;
    std::optional<stream_append> part;
    append_request request;

    auto const body = [&](transaction& in) -> result<void> {
      decided.reset(); // the store may have called before
      // Once more, under the writer's lock: of two repeats at the same moment only one may go on.
      if (early = detail::recall(in, record); early) return rolled_back();
      result<decision_type> decided_now = handler_.handle(command, in);
      if (!decided_now) return unexpected(std::move(decided_now).error());
      decided.emplace(std::move(*decided_now));
      if (decided->refused() != nullptr) return rolled_back();
      if (auto good = detail::check_stream_of(detail::command_type_of<C>, H::category, stream); !good)
        return good;
      events.emplace(*decided, side_.options().ids, side_.options().clock.now(), context);
      part.emplace(stream_append{stream, expectation::any(), events->view()});
      request = append_request{.streams = {&*part, 1}, .command = record.id.nil() ? nullptr : &record};
      auto appended_now = side_.append_in(in, request);
      if (!appended_now) return unexpected(std::move(appended_now).error());
      done = *appended_now;
      return {};
    };
    auto committed_now = side_.store().transact(body);

    if (early) return std::move(*early);
    if (decided && decided->refused() != nullptr)
      return detail::refuse(side_.store(), *decided->refused(), record);
    if (!committed_now) return unexpected(command_failure(std::move(committed_now).error()));
    side_.committed(*done);
    side_.published(request, *done);
    return committed{done->position, done->version, false};
  }

  // Ends a transaction without effect; the caller knows why.
  static result<void> rolled_back() {
    return unexpected(error(errc::stopped, "the handler rejected the command"));
  }

  WriteSide& side_;
  H handler_;
};

} // namespace cleave
