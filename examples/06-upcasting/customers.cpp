// SPDX-License-Identifier: BSL-1.0
// 06: a new version of an event. What is stored is never changed, so the new program has to read what the old one wrote: the old
// shape stays in the code and knows the way to the new one (upcast), the new one says what it takes the place of (supersedes).
// Deciders and projections know the new shape only.
//
// Here last year's program registers a customer with one name; this year's keeps first and last name apart.

#include <cleave/cleave.hpp>
#include <cleave/sqlite/event_store.hpp>

#include <boost/describe.hpp>

#include <filesystem>
#include <iostream>
#include <map>
#include <string>
#include <unistd.h>

// ---- last year's shape of the event, which is in the file for ever

struct customer_registered; // this year's
struct customer_registered_v1 {
  std::string name;
  customer_registered upcast() const;
};
BOOST_DESCRIBE_STRUCT(customer_registered_v1, (), (name))
template <> inline constexpr auto cleave::event_name<customer_registered_v1> = "customer-registered.v1";

// ---- this year's

struct customer_registered {
  using supersedes = cleave::event_set<customer_registered_v1>;
  std::string first_name;
  std::string last_name;
};
BOOST_DESCRIBE_STRUCT(customer_registered, (), (first_name, last_name))
template <> inline constexpr auto cleave::event_name<customer_registered> = "customer-registered.v2";

customer_registered customer_registered_v1::upcast() const {
  auto const space = name.rfind(' ');
  if (space == std::string::npos) return {.first_name = "", .last_name = name};
  return {.first_name = name.substr(0, space), .last_name = name.substr(space + 1)};
}

// ---- last year's program: all that it still takes here is its decider

struct register_by_name {
  std::string customer;
  std::string name;
};
struct last_years_customer {
  using commands = cleave::command_set<register_by_name>;
  using events = cleave::event_set<customer_registered_v1>;
  static constexpr std::string_view category = "customer";
  static std::string const& id(register_by_name const& command) { return command.customer; }
  void evolve(customer_registered_v1 const&) {}
  cleave::decision<customer_registered_v1> decide(register_by_name const& command) const {
    return customer_registered_v1{command.name};
  }
};

// ---- this year's program

struct register_customer {
  std::string customer;
  std::string first_name;
  std::string last_name;
};
struct customer {
  using commands = cleave::command_set<register_customer>;
  using events = cleave::event_set<customer_registered>;
  static constexpr std::string_view category = "customer";
  static std::string const& id(register_customer const& command) { return command.customer; }

  bool known = false;
  void evolve(customer_registered const&) { known = true; }
  cleave::decision<customer_registered> decide(register_customer const& command) const {
    if (known)
      return cleave::reject("customer-exists", "customer {} is registered already", command.customer);
    return customer_registered{command.first_name, command.last_name};
  }
};

struct address_book {
  using result_type = std::string;
};
struct address_book_pages {
  using events = cleave::event_set<customer_registered>;
  using queries = cleave::query_set<address_book>;
  static constexpr std::string_view name = "address-book.v1";
  void on(customer_registered const& event) { names[event.last_name] = event.first_name; }
  std::string answer(address_book const&) const {
    std::string all;
    for (auto const& [last, first] : names) all += last + ", " + first + "\n";
    return all;
  }
  std::map<std::string, std::string> names;
};

int run(std::string const& file) {
  auto store = cleave::sqlite::event_store::open({.path = file});
  if (!store) {
    std::cerr << store.error().message() << '\n';
    return 1;
  }

  cleave::application last_year{*store, cleave::deciders<last_years_customer>};
  if (!last_year.execute(register_by_name{"ada", "Ada Lovelace"})) return 1;
  if (!last_year.execute(register_by_name{"alan", "Alan Mathison Turing"})) return 1;

  cleave::application today{*store, cleave::deciders<customer>, cleave::projections<address_book_pages>};
  // The decider sees that ada is known, although it has never heard of the first version.
  auto again = today.execute(register_customer{"ada", "Ada", "King"});
  std::cout << "register ada: " << (again ? "done" : again.error().message()) << '\n';
  auto done = today.execute(register_customer{"grace", "Grace", "Hopper"});
  if (!done) {
    std::cerr << done.error().message() << '\n';
    return 1;
  }

  auto book = today.query(address_book{}, cleave::at_least(done->position));
  if (!book) {
    std::cerr << book.error().message() << '\n';
    return 1;
  }
  std::cout << *book;

  // The file holds what was written, when it was written.
  std::string stored;
  auto read = store->read_all({}, [&](cleave::recorded_event const& event) {
    stored += std::string(event.at.name) + ' ' + std::string(event.data) + '\n';
    return true;
  });
  std::cout << "in the file:\n" << stored;
  return read && !again && *book == "Hopper, Grace\nLovelace, Ada\nTuring, Alan Mathison\n" &&
                 stored == "customer-registered.v1 {\"name\":\"Ada Lovelace\"}\n"
                           "customer-registered.v1 {\"name\":\"Alan Mathison Turing\"}\n"
                           "customer-registered.v2 {\"first_name\":\"Grace\",\"last_name\":\"Hopper\"}\n"
             ? 0
             : 1;
}

int main() {
  auto const folder = std::filesystem::temp_directory_path() /
                      ("cleave-example-06-" + std::to_string(getpid()));
  std::filesystem::create_directory(folder);
  int const code = run((folder / "customers.db").string());
  std::filesystem::remove_all(folder);
  return code;
}
