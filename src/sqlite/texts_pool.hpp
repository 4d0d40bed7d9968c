// SPDX-License-Identifier: BSL-1.0
// The texts that reads of the log have learned, kept for later reads: what stands behind an id never changes once it is committed,
// and a projector that reads batch after batch would else ask for the same names again in each.
#pragma once

#include "log_reader.hpp"

#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace cleave::sqlite {

// Any thread.
class texts_pool {
public:
  // Keeps at most so many, each bounded by what id_texts holds.
  explicit texts_pool(std::size_t most) : most_(most) { idle_.reserve(most); }

  // One read's own, until it ends.
  class lease {
  public:
    explicit lease(texts_pool& pool) : pool_(pool), held_(pool.take()) {}
    lease(lease const&) = delete;
    lease& operator=(lease const&) = delete;
    ~lease() { pool_.put(std::move(held_)); }
    log_texts& operator*() const noexcept { return *held_; }

  private:
    texts_pool& pool_;
    std::unique_ptr<log_texts> held_;
  };

private:
  std::unique_ptr<log_texts> take() {
    {
      std::lock_guard const lock(mutex_);
      if (!idle_.empty()) {
        auto last = std::move(idle_.back());
        idle_.pop_back();
        return last;
      }
    }
    return std::make_unique<log_texts>();
  }
  void put(std::unique_ptr<log_texts> done) noexcept {
    if (done->streams.full() || done->names.full()) return;
    std::lock_guard const lock(mutex_);
    if (idle_.size() < most_) idle_.push_back(std::move(done));
  }

  std::size_t most_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<log_texts>>
      idle_; // the one used last is on top: it is in the processor's caches
};

} // namespace cleave::sqlite
