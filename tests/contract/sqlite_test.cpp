// SPDX-License-Identifier: BSL-1.0
#include <cleave/sqlite/event_store.hpp>
#include <cleave/testing/contract_catch.hpp>

#include "../sqlite/scratch.hpp"

#include <optional>
#include <stdexcept>

namespace {

struct sqlite_fixture {
  explicit sqlite_fixture(cleave::clock_ref from) : clock(from) { open(); }
  cleave::sqlite::event_store& store() { return *made; }
  void reopen() {
    made.reset();
    open();
  }
  void open() {
    auto opened = cleave::sqlite::event_store::open({.path = folder.file("log.db"), .clock = clock});
    if (!opened) throw std::runtime_error(opened.error().message());
    made.emplace(std::move(*opened));
  }

  cleave::test::scratch_folder folder;
  cleave::clock_ref clock;
  std::optional<cleave::sqlite::event_store> made;
};

} // namespace

CLEAVE_EVENT_STORE_CONTRACT("sqlite", sqlite_fixture);
