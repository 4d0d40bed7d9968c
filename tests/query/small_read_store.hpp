// SPDX-License-Identifier: BSL-1.0
// A read store as small as the concept allows: one table of numbers, and the checkpoints. Its transactions work on a copy.
#pragma once

#include <cleave/query/read_store.hpp>

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace cleave_test {

class small_read_store {
public:
  struct session {
    std::map<std::string, std::int64_t> rows;
  };

  cleave::result<cleave::position> checkpoint(std::string_view projection) {
    std::scoped_lock const lock(mutex_);
    if (trouble) return cleave::unexpected(*trouble);
    return checkpoints_[std::string(projection)];
  }

  cleave::result<void> apply(std::string_view projection, cleave::position from,
                             cleave::detail::fill_function<session> fill) {
    std::scoped_lock const lock(mutex_);
    if (trouble) return cleave::unexpected(*trouble);
    auto& stored = checkpoints_[std::string(projection)];
    if (races > 0) {
      --races;
      stored = stored.next();
    }
    if (stored != from) {
      return cleave::unexpected(cleave::make_error(
          cleave::errc::version_conflict, "checkpoint {} is at {}, not at {}", projection, stored, from));
    }
    session working = committed_;
    try {
      auto to = fill(working);
      if (!to) return cleave::unexpected(std::move(to).error());
      if (*to < stored) return cleave::unexpected(cleave::error(cleave::errc::invalid_argument, "backwards"));
      committed_ = std::move(working);
      stored = *to;
      ++commits;
      return {};
    } catch (...) {
      return cleave::unexpected(cleave::detail::current_exception_error("on"));
    }
  }

  cleave::result<void> read(cleave::detail::ask_function<session> ask) {
    session snapshot;
    {
      std::scoped_lock const lock(mutex_);
      if (trouble) return cleave::unexpected(*trouble);
      snapshot = committed_;
    }
    try {
      return ask(snapshot);
    } catch (...) {
      return cleave::unexpected(cleave::detail::current_exception_error("answer"));
    }
  }

  std::map<std::string, std::int64_t> committed_rows() {
    std::scoped_lock const lock(mutex_);
    return committed_.rows;
  }
  void set_checkpoint(std::string_view projection, cleave::position at) {
    std::scoped_lock const lock(mutex_);
    checkpoints_[std::string(projection)] = at;
  }

  std::optional<cleave::error> trouble; // what every function returns while it is set
  int commits = 0;
  int races = 0; // before so many calls of apply another projector moves the checkpoint by one

private:
  std::mutex mutex_;
  std::map<std::string, cleave::position, std::less<>> checkpoints_;
  session committed_;
};
static_assert(cleave::read_store<small_read_store>);

} // namespace cleave_test
