// SPDX-License-Identifier: BSL-1.0
#include "owned_append.hpp"

namespace cleave::sqlite {

namespace {

std::size_t text_bytes(std::span<std::string_view const> texts) noexcept {
  std::size_t bytes = 0;
  for (std::string_view const text : texts) bytes += text.size();
  return bytes;
}

std::size_t text_bytes(new_event const& event) noexcept {
  std::size_t bytes = event.name.size() + event.data.size() + text_bytes(event.tags);
  for (header const& one : event.metadata.headers) bytes += one.name.size() + one.value.size();
  return bytes;
}

std::size_t text_bytes(append_request const& request) noexcept {
  std::size_t bytes = request.command != nullptr ? request.command->command.size() : 0;
  for (stream_append const& part : request.streams) {
    bytes += part.stream.text().size();
    for (new_event const& event : part.events) bytes += text_bytes(event);
  }
  if (request.condition != nullptr) {
    for (query_item const& item : request.condition->query.items)
      bytes += text_bytes(item.names) + text_bytes(item.tags);
  }
  return bytes;
}

} // namespace

owned_append::owned_append(append_request const& from) {
  texts_.reserve(text_bytes(from));
  std::size_t count = 0;
  for (stream_append const& part : from.streams) count += part.events.size();
  events_.reserve(count);
  streams_.reserve(from.streams.size());
  for (stream_append const& part : from.streams) {
    std::size_t const first = events_.size();
    for (new_event const& event : part.events) {
      new_event& copy = events_.emplace_back(event);
      copy.name = keep(event.name);
      copy.data = keep(event.data);
      copy.tags = keep(event.tags);
      copy.metadata = keep(event.metadata);
    }
    streams_.push_back({keep(part.stream.text()), part.expected, std::span(events_).subspan(first)});
  }
  request_.streams = streams_;
  if (from.condition != nullptr) keep_condition(*from.condition);
  if (from.command != nullptr) keep_command(*from.command);
}

std::string_view owned_append::keep(std::string_view text) {
  std::size_t const begin = texts_.size();
  texts_.append(text);
  return std::string_view(texts_).substr(begin);
}

std::span<std::string_view const> owned_append::keep(std::span<std::string_view const> texts) {
  if (texts.empty()) return {};
  std::vector<std::string_view>& copies = lists_.emplace_back();
  for (std::string_view const text : texts) copies.push_back(keep(text));
  return copies;
}

metadata owned_append::keep(metadata const& from) {
  metadata copy = from;
  if (from.headers.empty()) return copy;
  std::vector<header>& copies = headers_.emplace_back();
  for (header const& one : from.headers) copies.push_back({keep(one.name), keep(one.value)});
  copy.headers = copies;
  return copy;
}

void owned_append::keep_condition(append_condition const& from) {
  for (query_item const& item : from.query.items) items_.push_back({keep(item.names), keep(item.tags)});
  condition_ = {.query = {.items = items_}, .after = from.after};
  request_.condition = &condition_;
}

void owned_append::keep_command(command_record const& from) {
  command_ = from;
  command_.command = keep(from.command);
  if (from.refused != nullptr) {
    refused_ = *from.refused;
    command_.refused = &refused_;
  }
  request_.command = &command_;
}

} // namespace cleave::sqlite
