// SPDX-License-Identifier: BSL-1.0
#include <cleave/base/limits.hpp>
#include <cleave/event/append.hpp>

#include <algorithm>
#include <vector>

namespace cleave {

namespace {

result<void> check_tags(new_event const& event) {
  if (event.tags.size() > limits::tags_per_event) {
    return unexpected(make_error(errc::limit_exceeded, "event {} has {} tags, at most {} are allowed",
                                 event.name, event.tags.size(), limits::tags_per_event));
  }
  for (std::size_t i = 0; i < event.tags.size(); ++i) {
    if (auto good = check_name("tag", event.tags[i], limits::tag_bytes); !good) return good;
    if (detail::contains(event.tags.first(i), event.tags[i])) {
      return unexpected(make_error(errc::invalid_argument, "event {} carries the tag \"{}\" twice",
                                   event.name, event.tags[i]));
    }
  }
  return {};
}

result<void> check_headers(new_event const& event) {
  auto const headers = event.metadata.headers;
  if (headers.size() > limits::headers_per_event) {
    return unexpected(make_error(errc::limit_exceeded, "event {} has {} headers, at most {} are allowed",
                                 event.name, headers.size(), limits::headers_per_event));
  }
  for (std::size_t i = 0; i < headers.size(); ++i) {
    if (auto good = check_name("header name", headers[i].name, limits::header_name_bytes); !good) return good;
    if (headers[i].value.size() > limits::header_value_bytes) {
      return unexpected(
          make_error(errc::limit_exceeded, "header {} of event {} has {} bytes, at most {} are allowed",
                     headers[i].name, event.name, headers[i].value.size(), limits::header_value_bytes));
    }
    if (auto const bad = find_invalid_utf8(headers[i].value); bad != std::string_view::npos) {
      return unexpected(make_error(errc::invalid_argument, "header {} of event {} is not UTF-8 at offset {}",
                                   headers[i].name, event.name, bad));
    }
    for (std::size_t k = 0; k < i; ++k) {
      if (headers[k].name == headers[i].name) {
        return unexpected(make_error(errc::invalid_argument, "event {} carries the header \"{}\" twice",
                                     event.name, headers[i].name));
      }
    }
  }
  return {};
}

result<void> check_event(new_event const& event) {
  if (event.id.nil()) return unexpected(make_error(errc::invalid_argument, "event {} has no id", event.name));
  if (event.data.size() > limits::event_data_bytes) return check_event_data(event.name, event.data.size());
  if (!event.tags.empty()) {
    if (auto good = check_tags(event); !good) return good;
  }
  if (!event.metadata.headers.empty()) {
    if (auto good = check_headers(event); !good) return good;
  }
  return {};
}

result<void> check_ids_differ(append_request const& request, std::size_t events) {
  std::vector<event_id> ids;
  ids.reserve(events);
  for (stream_append const& part : request.streams) {
    for (new_event const& event : part.events) ids.push_back(event.id);
  }
  std::ranges::sort(ids);
  if (auto const twice = std::ranges::adjacent_find(ids); twice != ids.end()) {
    return unexpected(
        make_error(errc::duplicate_event, "the append carries the event id {} twice", to_string(*twice)));
  }
  return {};
}

result<void> check_streams_differ(append_request const& request) {
  std::vector<std::string_view> names;
  names.reserve(request.streams.size());
  for (stream_append const& part : request.streams) names.push_back(part.stream.text());
  std::ranges::sort(names);
  if (auto const twice = std::ranges::adjacent_find(names); twice != names.end()) {
    return unexpected(make_error(errc::invalid_argument, "the append names the stream {} twice", *twice));
  }
  return {};
}

result<void> check_command(command_record const& command, std::size_t events) {
  if (command.id.nil())
    return unexpected(make_error(errc::invalid_argument, "command {} has a nil id", command.command));
  if (command.refused == nullptr) return {};
  if (events != 0) {
    return unexpected(make_error(errc::invalid_argument, "command {} is rejected and has {} events",
                                 command.command, events));
  }
  if (auto good = check_name("rejection code", command.refused->code, limits::rejection_code_bytes); !good)
    return good;
  if (command.refused->text.size() > limits::rejection_text_bytes) {
    return unexpected(
        make_error(errc::limit_exceeded, "the text of rejection {} has {} bytes, at most {} are allowed",
                   command.refused->code, command.refused->text.size(), limits::rejection_text_bytes));
  }
  if (auto const bad = find_invalid_utf8(command.refused->text); bad != std::string_view::npos) {
    return unexpected(make_error(errc::invalid_argument, "the text of rejection {} is not UTF-8 at offset {}",
                                 command.refused->code, bad));
  }
  return {};
}

} // namespace

result<void> check_event_data(std::string_view event, std::size_t bytes) {
  if (bytes <= limits::event_data_bytes) return {};
  return unexpected(make_error(errc::limit_exceeded,
                               "the data of event {} have {} bytes, at most {} are allowed", event, bytes,
                               limits::event_data_bytes));
}

result<void> check_append(append_request const& request) {
  for (stream_append const& part : request.streams) {
    if (auto good = check_stream_name(part.stream); !good) return good;
    for (new_event const& event : part.events) {
      if (auto good = check_name("event name", event.name, limits::event_name_bytes); !good) return good;
    }
  }
  if (request.command != nullptr) {
    if (auto good = check_name("command name", request.command->command, limits::command_name_bytes); !good)
      return good;
  }
  return check_append_but_names(request);
}

result<void> check_append_but_names(append_request const& request) {
  if (request.streams.size() > limits::streams_per_append) {
    return unexpected(make_error(errc::limit_exceeded, "the append names {} streams, at most {} are allowed",
                                 request.streams.size(), limits::streams_per_append));
  }
  std::size_t events = 0;
  std::size_t bytes = 0;
  for (stream_append const& part : request.streams) {
    events += part.events.size();
    if (events > limits::events_per_append) {
      return unexpected(
          make_error(errc::limit_exceeded, "the append has more than {} events", limits::events_per_append));
    }
    for (new_event const& event : part.events) {
      if (auto good = check_event(event); !good) return good;
      bytes += event.data.size();
    }
  }
  if (bytes > limits::append_data_bytes) {
    return unexpected(make_error(errc::limit_exceeded,
                                 "the data of the append have {} bytes, at most {} are allowed", bytes,
                                 limits::append_data_bytes));
  }
  if (request.streams.size() > 1) {
    if (auto good = check_streams_differ(request); !good) return good;
  }
  if (events > 1) {
    if (auto good = check_ids_differ(request, events); !good) return good;
  }
  if (request.condition != nullptr) {
    if (auto good = check_query(request.condition->query); !good) return good;
  }
  if (request.command != nullptr) return check_command(*request.command, events);
  return {};
}

error condition_conflict(append_condition const& condition, position found, std::string_view name) {
  return make_error(errc::version_conflict,
                    "the append's condition does not hold: event {} at position {} matches, "
                    "none behind position {} was expected",
                    name, found, condition.after);
}

} // namespace cleave
