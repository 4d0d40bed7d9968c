// SPDX-License-Identifier: BSL-1.0
#include <cleave/command/write_side.hpp>

#include <utility>

namespace cleave::detail {

outgoing_events::outgoing_events(decided const& decision, id_source_ref const& ids, timestamp now,
                                 command_context const& context) {
  std::size_t const size = decision.size();
  if (size == 0) return;
  if (size > 1) several_.reserve(size);
  metadata const why{context.correlation, context.causation, context.headers};
  for (std::size_t i = 0; i < size; ++i) {
    decided_event const& event = decision[i];
    new_event& made = size == 1 ? one_ : several_.emplace_back();
    made.id = event_id(ids.next(now));
    made.name = event.type->name;
    made.type = event.type;
    made.object = event.object;
    made.metadata = why;
    if (event.type->tags == nullptr) continue;
    if (tags_.empty()) tags_.reserve(size);
    event.type->tags(event.object, tags_.emplace_back());
    made.tags = tags_.back().view();
  }
  events_ = size == 1 ? std::span<new_event const>(&one_, 1) : std::span<new_event const>(several_);
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
