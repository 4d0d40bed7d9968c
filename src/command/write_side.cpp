// SPDX-License-Identifier: BSL-1.0
#include <cleave/command/write_side.hpp>

#include <utility>

namespace cleave::detail {

outgoing_events::outgoing_events(decided const& decision, id_source_ref const& ids, timestamp now,
                                 command_context const& context) {
  auto const made = [&](decided_event const& event) {
    return new_event{.id = event_id(ids.next(now)),
                     .name = event.type->name,
                     .type = event.type,
                     .object = event.object,
                     .data = {},
                     .tags = {},
                     .metadata = {context.correlation, context.causation, context.headers}};
  };
  std::size_t const size = decision.size();
  if (size == 0) return;
  if (size == 1) {
    events_ = {new (&one_) new_event(made(decision[0])), 1};
    if (decision[0].type->tags == nullptr) return;
  }
  more_.emplace();
  more_->tags.reserve(size);
  if (size > 1) more_->events.reserve(size);
  for (std::size_t i = 0; i < size; ++i) {
    decided_event const& event = decision[i];
    new_event& to = size == 1 ? one_ : more_->events.emplace_back(made(event));
    if (event.type->tags == nullptr) continue;
    event.type->tags(event.object, more_->tags.emplace_back());
    to.tags = more_->tags.back().view();
  }
  if (size > 1) events_ = more_->events;
}

result<command_record> make_command_record(command_type const& type, void const* command,
                                           command_context const& context) {
  if (type.name.empty()) {
    return unexpected(make_error(errc::invalid_argument,
                                 "command id {} was given with a command that has no stored name: "
                                 "specialise cleave::command_name for it",
                                 to_string(context.id)));
  }
  auto print = type.fingerprint(command);
  if (!print) return unexpected(std::move(print).error());
  return command_record{.id = context.id, .command = type.name, .fingerprint = *print};
}

result<void> check_stream_of(command_type const& type, std::string_view category, stream_name stream) {
  if (stream.text().size() > category.size() + 1) return check_stream_name(stream);
  return unexpected(make_error(errc::invalid_argument,
                               "command {} has an empty id, so that it is for no stream of {}", type.text,
                               category));
}

command_result first_outcome(command_record const& now, command_outcome then) {
  if (then.command != now.command || then.fingerprint != now.fingerprint) {
    return unexpected(command_failure(make_error(
        errc::command_id_reused, "command id {} belongs to another command: it was {}, now it is {}{}",
        to_string(now.id), then.command, now.command,
        std::string_view(then.command == now.command ? " with other contents" : ""))));
  }
  if (then.refused) return unexpected(command_failure(std::move(*then.refused)));
  return committed{then.position, then.version, true};
}

} // namespace cleave::detail
