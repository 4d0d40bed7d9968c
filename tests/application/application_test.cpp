// SPDX-License-Identifier: BSL-1.0
// The parts joined: what an application commits reaches its bus and its inline projections, and nothing else does.
#include <cleave/cleave.hpp>
#include <cleave/memory/event_store.hpp>
#include <cleave/sqlite/event_store.hpp>
#include <cleave/sqlite/read_store.hpp>

#include <boost/describe.hpp>
#include <catch2/catch.hpp>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

struct opened {
  static constexpr auto event_name = "opened.v1";
};
BOOST_DESCRIBE_STRUCT(opened, (), ())
struct paid {
  std::int64_t cents = 0;
  static constexpr auto event_name = "paid.v1";
};
BOOST_DESCRIBE_STRUCT(paid, (), (cents))

struct open_account {
  std::string account;
};
struct pay {
  std::string account;
  std::vector<std::int64_t> cents;
};

struct account {
  using commands = cleave::command_set<open_account, pay>;
  using events = cleave::event_set<opened, paid>;
  static constexpr std::string_view category = "account";
  static std::string const& id(auto const& command) { return command.account; }
  void evolve(opened const&) {}
  void evolve(paid const&) {}
  cleave::decision<opened> decide(open_account const&) const { return opened{}; }
  cleave::decision<paid> decide(pay const& command) const {
    cleave::decision<paid> payments;
    for (std::int64_t cents : command.cents) payments.add(paid{cents});
    return payments;
  }
};

struct total {
  using result_type = std::int64_t;
};
// A projection that cannot stand a negative amount.
struct total_in_memory {
  using events = cleave::event_set<paid>;
  using queries = cleave::query_set<total>;
  static constexpr std::string_view name = "total.v1";
  std::int64_t cents = 0;
  void on(paid const& event) {
    cents += event.cents;
    if (event.cents < 0) throw std::runtime_error("negative");
  }
  std::int64_t answer(total const&) const { return cents; }
};
struct total_in_rows {
  using events = cleave::event_set<paid>;
  using queries = cleave::query_set<total>;
  static constexpr std::string_view name = "total.v1";
  static cleave::result<void> create(cleave::sqlite::database& db) {
    return db.run_script("CREATE TABLE IF NOT EXISTS total (cents INTEGER NOT NULL)");
  }
  static cleave::result<void> on(paid const& event, cleave::envelope const&, cleave::sqlite::database& db) {
    auto const done = db.execute("INSERT INTO total VALUES (?1)", event.cents);
    if (!done) return cleave::unexpected(done.error());
    if (event.cents < 0) throw std::runtime_error("negative");
    return {};
  }
  static cleave::result<std::int64_t> answer(total const&, cleave::sqlite::database& db) {
    auto const sum = db.value<std::int64_t>("SELECT sum(cents) FROM total");
    if (!sum) return cleave::unexpected(sum.error());
    return sum->value_or(0);
  }
};

class folder {
public:
  folder() {
    std::string name = (std::filesystem::temp_directory_path() / "cleave-test-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  folder(folder const&) = delete;
  folder& operator=(folder const&) = delete;
  ~folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file() const { return (path_ / "app.db").string(); }

private:
  std::filesystem::path path_;
};

template <class Store> std::uint64_t head(Store& store) {
  auto const found = store.head();
  REQUIRE(found);
  return found->value();
}

// An append that the application does not see.
template <class Store> void append_past(Store& store, std::int64_t cents) {
  paid const event{cents};
  auto const sent = cleave::to_new_event(
      cleave::event_id(cleave::uuid_v7_source().next(cleave::timestamp(1))), event);
  cleave::stream_append const part{"account-other", cleave::expectation::any(), {&sent, 1}};
  REQUIRE(store.append({.streams = {&part, 1}}));
}

template <class Store, class Part> void inline_projection_follows_the_commit(Store& store, Part part) {
  append_past(store, 1000);
  cleave::application app{store, cleave::deciders<account>, part};
  CHECK(*app.query(total{}) == 1000);

  REQUIRE(app.execute(pay{"a", {5, 6}}));
  CHECK(*app.query(total{}) == 1011);

  // The second event of the command fails: nothing of it is stored, in the log or in the model.
  auto const refused = app.execute(pay{"a", {7, -1}});
  REQUIRE_FALSE(refused);
  REQUIRE_FALSE(refused.error().is_rejection());
  CHECK(refused.error().error().code() == cleave::errc::handler_failed);
  CHECK_THAT(refused.error().message(), Catch::Contains("total.v1") && Catch::Contains("negative"));
  CHECK(head(store) == 3);
  CHECK(*app.query(total{}) == 1011);

  append_past(store, 2000);
  auto const done = app.execute(pay{"a", {8}});
  REQUIRE(done);
  CHECK(*app.query(total{}, cleave::at_least(done->position)) == 3019);
  CHECK(head(store) == 5);
}

} // namespace

TEST_CASE("an inline projection in memory is part of the commit") {
  cleave::memory::event_store store;
  inline_projection_follows_the_commit(store, cleave::inline_projections<total_in_memory>);
}

TEST_CASE("an inline projection in rows is part of the commit") {
  folder const here;
  auto store = cleave::sqlite::event_store::open({.path = here.file()});
  REQUIRE(store);
  auto rows = cleave::sqlite::read_store::of(*store);
  REQUIRE(rows);
  inline_projection_follows_the_commit(*store, cleave::inline_stored_projections<total_in_rows>(*rows));
  // And it is there after a restart, without being built again.
  cleave::application again{*store, cleave::deciders<account>,
                            cleave::inline_stored_projections<total_in_rows>(*rows)};
  CHECK(*again.query(total{}) == 3019);
}

TEST_CASE("the bus of an application hears of each event it commits, with its place, and of no other") {
  cleave::memory::event_store store;
  cleave::application app{store, cleave::deciders<account>, cleave::inline_projections<total_in_memory>};
  std::vector<std::string> heard;
  auto const subscription = app.events().subscribe<paid>([&](paid const& event, cleave::envelope const& at) {
    heard.push_back(std::to_string(event.cents) + " " + std::string(at.stream.text()) + " " +
                    std::to_string(at.position.value()) + " " + std::to_string(at.version.value()) + " " +
                    std::string(at.name));
  });
  REQUIRE(app.execute(open_account{"a"}));
  REQUIRE(app.execute(pay{"a", {5, 6}}));
  CHECK_FALSE(app.execute(pay{"a", {-1}}));
  REQUIRE(app.execute(pay{"b", {7}}));
  CHECK(heard == std::vector<std::string>{"5 account-a 2 2 paid.v1", "6 account-a 3 3 paid.v1",
                                          "7 account-b 4 1 paid.v1"});
}

TEST_CASE("a subscriber may execute a command") {
  cleave::memory::event_store store;
  cleave::application app{store, cleave::deciders<account>, cleave::inline_projections<total_in_memory>};
  auto const subscription = app.events().subscribe<opened>([&](opened const&, cleave::envelope const& at) {
    CHECK(app.execute(pay{std::string(at.stream.id()), {1}}));
  });
  REQUIRE(app.execute(open_account{"a"}));
  CHECK(*app.query(total{}) == 1);
  CHECK(head(store) == 2);
}

TEST_CASE("one application runs on a store chosen at run time") {
  folder const here;
  cleave::memory::event_store memory;
  auto file = cleave::sqlite::event_store::open({.path = here.file()});
  REQUIRE(file);
  for (cleave::any_event_store store : {cleave::any_event_store(memory), cleave::any_event_store(*file)}) {
    cleave::application app{store, cleave::deciders<account>, cleave::projections<total_in_memory>};
    auto const done = app.execute(pay{"a", {5}});
    REQUIRE(done);
    CHECK(*app.query(total{}, cleave::at_least(done->position)) == 5);
  }
}
