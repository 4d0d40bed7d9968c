// SPDX-License-Identifier: BSL-1.0
#include <cleave/testing/history.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <span>
#include <unordered_map>

namespace cleave::testing {

namespace {

constexpr std::size_t most_findings = 10;

history_event seen(recorded_event const& event) {
  return {event.at.id, event.at.position.value(), std::string(event.at.stream.text()),
          event.at.version.value()};
}

// Where the events of one append are in the log: numbers of its first and last event, counted from 1.
struct block {
  std::uint64_t first = 0; // 0: not there
  std::uint64_t last = 0;
  std::uint64_t began = UINT64_MAX; // the first try that was not refused
  std::uint64_t ended = UINT64_MAX; // the first acknowledgement
};

class judge {
public:
  judge(history const& told, std::vector<history_event> const& log) : told_(told), log_(log) {}

  report judged() {
    check_log();
    place_appends();
    if (findings_.empty()) order();
    if (findings_.empty()) {
      for (std::size_t i = 0; i < told_.appends.size(); ++i) check_append(i);
      for (history_read const& read : told_.reads) check_read(read);
    }
    if (count_ == 0)
      return {true, fmt::format("{} appends and {} reads are linearizable", told_.appends.size(),
                                told_.reads.size())};
    std::string text = fmt::format("the history breaks the contract in {} places:", count_);
    for (std::string const& finding : findings_) text += "\n  " + finding;
    return {false, std::move(text)};
  }

private:
  template <class... Values> void find(fmt::format_string<Values...> format, Values&&... values) {
    if (count_++ < most_findings) findings_.push_back(fmt::format(format, std::forward<Values>(values)...));
  }

  void check_log() {
    for (std::size_t i = 0; i < log_.size(); ++i) {
      history_event const& event = log_[i];
      if (event.position != i + 1) find("event {} of the log has position {}", i + 1, event.position);
      auto& in_stream = streams_[event.stream];
      in_stream.push_back(i + 1);
      if (event.version != in_stream.size())
        find("position {}: version {} of stream {}, wanted {}", event.position, event.version, event.stream,
             in_stream.size());
      if (!places_.emplace(to_string(event.id), i + 1).second)
        find("event {} is in the log twice", to_string(event.id));
    }
  }

  void place_appends() {
    std::vector<bool> asked(log_.size(), false);
    for (history_append const& call : told_.appends) {
      block& here = blocks_of_.emplace_back();
      std::uint64_t expected = 0;
      std::size_t there = 0;
      std::size_t wanted = 0;
      bool in_order = true;
      for (history_append::part const& part : call.parts) {
        for (event_id const& id : part.events) {
          ++wanted;
          auto const place = places_.find(to_string(id));
          if (place == places_.end()) continue;
          ++there;
          if (here.first == 0) expected = here.first = place->second;
          in_order = in_order && place->second == expected++ && log_[place->second - 1].stream == part.stream;
          asked[place->second - 1] = true;
          here.last = place->second;
        }
      }
      if (there != 0 && (there != wanted || !in_order))
        find("{}: {} of {} events are in the log, {}", name(call), there, wanted,
             in_order ? "in order" : "elsewhere or in another order");
    }
    for (std::size_t i = 0; i < asked.size(); ++i) {
      if (!asked[i]) find("position {}: nobody asked for this event ({})", i + 1, to_string(log_[i].id));
    }
  }

  // Ticks of each block, and of all calls: what must come before and what behind a call.
  void order() {
    std::map<std::uint64_t, block*> by_first;
    for (std::size_t i = 0; i < blocks_of_.size(); ++i) {
      block& here = blocks_of_[i];
      if (here.first == 0) continue;
      block& one = *by_first.emplace(here.first, &here).first->second; // retries share the first one's
      if (told_.appends[i].answer != history_append::outcome::refused)
        one.began = std::min(one.began, told_.appends[i].began);
      if (told_.appends[i].answer == history_append::outcome::acknowledged)
        one.ended = std::min(one.ended, told_.appends[i].ended);
    }
    for (block& here : blocks_of_) {
      if (here.first != 0) here = *by_first.at(here.first);
    }
    for (auto const& [first, one] : by_first) {
      if (one->ended != UINT64_MAX) known_.emplace_back(one->ended, one->last);
      begun_.emplace_back(one->began, one->first);
    }
    for (history_read const& read : told_.reads) {
      if (!read.events.empty()) known_.emplace_back(read.ended, read.events.back().position);
    }
    std::sort(known_.begin(), known_.end());
    std::sort(begun_.begin(), begun_.end());
    for (std::size_t i = 1; i < known_.size(); ++i)
      known_[i].second = std::max(known_[i].second, known_[i - 1].second);
    for (std::size_t i = begun_.size(); i-- > 1;)
      begun_[i - 1].second = std::min(begun_[i - 1].second, begun_[i].second);
  }

  // The log had at least so many events when the call began, and at most so many when it ended.
  std::uint64_t least(std::uint64_t began) const {
    auto const behind = std::partition_point(known_.begin(), known_.end(),
                                             [&](auto const& at) { return at.first < began; });
    return behind == known_.begin() ? 0 : std::prev(behind)->second;
  }
  std::uint64_t most(std::uint64_t ended) const {
    auto const later = std::partition_point(begun_.begin(), begun_.end(),
                                            [&](auto const& at) { return at.first <= ended; });
    return later == begun_.end() ? log_.size() : later->second - 1;
  }
  // The stream's version when the log had so many events.
  std::uint64_t version_at(std::string const& stream, std::uint64_t events) const {
    auto const known = streams_.find(stream);
    if (known == streams_.end()) return 0;
    auto const end = std::upper_bound(known->second.begin(), known->second.end(), events);
    return static_cast<std::uint64_t>(end - known->second.begin());
  }

  void check_append(std::size_t i) {
    history_append const& call = told_.appends[i];
    if (call.answer == history_append::outcome::acknowledged) check_acknowledged(call, blocks_of_[i]);
    if (call.answer == history_append::outcome::refused) check_refused(call, blocks_of_[i]);
  }

  void check_acknowledged(history_append const& call, block const& here) {
    bool const empty = std::all_of(call.parts.begin(), call.parts.end(),
                                   [](auto const& part) { return part.events.empty(); });
    if (empty) return;
    if (here.first == 0)
      return find("{}: acknowledged at position {}, but not in the log", name(call),
                  call.told.position.value());
    if (call.told.position.value() != here.last)
      find("{}: acknowledged at position {}, in the log at {}", name(call), call.told.position.value(),
           here.last);
    if (std::uint64_t const last = version_at(call.parts.back().stream, here.last);
        call.told.version.value() != last)
      find("{}: acknowledged with version {}, in the log with {}", name(call), call.told.version.value(),
           last);
    if (here.last > most(call.ended))
      find("{}: it comes behind an append that began when it had ended", name(call));
    if (call.told.repeated && here.began == call.began)
      find("{}: the first of its kind was answered as a repeat", name(call));
    if (!call.told.repeated && here.first <= least(call.began))
      find("{}: it comes before something that was known when it began", name(call));
    for (history_append::part const& part : call.parts) {
      std::uint64_t const before = version_at(part.stream, here.first - 1);
      if (!part.expected.holds_at(version(before)))
        find("{}: its expectation of stream {} was not true: the version was {}", name(call), part.stream,
             before);
    }
  }

  void check_refused(history_append const& call, block const& here) {
    bool const only_refused = here.first != 0 && here.began == UINT64_MAX;
    if (only_refused) find("{}: refused, but in the log at position {}", name(call), here.first);
    if (call.conditional) return;
    std::uint64_t const from = least(call.began);
    std::uint64_t const to = most(call.ended);
    for (history_append::part const& part : call.parts) {
      for (std::uint64_t v = version_at(part.stream, from); v <= version_at(part.stream, to); ++v) {
        if (!part.expected.holds_at(version(v))) return;
      }
    }
    find("{}: refused, but its expectations were true all the time", name(call));
  }

  void check_read(history_read const& read) {
    std::uint64_t const from = least(read.began);
    std::uint64_t const to = most(read.ended);
    std::string const what = read.stream.empty() ? "the log" : "stream " + read.stream;
    static std::vector<std::uint64_t> const none;
    auto const known = streams_.find(read.stream);
    auto const& numbers = known == streams_.end() ? none : known->second;
    for (std::size_t i = 0; i < read.events.size(); ++i) {
      bool const there = read.stream.empty() ? i < log_.size() : i < numbers.size();
      if (there && log_[read.stream.empty() ? i : numbers[i] - 1].id == read.events[i].id) continue;
      return find("a read of {} in ticks {} to {} has shown another event as number {}", what, read.began,
                  read.ended, i + 1);
    }
    std::uint64_t const least_wanted = read.stream.empty() ? from : version_at(read.stream, from);
    std::uint64_t const most_wanted = read.stream.empty() ? to : version_at(read.stream, to);
    if (read.events.size() < least_wanted || read.events.size() > most_wanted)
      find("a read of {} in ticks {} to {} has shown {} events, {} to {} are possible", what, read.began,
           read.ended, read.events.size(), least_wanted, most_wanted);
  }

  static std::string name(history_append const& call) {
    std::string text = fmt::format("append in ticks {} to {} (", call.began, call.ended);
    for (history_append::part const& part : call.parts)
      text += fmt::format("{}{}: {} events", &part == &call.parts.front() ? "" : ", ", part.stream,
                          part.events.size());
    return text + ")";
  }

  history const& told_;
  std::vector<history_event> const& log_;
  std::unordered_map<std::string, std::uint64_t> places_;     // by id
  std::map<std::string, std::vector<std::uint64_t>> streams_; // numbers of events
  std::vector<block> blocks_of_;                              // by append
  std::vector<std::pair<std::uint64_t, std::uint64_t>>
      known_; // at a tick, so many events of the log at the least
  std::vector<std::pair<std::uint64_t, std::uint64_t>>
      begun_; // at a tick, an event of this number or greater
  std::size_t count_ = 0;
  std::vector<std::string> findings_;
};

} // namespace

report check_history(history const& told, std::vector<history_event> const& final_log) {
  return judge(told, final_log).judged();
}

result<appended> history_recorder::append(append_request const& request) {
  history_append call;
  for (stream_append const& part : request.streams) {
    auto& made = call.parts.emplace_back(
        history_append::part{std::string(part.stream.text()), part.expected, {}});
    for (new_event const& event : part.events) made.events.push_back(event.id);
  }
  call.conditional = request.condition != nullptr;
  call.began = tick();
  auto answer = store_.append(request);
  call.ended = tick();
  if (answer) {
    call.answer = history_append::outcome::acknowledged;
    call.told = *answer;
  } else if (answer.error().code() == errc::version_conflict) {
    call.answer = history_append::outcome::refused;
  }
  std::lock_guard const lock(mutex_);
  told_.appends.push_back(std::move(call));
  return answer;
}

result<position> history_recorder::read_all() {
  history_read call;
  call.began = tick();
  auto answer = store_.read_all({}, [&](recorded_event const& event) {
    call.events.push_back(seen(event));
    return true;
  });
  call.ended = tick();
  if (!answer) return answer;
  std::lock_guard const lock(mutex_);
  told_.reads.push_back(std::move(call));
  return answer;
}

result<version> history_recorder::read_stream(std::string_view stream) {
  history_read call;
  call.stream = stream;
  call.began = tick();
  auto answer = store_.read_stream(stream, stream_range::all(), [&](recorded_event const& event) {
    call.events.push_back(seen(event));
    return true;
  });
  call.ended = tick();
  if (!answer) return answer;
  std::lock_guard const lock(mutex_);
  told_.reads.push_back(std::move(call));
  return answer;
}

report history_recorder::check() {
  std::vector<history_event> log;
  auto const read = store_.read_all({}, [&](recorded_event const& event) {
    log.push_back(seen(event));
    return true;
  });
  if (!read) return {false, "the log cannot be read: " + read.error().message()};
  return check_history(told_, log);
}

} // namespace cleave::testing
