// SPDX-License-Identifier: BSL-1.0
// Other processes on the same file, and processes that are killed.
#include "small_store.hpp"

#include <atomic>
#include <csignal>
#include <map>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace cleave;
using namespace cleave::test;

namespace {

// A running sqlite_writer; what it acknowledges comes through a pipe.
class writer_process {
public:
  writer_process(std::string const& file, std::string const& name, std::uint64_t count,
                 std::uint64_t batch = 1) {
    int ends[2];
    if (::pipe(ends) != 0) std::abort();
    std::string const counted = std::to_string(count);
    std::string const batched = std::to_string(batch);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(ends[1], STDOUT_FILENO);
      ::close(ends[0]);
      ::close(ends[1]);
      ::execl(CLEAVE_SQLITE_WRITER, CLEAVE_SQLITE_WRITER, file.c_str(), name.c_str(), counted.c_str(),
              batched.c_str(), nullptr);
      ::_exit(127);
    }
    ::close(ends[1]);
    from_ = ::fdopen(ends[0], "r");
  }
  writer_process(writer_process const&) = delete;
  writer_process& operator=(writer_process const&) = delete;
  ~writer_process() {
    if (pid_ > 0) end(SIGKILL);
    std::fclose(from_);
  }

  // Reads acknowledgements until there are `wanted`, or no more come. Returns the last number.
  std::uint64_t acknowledged(std::uint64_t wanted = UINT64_MAX) {
    unsigned long n = 0;
    while (last_ < wanted && std::fscanf(from_, "%lu", &n) == 1) last_ = n;
    return last_;
  }
  // Sends the signal (0: none) and waits for the end. True: it ended well by itself.
  bool end(int signal) {
    if (signal != 0) ::kill(pid_, signal);
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }

private:
  pid_t pid_ = -1;
  std::FILE* from_ = nullptr;
  std::uint64_t last_ = 0;
};

// Every position once and without a gap, every stream's versions too; the number of events of each writer.
std::map<std::string, std::uint64_t> check_log(sqlite::event_store& store) {
  std::map<std::string, std::uint64_t> versions;
  std::uint64_t last = 0;
  bool whole = true;
  position const reached = must(store.read_all({}, [&](recorded_event const& event) {
    whole = whole && event.at.position.value() == ++last;
    whole = whole && event.at.version.value() == ++versions[std::string(event.at.stream.text())];
    return true;
  }));
  CHECK(whole);
  CHECK(last == reached.value());
  return versions;
}

} // namespace

TEST_CASE("a killed process loses nothing that it has acknowledged, and leaves no half batch") {
  scratch_folder const folder;
  std::string const path = folder.file("log.db");
  constexpr std::uint64_t batch = 3;
  std::uint64_t acknowledged = 0;
  for (std::uint64_t round = 0; round < 8; ++round) {
    std::string const name = std::to_string(round);
    writer_process writer(path, name, 1'000'000, batch);
    writer.acknowledged(1 + round * 7);
    writer.end(SIGKILL);
    std::uint64_t const said = writer.acknowledged(); // what was in the pipe
    auto store = open_store(path);
    auto versions = check_log(store);
    std::uint64_t const own = versions["writer-" + name];
    CHECK(own % batch == 0);
    CHECK(own / batch >= said);
    CHECK(own / batch <= said + 1); // one append was under way at the most
    acknowledged += own / batch;
    CHECK(versions["common"] == acknowledged);
  }
}

TEST_CASE("several processes write to one file and nothing is lost, doubled or refused") {
  scratch_folder const folder;
  std::string const path = folder.file("log.db");
  constexpr std::uint64_t each = 150;
  {
    writer_process one(path, "1", each);
    writer_process two(path, "2", each);
    writer_process three(path, "3", each);
    // This process writes too, and reads while they write.
    auto store = must(
        sqlite::event_store::open({.path = path, .busy_wait_ms = 60'000, .checkpoint_pages = 50}));
    for (std::uint64_t n = 0; n < each; ++n) {
      must(append(store, "common"));
      must(append(store, "mine", expectation::exactly(version(n))));
      if (n % 50 == 0) check_log(store);
    }
    for (writer_process* writer : {&one, &two, &three}) {
      CHECK(writer->acknowledged() == each);
      CHECK(writer->end(0));
    }
    auto versions = check_log(store);
    CHECK(versions["common"] == 4 * each);
    for (char const* const name : {"writer-1", "writer-2", "writer-3", "mine"}) CHECK(versions[name] == each);
  }
  CHECK_FALSE(std::filesystem::exists(path + "-wal"));
}

TEST_CASE("many may open a file that is not there yet: one makes the store, the others find it") {
  scratch_folder const folder;
  constexpr int rounds = 20;
  constexpr std::size_t openers = 8;
  for (int round = 0; round < rounds; ++round) {
    std::string const path = folder.file("log-" + std::to_string(round) + ".db");
    std::vector<std::string> failures(openers);
    std::atomic<std::size_t> waiting = openers;
    std::vector<std::thread> threads;
    for (std::string& failure : failures) {
      threads.emplace_back([&] {
        waiting.fetch_sub(1);
        while (waiting.load() != 0) std::this_thread::yield();
        auto store = sqlite::event_store::open({.path = path, .busy_wait_ms = 60'000});
        if (!store) failure = store.error().message();
        else if (auto done = append(*store, "common"); !done) failure = done.error().message();
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (std::string const& failure : failures) CHECK(failure == "");
    auto store = open_store(path);
    CHECK(check_log(store)["common"] == openers);
  }
}

TEST_CASE("two stores on one file in one process take turns as well") {
  scratch_folder const folder;
  std::string const path = folder.file("log.db");
  auto one = open_store(path);
  auto two = open_store(path);
  for (std::uint64_t n = 0; n < 50; ++n) {
    // Each sees what the other has stored, although each keeps the heads in memory.
    must(append(one, "thing-1", expectation::exactly(version(2 * n))));
    must(append(two, "thing-1", expectation::exactly(version(2 * n + 1))));
    CHECK(failure_of(append(one, "thing-1", expectation::exactly(version(2 * n + 1)))).code() ==
          errc::version_conflict);
  }
  CHECK(check_log(one)["thing-1"] == 100);
}

TEST_CASE("an id that another process has stored is found") {
  scratch_folder const folder;
  std::string const path = folder.file("log.db");
  auto one = open_store(path);
  auto two = open_store(path);
  event_id const early = next_id();
  event_id const late = next_id();
  must(append(one, "thing-1", expectation::any(), "{}", late));
  must(append(two, "thing-1", expectation::any(), "{}", early));
  CHECK(must(append(one, "thing-1", expectation::any(), "{}", early)).repeated);
  CHECK(must(append(two, "thing-1", expectation::any(), "{}", late)).repeated);
  CHECK(head(one) == 2);
}
