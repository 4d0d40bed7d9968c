// SPDX-License-Identifier: BSL-1.0
#include "owned_append.hpp"

namespace cleave::sqlite {

namespace {

// What the copies of a request need.
struct extent {
  void add(std::string_view text) noexcept { bytes += text.size(); }
  void add(std::span<std::string_view const> texts) noexcept {
    listed += texts.size();
    for (std::string_view const text : texts) add(text);
  }
  void add(new_event const& event) noexcept {
    ++events;
    add(event.name);
    add(event.data);
    add(event.tags);
    headers += event.metadata.headers.size();
    for (header const& one : event.metadata.headers) {
      add(one.name);
      add(one.value);
    }
  }

  std::size_t bytes = 0;
  std::size_t events = 0;
  std::size_t listed = 0;
  std::size_t headers = 0;
};

} // namespace

void owned_append::clear() noexcept {
  texts_.clear();
  streams_.clear();
  events_.clear();
  items_.clear();
  lists_.clear();
  headers_.clear();
  request_ = {};
}

void owned_append::reserve(append_request const& from) {
  extent all;
  for (stream_append const& part : from.streams) {
    all.add(part.stream.text());
    for (new_event const& event : part.events) all.add(event);
  }
  if (from.condition != nullptr) {
    for (query_item const& item : from.condition->query.items) {
      all.add(item.names);
      all.add(item.tags);
    }
  }
  if (from.command != nullptr) all.add(from.command->command);
  texts_.reserve(all.bytes);
  streams_.reserve(from.streams.size());
  events_.reserve(all.events);
  lists_.reserve(all.listed);
  headers_.reserve(all.headers);
}

void owned_append::assign(append_request const& from) {
  clear();
  reserve(from);
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
  std::size_t const first = lists_.size();
  for (std::string_view const text : texts) lists_.push_back(keep(text));
  return std::span(lists_).subspan(first);
}

metadata owned_append::keep(metadata const& from) {
  metadata copy = from;
  std::size_t const first = headers_.size();
  for (header const& one : from.headers) headers_.push_back({keep(one.name), keep(one.value)});
  copy.headers = std::span(headers_).subspan(first);
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
