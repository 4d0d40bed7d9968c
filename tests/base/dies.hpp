// SPDX-License-Identifier: BSL-1.0
// For tests of CLEAVE_ASSERT: runs a function in a child process and returns what it wrote to stderr before it aborted.
#pragma once

#include <csignal>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace cleave_test {

// "(it did not abort)" if the function came to an end.
template <class F> std::string last_words(F&& run) {
  int ends[2];
  if (pipe(ends) != 0) return "(no pipe)";
  pid_t const child = fork();
  if (child < 0) return "(no child)";
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL); // Catch2's handler would report a failed test from in here
    dup2(ends[1], 2);
    close(ends[0]);
    run();
    _exit(0);
  }
  close(ends[1]);
  std::string said;
  char buffer[256];
  for (ssize_t got = 0; (got = read(ends[0], buffer, sizeof buffer)) > 0;)
    said.append(buffer, static_cast<std::size_t>(got));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  bool const aborted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
  return aborted ? said : "(it did not abort)" + said;
}

} // namespace cleave_test
