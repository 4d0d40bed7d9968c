// SPDX-License-Identifier: BSL-1.0
// 07: a state-stored handler. Not everything wants to be event-sourced: here the state is in normalised tables of our own, with
// keys and foreign keys, and SQL decides. Rows and events are written in one transaction, so the log still tells the rest of the
// application what happened, and never tells what did not.
//
//   handle(command, transaction&)   works on the tables and returns events, or a rejection, which undoes the rows
//
// An author has many books; a book has one author.

#include <cleave/cleave.hpp>
#include <cleave/sqlite/event_store.hpp>
#include <cleave/sqlite/read_store.hpp>

#include <boost/describe.hpp>

#include <cstdint>
#include <filesystem>
#include <iostream>
#include <string>
#include <unistd.h>

struct book_added {
  std::int64_t book = 0;
  std::string title;
  std::string author;
};
struct author_renamed {
  std::string name;
  std::string new_name;
};
BOOST_DESCRIBE_STRUCT(book_added, (), (book, title, author))
BOOST_DESCRIBE_STRUCT(author_renamed, (), (name, new_name))
template <> inline constexpr auto cleave::event_name<book_added> = "book-added.v1";
template <> inline constexpr auto cleave::event_name<author_renamed> = "author-renamed.v1";

struct add_book {
  std::int64_t book = 0;
  std::string title;
  std::string author;
};
struct rename_author {
  std::string name;
  std::string new_name;
};

cleave::result<void> create_tables(cleave::sqlite::transaction& in) {
  return in.db().run_script(R"sql(
    CREATE TABLE IF NOT EXISTS author(
      id   INTEGER PRIMARY KEY,
      name TEXT NOT NULL UNIQUE
    ) STRICT;
    CREATE TABLE IF NOT EXISTS book(
      id     INTEGER PRIMARY KEY,
      title  TEXT NOT NULL,
      author INTEGER NOT NULL REFERENCES author
    ) STRICT;
  )sql");
}

struct library {
  using commands = cleave::command_set<add_book, rename_author>;
  static constexpr std::string_view category = "library";
  static std::string_view id(auto const&) { return "main"; }

  // A result around the decision: the tables themselves can fail, and such an error reaches the sender as it is.
  cleave::result<cleave::decision<book_added>> handle(add_book const& command,
                                                      cleave::sqlite::transaction& in) {
    auto& db = in.db();
    auto author = db.execute("INSERT INTO author(name) VALUES(?1) ON CONFLICT DO NOTHING", command.author);
    if (!author) return cleave::unexpected(author.error());
    auto book = db.execute(
        "INSERT INTO book(id, title, author) SELECT ?1, ?2, id FROM author WHERE name = ?3 ON CONFLICT DO NOTHING",
        command.book, command.title, command.author);
    if (!book) return cleave::unexpected(book.error());
    // By now a new author has a row. The rejection takes it back.
    if (*book == 0) return cleave::reject("book-exists", "there is a book {} already", command.book);
    return book_added{command.book, command.title, command.author};
  }

  cleave::result<cleave::decision<author_renamed>> handle(rename_author const& command,
                                                          cleave::sqlite::transaction& in) {
    auto renamed = in.db().execute("UPDATE author SET name = ?2 WHERE name = ?1", command.name,
                                   command.new_name);
    if (!renamed && renamed.error().code() == cleave::errc::constraint_violated) {
      return cleave::reject("name-taken", "there is an author {} already", command.new_name);
    }
    if (!renamed) return cleave::unexpected(renamed.error());
    if (*renamed == 0) return cleave::reject("unknown-author", "there is no author {}", command.name);
    return author_renamed{command.name, command.new_name};
  }
};

// A query handler answers from anywhere; this one from the same tables, on a snapshot.
struct all_books {
  using result_type = std::string;
};
struct shelf {
  using queries = cleave::query_set<all_books>;
  cleave::sqlite::read_store* tables;

  cleave::result<std::string> answer(all_books const&) const {
    std::string all;
    auto read = tables->read([&](cleave::sqlite::database& db) {
      return db.for_each(
          "SELECT title, name FROM book JOIN author ON author.id = book.author ORDER BY title",
          [&](std::string const& title, std::string const& name) { all += title + ", by " + name + '\n'; });
    });
    if (!read) return cleave::unexpected(read.error());
    return all;
  }
};

// True when everything went as it says.
cleave::result<bool> run(std::string const& file) {
  auto store = cleave::sqlite::event_store::open({.path = file});
  if (!store) return cleave::unexpected(store.error());
  if (auto made = store->transact(create_tables); !made) return cleave::unexpected(made.error());
  auto tables = cleave::sqlite::read_store::of(*store);
  if (!tables) return cleave::unexpected(tables.error());
  cleave::application app{*store, cleave::command_handlers<library>,
                          cleave::query_handlers<shelf>(shelf{&*tables})};

  auto const tell = [&](char const* what, auto const& command) -> std::string {
    auto done = app.execute(command);
    std::cout << what << ": " << (done ? "done" : done.error().message()) << '\n';
    if (done) return "done";
    return done.error().is_rejection() ? done.error().rejection().code : "error";
  };
  bool const as_expected = tell("add book 1", add_book{1, "Emma", "J. Austen"}) == "done" &&
                           tell("add book 1 once more", add_book{1, "Ulysses", "James Joyce"}) ==
                               "book-exists" &&
                           tell("add book 2", add_book{2, "Persuasion", "J. Austen"}) == "done" &&
                           tell("rename James Joyce", rename_author{"James Joyce", "Joyce"}) ==
                               "unknown-author" &&
                           tell("rename J. Austen", rename_author{"J. Austen", "Jane Austen"}) == "done";

  auto books = app.query(all_books{});
  if (!books) return cleave::unexpected(books.error());
  auto head = store->head();
  if (!head) return cleave::unexpected(head.error());
  std::cout << *books << "the log has " << head->value() << " events\n";
  return as_expected && *books == "Emma, by Jane Austen\nPersuasion, by Jane Austen\n" &&
         *head == cleave::position(3);
}

int main() {
  auto const folder = std::filesystem::temp_directory_path() /
                      ("cleave-example-07-" + std::to_string(getpid()));
  std::filesystem::create_directory(folder);
  auto const done = run((folder / "library.db").string());
  std::filesystem::remove_all(folder);

  if (!done) std::cerr << done.error().message() << '\n';
  return done && *done ? 0 : 1;
}
