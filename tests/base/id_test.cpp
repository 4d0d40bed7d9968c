// SPDX-License-Identifier: BSL-1.0
#include <cleave/base/id.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

using cleave::timestamp;
using cleave::uuid;

namespace {

constexpr std::int64_t millisecond = 1'000;

std::uint64_t milliseconds_of(uuid const& id) {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < 6; ++i) out = out << 8 | id.bytes()[i];
  return out;
}
int version_of(uuid const& id) { return id.bytes()[6] >> 4; }
int variant_of(uuid const& id) { return id.bytes()[8] >> 6; }

} // namespace

TEST_CASE("a UUID is read and written in its usual form") {
  std::string const text = "018f4e5c-7a3b-7c1d-8e2f-0123456789ab";
  auto const id = uuid::parse(text);
  REQUIRE(id);
  REQUIRE(id->bytes()[0] == 0x01);
  REQUIRE(id->bytes()[15] == 0xab);
  REQUIRE(to_string(*id) == text);
  REQUIRE(uuid::parse("018F4E5C-7A3B-7C1D-8E2F-0123456789AB").value() == *id);
  REQUIRE_FALSE(id->nil());
  REQUIRE(uuid::parse("00000000-0000-0000-0000-000000000000")->nil());
  REQUIRE(uuid::parse("ffffffff-ffff-ffff-ffff-ffffffffffff").value() > *id);
}

TEST_CASE("what is no UUID is refused") {
  for (std::string const text :
       {"", "018f4e5c-7a3b-7c1d-8e2f-0123456789a", "018f4e5c-7a3b-7c1d-8e2f-0123456789abc",
        "018f4e5c7a3b7c1d8e2f0123456789ab", "018f4e5c-7a3b-7c1d-8e2f-0123456789ag",
        "018f4e5c_7a3b-7c1d-8e2f-0123456789ab", "018f4e5-c7a3b-7c1d-8e2f-0123456789ab",
        "{018f4e5c-7a3b-7c1d-8e2f-0123456789a}", "018f4e5c-7a3b-7c1d-8e2f-0123456789-a"}) {
    auto const id = uuid::parse(text);
    CAPTURE(text);
    REQUIRE_FALSE(id);
    REQUIRE(id.error().code() == cleave::errc::invalid_argument);
  }
  // A long text is shown in part.
  REQUIRE(uuid::parse(std::string(100'000, 'x')).error().text().size() < 250);
}

TEST_CASE("a UUID from a name is the one of RFC 9562") {
  auto const dns = *uuid::parse("6ba7b810-9dad-11d1-80b4-00c04fd430c8");
  // Appendix A.4 of the RFC.
  REQUIRE(to_string(uuid::from_name(dns, "www.example.com")) == "2ed6657d-e927-568b-95e1-2665a8aea6a2");
  REQUIRE(to_string(uuid::from_name(dns, "python.org")) == "886313e1-3b8a-5372-9b90-0c9aee199e5d");
  REQUIRE(uuid::from_name(uuid(), "a") != uuid::from_name(dns, "a"));
  REQUIRE(version_of(uuid::from_name(dns, "")) == 5);
  REQUIRE(variant_of(uuid::from_name(dns, "")) == 2);
}

TEST_CASE("a UUIDv7 carries its moment, its version and its variant") {
  cleave::uuid_v7_source source;
  // The moment of the example in appendix A.6 of RFC 9562.
  auto const id = source.next(timestamp(0x017F22E279B0 * millisecond));
  REQUIRE(to_string(id).substr(0, 15) == "017f22e2-79b0-7");
  REQUIRE(version_of(id) == 7);
  REQUIRE(variant_of(id) == 2);
  REQUIRE(milliseconds_of(source.next(timestamp(0x017F22E279B1 * millisecond + 999))) == 0x017F22E279B1);
}

TEST_CASE("UUIDv7s grow with every call, also when the clock stands still or steps back") {
  cleave::uuid_v7_source source(1);
  uuid last;
  for (int i = 0; i < 10'000; ++i) {
    auto const id = source.next(timestamp(5'000 * millisecond));
    REQUIRE(id > last);
    REQUIRE(version_of(id) == 7);
    REQUIRE(variant_of(id) == 2);
    last = id;
  }
  // 10,000 ids of one millisecond are more than its counter holds: it has carried into the next ones.
  REQUIRE(milliseconds_of(last) == 5'002);
  auto const back = source.next(timestamp(4'000 * millisecond));
  REQUIRE(back > last);
  auto const before_1970 = source.next(timestamp(-1));
  REQUIRE(before_1970 > back);
  REQUIRE(milliseconds_of(source.next(timestamp(6'000 * millisecond))) == 6'000);
}

TEST_CASE("UUIDv7s of one source differ and grow across threads") {
  cleave::uuid_v7_source source;
  constexpr std::size_t each = 20'000;
  std::array<std::vector<uuid>, 4> made;
  std::atomic<std::size_t> ready = 0;
  std::vector<std::thread> threads;
  for (auto& mine : made) {
    threads.emplace_back([&] {
      mine.reserve(each);
      ++ready;
      while (ready < made.size()) std::this_thread::yield();
      for (std::size_t i = 0; i < each; ++i) mine.push_back(source.next(timestamp(0)));
    });
  }
  for (auto& thread : threads) thread.join();
  std::vector<uuid> all;
  for (auto const& mine : made) {
    REQUIRE(std::ranges::is_sorted(mine));
    all.insert(all.end(), mine.begin(), mine.end());
  }
  std::ranges::sort(all);
  REQUIRE(std::ranges::adjacent_find(all) == all.end());
}

TEST_CASE("UUIDv7s of one seed repeat, those of another differ") {
  cleave::uuid_v7_source one(7);
  cleave::uuid_v7_source same(7);
  cleave::uuid_v7_source other(8);
  auto const now = timestamp(1'000 * millisecond);
  auto const first = one.next(now);
  REQUIRE(first == same.next(now));
  REQUIRE(first != other.next(now));
  cleave::uuid_v7_source random_one;
  cleave::uuid_v7_source random_other;
  REQUIRE(random_one.next(now) != random_other.next(now));
}

TEST_CASE("an id source reference asks its source, and the process's own without one") {
  struct fixed {
    uuid next(timestamp now) const { return uuid({static_cast<std::uint8_t>(now.microseconds())}); }
  };
  fixed source;
  REQUIRE(cleave::id_source_ref(source).next(timestamp(9)).bytes()[0] == 9);
  auto const one = cleave::id_source_ref().next(timestamp(0));
  REQUIRE(cleave::id_source_ref().next(timestamp(0)) > one);
}

TEST_CASE("ids of different things are different types over one UUID") {
  auto const id = *uuid::parse("018f4e5c-7a3b-7c1d-8e2f-0123456789ab");
  cleave::event_id const event(id);
  REQUIRE(event.id() == id);
  REQUIRE(to_string(event) == to_string(id));
  REQUIRE(cleave::command_id().nil());
  REQUIRE_FALSE(event.nil());
  STATIC_REQUIRE_FALSE(std::is_convertible_v<cleave::event_id, cleave::command_id>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<uuid, cleave::event_id>);
}
