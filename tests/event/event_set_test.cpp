// SPDX-License-Identifier: BSL-1.0
// Reading stored events as the types of today: routing by type and by name, upcasting, and what does not decode.
#include <cleave/event/event_set.hpp>

#include <boost/describe.hpp>
#include <catch2/catch.hpp>

#include <optional>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

namespace {

struct renamed {
  std::string full_name;
  static constexpr auto event_name = "renamed.v3";
  using supersedes = cleave::event_set<struct renamed_v2>;
};
BOOST_DESCRIBE_STRUCT(renamed, (), (full_name))
struct renamed_v2 {
  std::string first;
  std::string last;
  static constexpr auto event_name = "renamed.v2";
  using supersedes = cleave::event_set<struct renamed_v1>;
  renamed upcast() const { return {first + " " + last}; }
};
BOOST_DESCRIBE_STRUCT(renamed_v2, (), (first, last))
struct renamed_v1 {
  std::string last;
  static constexpr auto event_name = "renamed.v1";
  renamed_v2 upcast() const { return {"?", last}; }
};
BOOST_DESCRIBE_STRUCT(renamed_v1, (), (last))

// One old event, several new ones, in the forms that upcast may return.
struct address_given;
struct phone_given;
struct contact_v1;
struct contact_list_v1;
struct contact_either_v1;
struct contact_maybe_v1;
struct dropped_v1;
struct address_given {
  std::string address;
  static constexpr auto event_name = "address-given.v1";
  using supersedes =
      cleave::event_set<contact_v1, contact_list_v1, contact_either_v1, contact_maybe_v1, dropped_v1>;
};
BOOST_DESCRIBE_STRUCT(address_given, (), (address))
struct phone_given {
  std::string phone;
  static constexpr auto event_name = "phone-given.v1";
  using supersedes = cleave::event_set<contact_v1, contact_list_v1, contact_either_v1>;
};
BOOST_DESCRIBE_STRUCT(phone_given, (), (phone))
struct contact_v1 {
  static constexpr auto event_name = "contact.v1";
  std::tuple<address_given, phone_given> upcast() const { return {{"road"}, {"123"}}; }
};
BOOST_DESCRIBE_STRUCT(contact_v1, (), ())
struct contact_list_v1 {
  static constexpr auto event_name = "contact-list.v1";
  std::vector<std::variant<address_given, phone_given>> upcast() const {
    return {phone_given{"1"}, address_given{"a"}, phone_given{"2"}};
  }
};
BOOST_DESCRIBE_STRUCT(contact_list_v1, (), ())
struct contact_either_v1 {
  bool by_phone = false;
  static constexpr auto event_name = "contact-either.v1";
  std::variant<address_given, phone_given> upcast() const {
    if (by_phone) return phone_given{"p"};
    return address_given{"a"};
  }
};
BOOST_DESCRIBE_STRUCT(contact_either_v1, (), (by_phone))
struct contact_maybe_v1 {
  bool known = false;
  static constexpr auto event_name = "contact-maybe.v1";
  std::optional<address_given> upcast() const {
    if (known) return address_given{"m"};
    return std::nullopt;
  }
};
BOOST_DESCRIBE_STRUCT(contact_maybe_v1, (), (known))
struct dropped_v1 {
  static constexpr auto event_name = "dropped.v1";
  void upcast() const {}
};
BOOST_DESCRIBE_STRUCT(dropped_v1, (), ())

struct without_codec {
  int* pointer = nullptr;
  static constexpr auto event_name = "without-codec.v1";
};

using names = cleave::event_set<renamed>;
using contacts = cleave::event_set<address_given, phone_given>;

// What a reader of Set sees, as one text; "-" where the event is not one of the set.
template <class Set> std::string seen(cleave::recorded_event const& recorded) {
  std::string all;
  auto const known = cleave::visit_event<Set>(recorded,
                                              [&]<class E>(E const& event, cleave::envelope const& at) {
                                                if (&at != &recorded.at) all += "other envelope";
                                                if constexpr (std::is_same_v<E, renamed>)
                                                  all += "renamed " + event.full_name + ";";
                                                else if constexpr (std::is_same_v<E, address_given>)
                                                  all += "address " + event.address + ";";
                                                else if constexpr (std::is_same_v<E, phone_given>)
                                                  all += "phone " + event.phone + ";";
                                                else all += "something;";
                                              });
  if (!known) return known.error().message();
  return *known ? all : "-";
}

template <class E> cleave::recorded_event typed(E const& event) {
  cleave::recorded_event recorded{.type = &cleave::event_type_of<E>, .object = &event};
  recorded.at.name = cleave::event_name_of<E>();
  return recorded;
}
cleave::recorded_event stored(std::string_view name, std::string_view data) {
  cleave::recorded_event recorded{.data = data};
  recorded.at.name = name;
  recorded.at.position = cleave::position(12);
  recorded.at.stream = "person-7";
  recorded.at.version = cleave::version(3);
  return recorded;
}

} // namespace

TEST_CASE("an event reaches its reader from an object and from its stored form alike") {
  renamed const event{"Ada Lovelace"};
  CHECK(seen<names>(typed(event)) == "renamed Ada Lovelace;");
  CHECK(seen<names>(stored("renamed.v3", R"({"full_name":"Ada Lovelace"})")) == "renamed Ada Lovelace;");
}

TEST_CASE("an old version climbs one step at a time to the newest") {
  CHECK(seen<names>(stored("renamed.v2", R"({"first":"Ada","last":"L"})")) == "renamed Ada L;");
  CHECK(seen<names>(stored("renamed.v1", R"({"last":"L"})")) == "renamed ? L;");
  renamed_v1 const old{"L"};
  CHECK(seen<names>(typed(old)) == "renamed ? L;");
}

TEST_CASE("one old event becomes several, one of several, or none") {
  CHECK(seen<contacts>(stored("contact.v1", "{}")) == "address road;phone 123;");
  CHECK(seen<contacts>(stored("contact-list.v1", "{}")) == "phone 1;address a;phone 2;");
  CHECK(seen<contacts>(stored("contact-either.v1", R"({"by_phone":true})")) == "phone p;");
  CHECK(seen<contacts>(stored("contact-either.v1", R"({"by_phone":false})")) == "address a;");
  CHECK(seen<contacts>(stored("contact-maybe.v1", R"({"known":true})")) == "address m;");
  CHECK(seen<contacts>(stored("contact-maybe.v1", R"({"known":false})")).empty());
  CHECK(seen<contacts>(stored("dropped.v1", "{}")).empty());
}

TEST_CASE("a reader of a part of what an old event became gets that part") {
  CHECK(seen<cleave::event_set<phone_given>>(stored("contact.v1", "{}")) == "phone 123;");
  CHECK(seen<cleave::event_set<address_given>>(stored("contact-list.v1", "{}")) == "address a;");
}

TEST_CASE("an event of no concern is told from one that became nothing") {
  CHECK(seen<names>(stored("contact.v1", "{}")) == "-");
  contact_v1 const other;
  CHECK(seen<names>(typed(other)) == "-");
  CHECK(seen<cleave::event_set<>>(stored("renamed.v3", "{}")) == "-");
}

TEST_CASE("the stored names of a reader are those of its events and of all that they supersede") {
  auto const& all = cleave::stored_names<names>;
  CHECK(std::vector<std::string_view>(all.begin(), all.end()) ==
        std::vector<std::string_view>{"renamed.v3", "renamed.v2", "renamed.v1"});
  CHECK(cleave::stored_names<contacts>.size() == 7);
  CHECK(cleave::stored_names<cleave::event_set<>>.empty());
}

TEST_CASE("what does not decode is an error that names event, place and field") {
  auto const text = seen<names>(stored("renamed.v2", R"({"first":1})"));
  CHECK_THAT(text, Catch::Contains("decode_failed") && Catch::Contains("renamed.v2") &&
                       Catch::Contains("position 12") && Catch::Contains("person-7") &&
                       Catch::Contains("version 3") && Catch::Contains("first"));
  CHECK_THAT(seen<cleave::event_set<without_codec>>(stored("without-codec.v1", "{}")),
             Catch::Contains("decode_failed") && Catch::Contains("no codec"));
}

TEST_CASE("the type of another module is known by its name and size") {
  // A shared library may hold a constant of its own for the same type.
  cleave::event_type copy = cleave::event_type_of<renamed>;
  renamed const event{"Ada"};
  auto recorded = typed(event);
  recorded.type = &copy;
  CHECK(seen<names>(recorded) == "renamed Ada;");
}

TEST_CASE("what the reader's function throws passes through") {
  renamed const event{"Ada"};
  CHECK_THROWS_AS(
      cleave::visit_event<names>(typed(event), [](auto const&, cleave::envelope const&) { throw 5; })
          .has_value(),
      int);
}
