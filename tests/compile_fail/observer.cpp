// SPDX-License-Identifier: BSL-1.0
// expect: cleave: an observer has a function for what it wants to hear of: add `void on(cleave::handled const&)`, `void on(cleave::written const&)` or `void on(cleave::rebuild_progress const&)`
// expect: cleave: an application has one observer; it can hand on to others
#include <cleave/application.hpp>
#include <cleave/memory/event_store.hpp>

struct watcher {
  void on(cleave::written const&) {}
};
struct listener {
#ifndef CLEAVE_MUST_FAIL
  void on(cleave::handled const&) {}
#endif
};

int main() {
  watcher first;
  listener second;
  cleave::memory::event_store log;
  cleave::application const watched{log, cleave::observed_by(first)};
  static_cast<void>(cleave::observed_by(second));
#ifdef CLEAVE_MUST_FAIL
  cleave::application const twice{log, cleave::observed_by(first), cleave::observed_by(first)};
#endif
}
