// SPDX-License-Identifier: BSL-1.0
#include "contract_run.hpp"

#include "chapters.hpp"

#include <cstdio>
#include <exception>
#include <numeric>

namespace cleave::testing::detail {

seen_event copy_of(recorded_event const& event) {
  envelope const& at = event.at;
  seen_event copy{.position = at.position.value(),
                  .stream = std::string(at.stream.text()),
                  .version = at.version.value(),
                  .name = std::string(at.name),
                  .id = at.id,
                  .recorded_at = at.recorded_at,
                  .tags = {},
                  .correlation = at.metadata.correlation,
                  .causation = at.metadata.causation,
                  .headers = {},
                  .data = std::string(event.data)};
  for (std::string_view tag : at.tags) copy.tags.emplace_back(tag);
  for (header const& h : at.metadata.headers) copy.headers.push_back(fmt::format("{}: {}", h.name, h.value));
  if (event.type != nullptr) {
    if (auto encoded = event.type->encode(event.object, copy.data); !encoded)
      copy.data = encoded.error().message();
  }
  return copy;
}

result<appended> contract_run::append(stream_name stream, expectation expected, batch const& events) {
  stream_append const part = events.to(stream, expected);
  return store().append({.streams = {&part, 1}});
}

appended contract_run::stored(stream_name stream, expectation expected, batch const& events, place at) {
  return good(append(stream, expected, events), fmt::format("append to {}", stream.text()), at);
}

appended contract_run::stored(append_request const& request, place at) {
  return good(store().append(request), "append", at);
}

seen_stream contract_run::stream(stream_name name, stream_range range, place at) {
  seen_stream seen;
  auto const last = store().read_stream(name, range, [&](recorded_event const& event) {
    seen.events.push_back(copy_of(event));
    return true;
  });
  seen.last = good(last, fmt::format("read_stream({})", name.text()), at);
  return seen;
}

seen_log contract_run::log(log_range range, place at) {
  seen_log seen;
  auto const reached = store().read_all(range, [&](recorded_event const& event) {
    seen.events.push_back(copy_of(event));
    return true;
  });
  seen.reached = good(reached, "read_all", at);
  return seen;
}

position contract_run::head(place at) { return good(store().head(), "head", at); }

std::optional<command_outcome> contract_run::outcome(command_id id, place at) {
  return good(store().find_command(id), "find_command", at);
}

void contract_run::fail(std::string text, place at) {
  std::string_view file = at.file_name();
  file.remove_prefix(file.rfind('/') + 1); // npos + 1 is 0
  std::lock_guard lock(mutex_);
  failures_.push_back(fmt::format("{} ({}:{})", text, file, at.line()));
}

void contract_run::check_error(error const& got, errc wanted, std::string_view what,
                               std::vector<std::string> const& words, place at) {
  if (got.code() != wanted) {
    return fail(fmt::format("{}: expected {}, got {}", what, to_string(wanted), got.message()), at);
  }
  for (std::string const& word : words) {
    if (got.message().find(word) == std::string::npos) {
      fail(fmt::format("{}: the error's text should say \"{}\", it says: {}", what, word, got.message()), at);
    }
  }
}

void contract_run::unchanged(std::size_t before, std::string_view what, place at) {
  equal(log({}, at).events.size(), before, fmt::format("events in the log after {}", what), at);
}

std::vector<std::uint64_t> numbers(std::uint64_t first, std::uint64_t last) {
  std::vector<std::uint64_t> all(last < first ? 0 : last - first + 1);
  std::iota(all.begin(), all.end(), first);
  return all;
}

bool case_applies(contract_case const& tried, fixture_operations const& fixture) noexcept {
  switch (tried.needs) {
  case contract_case::need::nothing: return true;
  case contract_case::need::restart: return fixture.reopen != nullptr;
  case contract_case::need::no_position_gaps: return !fixture.position_gaps;
  }
  return false;
}

std::vector<std::string> run_case(contract_case const& tried, fixture_operations const& fixture) {
  contract_run run(fixture);
  try {
    until_over([&] { tried.run(run); });
  } catch (std::exception const& thrown) {
    run.fail(fmt::format("the case ended early: the store showed fewer events than it has, or threw: {}",
                         thrown.what()));
  }
  return run.take_failures();
}

std::size_t run_all_cases(std::string_view name, fixture_operations const& fixture) {
  std::size_t failed = 0;
  std::size_t tried = 0;
  for (contract_case const& each : event_store_cases()) {
    if (!case_applies(each, fixture)) continue;
    ++tried;
    auto const failures = run_case(each, fixture);
    if (failures.empty()) continue;
    ++failed;
    fmt::print("FAILED {}: [{}] {}\n", name, each.chapter, each.title);
    for (std::string const& failure : failures) fmt::print("  {}\n", failure);
  }
  fmt::print("{}: {} of {} cases of the event store's contract hold\n", name, tried - failed, tried);
  return failed;
}

} // namespace cleave::testing::detail

namespace cleave::testing {

std::span<contract_case const> event_store_cases() {
  static std::vector<contract_case> const all = [] {
    std::vector<contract_case> joined;
    for (auto const chapter : detail::chapters()) joined.insert(joined.end(), chapter.begin(), chapter.end());
    return joined;
  }();
  return all;
}

} // namespace cleave::testing
