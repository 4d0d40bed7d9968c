// SPDX-License-Identifier: BSL-1.0
#include "batch.hpp"

#include <fmt/format.h>

namespace cleave::testing::detail {

batch::batch(seeded_ids& ids, std::size_t count, std::string_view text) : ids_(&ids) {
  for (std::size_t i = 1; i <= count; ++i) {
    if (i % 3 == 0) this->count(static_cast<std::int64_t>(i));
    else if (i % 3 == 1) note(fmt::format("{} {}", text, i));
    else raw(raw_name, fmt::format(R"({{"raw":"{} {}"}})", text, i));
  }
}

std::string_view batch::keep(std::string_view text) { return texts_.emplace_back(text); }

batch& batch::note(std::string_view text) {
  noted const& event = notes_.emplace_back(noted{std::string(text)});
  events_.push_back(to_new_event(ids_->next_event(), event));
  tags_.emplace_back();
  headers_.emplace_back();
  return *this;
}

batch& batch::count(std::int64_t number) {
  counted const& event = counts_.emplace_back(counted{number});
  events_.push_back(to_new_event(ids_->next_event(), event));
  tags_.emplace_back();
  headers_.emplace_back();
  return *this;
}

batch& batch::raw(std::string_view name, std::string_view data) {
  events_.push_back(new_event{.id = ids_->next_event(), .name = keep(name), .data = keep(data)});
  tags_.emplace_back();
  headers_.emplace_back();
  return *this;
}

void batch::add_copy(new_event const& event) {
  if (event.type == &event_type_of<noted>) note(static_cast<noted const*>(event.object)->text);
  else if (event.type == &event_type_of<counted>) count(static_cast<counted const*>(event.object)->number);
  else raw(event.name, event.data);
  with_id(event.id);
  for (std::string_view tag : event.tags) tagged({tag});
  for (header const& given : event.metadata.headers) with_header(given.name, given.value);
  with_metadata(event.metadata.correlation, event.metadata.causation);
}

batch batch::slice(std::size_t from, std::size_t to) const {
  batch part(*ids_);
  for (std::size_t i = from; i < to; ++i) part.add_copy(events_[i]);
  return part;
}

batch& batch::add(batch const& other) {
  for (new_event const& event : other.events_) add_copy(event);
  return *this;
}

batch& batch::tagged(std::initializer_list<std::string_view> tags) {
  for (std::string_view tag : tags) tags_.back().push_back(keep(tag));
  events_.back().tags = tags_.back();
  return *this;
}

batch& batch::all_tagged(std::string_view tag) {
  auto tags = tags_.begin();
  for (new_event& event : events_) {
    tags->push_back(keep(tag));
    event.tags = *tags++;
  }
  return *this;
}

batch& batch::with_id(event_id id) {
  events_.back().id = id;
  return *this;
}

batch& batch::with_metadata(correlation_id correlation, causation_id causation) {
  events_.back().metadata.correlation = correlation;
  events_.back().metadata.causation = causation;
  return *this;
}

batch& batch::with_header(std::string_view name, std::string_view value) {
  headers_.back().push_back({keep(name), keep(value)});
  events_.back().metadata.headers = headers_.back();
  return *this;
}

std::vector<event_id> batch::ids() const {
  std::vector<event_id> all;
  all.reserve(events_.size());
  for (new_event const& event : events_) all.push_back(event.id);
  return all;
}

std::vector<std::string> batch::data() const {
  std::vector<std::string> all;
  for (new_event const& event : events_) {
    std::string& text = all.emplace_back(event.data);
    if (event.type != nullptr) static_cast<void>(event.type->encode(event.object, text));
  }
  return all;
}

} // namespace cleave::testing::detail
