// SPDX-License-Identifier: BSL-1.0
// A process that appends until it is told to stop, or killed: sqlite_writer FILE NAME COUNT [BATCH].
// It appends events "NAME 1", "NAME 2", ... to its own stream and to a common one, and prints each number when it is acknowledged.
// Exit status 1: an append failed; the reason is on stderr.
#include <cleave/sqlite/event_store.hpp>

#include <charconv>
#include <cstdio>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

namespace {

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// Straight to the pipe: what is in a buffer when the process is killed was never said.
void say(std::string const& line) {
  if (::write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size())) ::_exit(2);
}

} // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  std::string const name = argv[2];
  std::uint64_t const count = number(argv[3]);
  std::uint64_t const batch = argc > 4 ? number(argv[4]) : 1;

  auto store = cleave::sqlite::event_store::open(
      {.path = argv[1], .busy_wait_ms = 60'000, .checkpoint_pages = 50});
  if (!store) {
    std::fprintf(stderr, "%s\n", store.error().message().c_str());
    return 1;
  }
  cleave::uuid_v7_source ids;
  std::string const stream = "writer-" + name;
  for (std::uint64_t n = 1; n <= count; ++n) {
    auto const now = cleave::system_clock{}.now();
    std::string const data = "{\"writer\":\"" + name + "\",\"n\":" + std::to_string(n) + "}";
    std::vector<cleave::new_event> own(batch);
    for (cleave::new_event& event : own)
      event = {.id = cleave::event_id(ids.next(now)), .name = "written.v1", .data = data};
    cleave::new_event const common{.id = cleave::event_id(ids.next(now)), .name = "written.v1", .data = data};
    cleave::stream_append const parts[] = {
        {stream, cleave::expectation::exactly(cleave::version((n - 1) * batch)), own},
        {"common", cleave::expectation::any(), {&common, 1}},
    };
    auto const done = store->append({.streams = parts});
    if (!done) {
      std::fprintf(stderr, "%s\n", done.error().message().c_str());
      return 1;
    }
    say(std::to_string(n) + "\n");
  }
  return 0;
}
