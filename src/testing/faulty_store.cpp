// SPDX-License-Identifier: BSL-1.0
#include <cleave/testing/faulty_store.hpp>

#include <algorithm>
#include <deque>
#include <span>
#include <thread>
#include <utility>
#include <vector>

namespace cleave::testing {

namespace {

using parts = std::vector<stream_append>;

parts copy_parts(append_request const& request) { return {request.streams.begin(), request.streams.end()}; }

std::size_t count_events(append_request const& request) {
  std::size_t events = 0;
  for (stream_append const& part : request.streams) events += part.events.size();
  return events;
}

bool is(result<appended> const& got, errc code) { return !got && got.error().code() == code; }

} // namespace

// A request that outlives its caller's views: events as stored forms, conditions and commands left out.
struct faulty_store::late_append {
  std::deque<std::string> texts;
  std::deque<std::vector<std::string_view>> tags;
  std::deque<std::vector<header>> headers;
  std::deque<std::vector<new_event>> events;
  parts streams;

  explicit late_append(append_request const& request) {
    for (stream_append const& part : request.streams) {
      auto& copies = events.emplace_back();
      for (new_event const& event : part.events) copies.push_back(copy(event));
      streams.push_back({std::string_view(texts.emplace_back(part.stream.text())), part.expected, copies});
    }
  }
  new_event copy(new_event const& event) {
    std::string& data = texts.emplace_back(event.data);
    if (event.type != nullptr) static_cast<void>(event.type->encode(event.object, data));
    auto& own_tags = tags.emplace_back();
    for (std::string_view tag : event.tags) own_tags.push_back(texts.emplace_back(tag));
    auto& own_headers = headers.emplace_back();
    for (header const& h : event.metadata.headers) {
      own_headers.push_back({texts.emplace_back(h.name), texts.emplace_back(h.value)});
    }
    return {.id = event.id,
            .name = texts.emplace_back(event.name),
            .data = data,
            .tags = own_tags,
            .metadata = {event.metadata.correlation, event.metadata.causation, own_headers}};
  }
};

faulty_store::~faulty_store() { delete late_; }

std::vector<event_id> faulty_store::known_of(append_request const& request) {
  std::vector<event_id> asked;
  for (stream_append const& part : request.streams) {
    for (new_event const& event : part.events) asked.push_back(event.id);
  }
  std::ranges::sort(asked);
  std::vector<event_id> known;
  static_cast<void>(inner_.read_all({}, [&](recorded_event const& event) {
    if (std::ranges::binary_search(asked, event.at.id)) known.push_back(event.at.id);
    return true;
  }));
  return known;
}

std::string faulty_store::changed_name(stream_name stream) const {
  std::string name(stream.text());
  if (planted_ == fault::folds_case) {
    for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  if (planted_ == fault::cuts_long_names && check_stream_name(stream)) {
    // Not inside a character: what is left must be a name.
    std::size_t end = std::min<std::size_t>(name.size(), 200);
    while (end < name.size() && (static_cast<unsigned char>(name[end]) & 0xc0) == 0x80) --end;
    name.resize(end);
  }
  if (planted_ == fault::accepts_any_name) {
    for (char& c : name) c = c >= 0 && c < 0x20 ? '?' : c;
  }
  return name;
}

// What the store would answer if it stored the events now.
result<appended> faulty_store::promise(append_request const& request) {
  auto const head = inner_.head();
  if (!head) return unexpected(head.error());
  appended answer{position(head->value() + count_events(request)), {}, false};
  for (stream_append const& part : request.streams) {
    auto const last = inner_.read_stream(part.stream, stream_range::all().up_to(0),
                                         [](recorded_event const&) { return true; });
    if (!last) return unexpected(last.error());
    answer.version = version(last->value() + part.events.size());
  }
  return answer;
}

result<appended> faulty_store::commit_late(append_request const& request) {
  if (auto* const due = std::exchange(late_, nullptr)) {
    static_cast<void>(inner_.append({.streams = due->streams}));
    delete due;
  }
  auto answer = promise(request);
  late_ = new late_append(request);
  return answer;
}

result<appended> faulty_store::commit_stream_by_stream(append_request const& request) {
  if (request.streams.size() < 2) return inner_.append(request);
  result<appended> last = appended{};
  for (stream_append const& part : request.streams) {
    last = inner_.append({.streams = {&part, 1}, .condition = request.condition});
    if (!last) return last;
    std::this_thread::yield();
  }
  return last;
}

result<appended> faulty_store::check_then_commit(append_request const& request) {
  if (!known_of(request).empty()) return inner_.append(request);
  parts unchecked = copy_parts(request);
  for (stream_append& part : unchecked) {
    auto const last = inner_.read_stream(part.stream, stream_range::all().up_to(0),
                                         [](recorded_event const&) { return true; });
    if (!last) return unexpected(last.error());
    if (!part.expected.holds_at(*last))
      return unexpected(version_conflict(part.stream, part.expected, *last));
    part.expected = expectation::any();
  }
  std::this_thread::yield();
  return inner_.append({unchecked, request.condition, request.command});
}

result<appended> faulty_store::commit_out_of_order(append_request const& request) {
  std::uint64_t mine = 0;
  result<appended> done = [&] {
    std::lock_guard lock(mutex_);
    auto answer = inner_.append(request);
    if (answer && !answer->repeated && count_events(request) != 0)
      hidden_.insert(mine = answer->position.value());
    return answer;
  }();
  for (int i = 0; i < 50; ++i) std::this_thread::yield();
  std::lock_guard lock(mutex_);
  hidden_.erase(mine);
  return done;
}

result<appended> faulty_store::commit_again(append_request const& request) {
  auto answer = inner_.append(request);
  if (!answer || !answer->repeated || count_events(request) == 0) return answer;
  std::deque<std::vector<new_event>> events;
  parts anew = copy_parts(request);
  for (stream_append& part : anew) {
    auto& renamed = events.emplace_back(part.events.begin(), part.events.end());
    for (new_event& event : renamed) event.id = event_id(ids_.next(timestamp()));
    part = {part.stream, expectation::any(), renamed};
  }
  return inner_.append({.streams = anew});
}

result<appended> faulty_store::commit_new_part(append_request const& request) {
  auto answer = inner_.append(request);
  if (!is(answer, errc::duplicate_event)) return answer;
  auto const known = known_of(request);
  std::deque<std::vector<new_event>> events;
  parts rest = copy_parts(request);
  for (stream_append& part : rest) {
    auto& fresh = events.emplace_back(part.events.begin(), part.events.end());
    std::erase_if(fresh,
                  [&](new_event const& event) { return std::ranges::find(known, event.id) != known.end(); });
    part.events = fresh;
  }
  return inner_.append({rest, request.condition, request.command});
}

result<appended> faulty_store::commit_without_last(append_request const& request) {
  parts shorter = copy_parts(request);
  std::uint64_t left_out = 0;
  for (stream_append& part : shorter) {
    if (part.events.size() < 2) continue;
    part.events = part.events.first(part.events.size() - 1);
    ++left_out;
  }
  auto answer = inner_.append({shorter, request.condition, request.command});
  if (answer && !answer->repeated && left_out != 0) {
    answer->position = position(answer->position.value() + left_out);
    answer->version = answer->version.next();
  }
  return answer;
}

result<appended> faulty_store::append(append_request const& request) {
  std::deque<std::string> names;
  parts streams = copy_parts(request);
  for (stream_append& part : streams)
    part.stream = std::string_view(names.emplace_back(changed_name(part.stream)));
  append_request changed{streams, request.condition, request.command};

  std::unique_lock lock(mutex_, std::defer_lock);
  switch (planted_) {
  case fault::loses_appends:
    lock.lock();
    return count_events(changed) != 0 && ++appends_ % 3 == 0 ? promise(changed) : inner_.append(changed);
  case fault::commits_late: lock.lock(); return commit_late(changed);
  case fault::skips_expectations_on_retry:
    if (!known_of(changed).empty()) {
      for (stream_append& part : streams) part.expected = expectation::any();
    }
    return inner_.append(changed);
  case fault::ignores_expectations:
    for (stream_append& part : streams) part.expected = expectation::any();
    return inner_.append(changed);
  case fault::checks_before_the_lock: return check_then_commit(changed);
  case fault::swallows_conflicts: {
    auto const answer = inner_.append(changed);
    return is(answer, errc::version_conflict) ? promise({}) : answer;
  }
  case fault::swallows_duplicates: {
    auto const answer = inner_.append(changed);
    return is(answer, errc::duplicate_event) ? promise({}) : answer;
  }
  case fault::stores_repeats: return commit_again(changed);
  case fault::stores_the_new_part: return commit_new_part(changed);
  case fault::stores_part_of_a_batch: return commit_without_last(changed);
  case fault::commits_stream_by_stream: return commit_stream_by_stream(changed);
  case fault::ignores_conditions: changed.condition = nullptr; return inner_.append(changed);
  case fault::forgets_commands: changed.command = nullptr; return inner_.append(changed);
  case fault::takes_any_fingerprint:
    if (changed.command != nullptr) {
      auto const known = inner_.find_command(changed.command->id);
      if (known && *known) return appended{(*known)->position, (*known)->version, true};
    }
    return inner_.append(changed);
  case fault::reuses_positions: {
    lock.lock();
    auto answer = inner_.append(changed);
    auto const head = inner_.head();
    if (!answer && head && head->value() != 0) failed_at_.insert(head->value());
    if (answer) answer->position = position(shown(answer->position.value()));
    return answer;
  }
  case fault::shows_positions_out_of_order: return commit_out_of_order(changed);
  default: return inner_.append(changed);
  }
}

// Every failed append moves what comes after it one position down.
std::uint64_t faulty_store::shown(std::uint64_t position) {
  std::lock_guard lock(mutex_);
  auto const before = std::distance(failed_at_.begin(), failed_at_.lower_bound(position));
  return position - static_cast<std::uint64_t>(before);
}

recorded_event faulty_store::changed_event(recorded_event const& event) {
  recorded_event changed = event;
  if (planted_ == fault::drops_headers) changed.at.metadata.headers = {};
  if (planted_ == fault::reuses_positions) changed.at.position = position(shown(event.at.position.value()));
  return changed;
}

result<version> faulty_store::read_event_by_event(stream_name stream, stream_range range, sink each) {
  result<version> last = version();
  version next = range.from;
  bool more = true;
  for (std::uint64_t left = range.limit; left > 0 && more; --left) {
    bool found = false;
    last = inner_.read_stream(stream, {next, range.order, 1}, [&](recorded_event const& event) {
      found = true;
      next = range.order == direction::forward ? event.at.version.next()
                                               : version(event.at.version.value() - 1);
      more = each(event);
      return true;
    });
    if (!last || !found) break;
  }
  return range.limit == 0 ? inner_.read_stream(stream, range, each) : last;
}

result<version> faulty_store::read_stream(stream_name stream, stream_range range, sink each) {
  std::string const name = changed_name(stream);
  if (planted_ == fault::hands_out_one_too_many && range.limit != UINT64_MAX) ++range.limit;
  if (planted_ == fault::reads_without_snapshot) return read_event_by_event(name, range, each);
  if (planted_ == fault::turns_backward_reads && range.order == direction::backward) {
    std::vector<std::uint64_t> found;
    auto last = inner_.read_stream(std::string_view(name), range, [&](recorded_event const& event) {
      found.push_back(event.at.version.value());
      return true;
    });
    if (!last || found.empty()) return last;
    return inner_.read_stream(std::string_view(name),
                              {version(found.back()), direction::forward, found.size()}, each);
  }
  return inner_.read_stream(std::string_view(name), range, [&](recorded_event const& event) {
    bool const more = each(changed_event(event));
    return more || planted_ == fault::ignores_the_sink;
  });
}

result<position> faulty_store::read_page_by_page(log_range range, sink each) {
  result<position> reached = range.after;
  bool more = true;
  for (std::uint64_t left = range.limit; left > 0 && more; --left) {
    bool found = false;
    reached = inner_.read_all({range.after, 1, range.filter}, [&](recorded_event const& event) {
      found = true;
      range.after = event.at.position;
      more = each(event);
      return true;
    });
    if (!reached || !found) break;
  }
  return reached;
}

result<position> faulty_store::read_filtered(log_range range, sink each) {
  std::vector<query_item> items;
  for (query_item const& item : range.filter.items) {
    if (planted_ == fault::takes_any_tag && item.tags.size() > 1) {
      for (std::string_view const& tag : item.tags) items.push_back({item.names, std::span(&tag, 1)});
      continue;
    }
    items.push_back(item);
    if (planted_ == fault::ignores_names) items.back().names = {};
    if (planted_ == fault::ignores_tags) items.back().tags = {};
  }
  range.filter.items = items;
  return inner_.read_all(range, each);
}

result<position> faulty_store::read_all(log_range range, sink each) {
  position last = range.after;
  if (planted_ == fault::hands_out_one_too_many && range.limit != UINT64_MAX) ++range.limit;
  if (planted_ == fault::includes_after && range.after != position())
    range.after = position(range.after.value() - 1);
  if (planted_ == fault::reads_without_snapshot) return read_page_by_page(range, each);
  if (planted_ == fault::reuses_positions) {
    auto const end = inner_.head();
    std::uint64_t after = range.after.value();
    while (end && after < end->value() && shown(after + 1) <= range.after.value()) ++after;
    range.after = position(after);
  }
  auto reached = read_filtered(range, [&](recorded_event const& event) {
    if (planted_ == fault::shows_positions_out_of_order) {
      std::lock_guard lock(mutex_);
      if (hidden_.contains(event.at.position.value())) return true;
    }
    last = event.at.position;
    bool const more = each(changed_event(event));
    return more || planted_ == fault::ignores_the_sink;
  });
  if (!reached) return reached;
  if (planted_ == fault::answers_with_the_head) return inner_.head();
  if (planted_ == fault::answers_with_the_match) return last;
  if (planted_ == fault::reuses_positions) return position(shown(reached->value()));
  return reached;
}

result<position> faulty_store::head() {
  auto head = inner_.head();
  if (!head || planted_ != fault::reuses_positions) return head;
  return position(shown(head->value()));
}

} // namespace cleave::testing
