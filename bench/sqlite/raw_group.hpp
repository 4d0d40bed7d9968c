// SPDX-License-Identifier: BSL-1.0
// Group commit as one writes it first: a thread, a mutex, two condition variables, and one transaction for all that has queued up.
#pragma once

#include "raw_layouts.hpp"

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace bench {

class raw_group {
public:
  explicit raw_group(std::string const& path) : log_(path, true), writer_([this] { run(); }) {}
  raw_group(raw_group const&) = delete;
  raw_group& operator=(raw_group const&) = delete;
  ~raw_group() {
    {
      std::lock_guard const lock(mutex_);
      ending_ = true;
    }
    arrived_.notify_one();
    writer_.join();
  }

  // Returns after the commit.
  void append(std::string const& stream) {
    waiting own{&stream, false};
    std::unique_lock lock(mutex_);
    queue_.push_back(&own);
    arrived_.notify_one();
    done_.wait(lock, [&] { return own.done; });
  }

private:
  struct waiting {
    std::string const* stream;
    bool done;
  };

  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      arrived_.wait(lock, [&] { return ending_ || !queue_.empty(); });
      if (queue_.empty()) return;
      std::vector<waiting*> const group = std::exchange(queue_, {});
      lock.unlock();
      log_.begin();
      for (waiting const* const one : group) {
        auto [head, added] = heads_.try_emplace(*one->stream, 0);
        if (added) head->second = log_.head(*one->stream);
        log_.insert(*one->stream, ++head->second);
      }
      log_.commit();
      lock.lock();
      for (waiting* const one : group) one->done = true;
      done_.notify_all();
    }
  }

  raw_unique log_;
  std::unordered_map<std::string, std::int64_t> heads_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::condition_variable done_;
  std::vector<waiting*> queue_;
  bool ending_ = false;
  std::thread writer_;
};

} // namespace bench
