// SPDX-License-Identifier: BSL-1.0
// Turns for commands on one key.
#pragma once

#include <cleave/base/short_text.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>

namespace cleave::detail {

// For stores that do not decide in their commits. Of commands that read a stream at once, decide and append, all but one would lose the
// race and have done it in vain; so those of one process take turns, and an append that expects what was read loses only to
// other processes, and to what appends past the handlers. Keys share a fixed number of locks. Any thread.
class key_turns {
public:
  using places = std::uint64_t; // a bit for each lock

  static places place_of(std::string_view key) noexcept { return places{1} << (hash_words(key, 0) % count); }

  // Has its turn on several keys as soon as it has all of them: the locks are taken in their order.
  class turn {
  public:
    turn(key_turns& of, places wanted) : of_(of) {
      for (std::size_t i = 0; i < count; ++i) {
        places const bit = places{1} << i;
        if ((wanted & bit) == 0) continue;
        of_.locks_[i].lock();
        held_ |= bit;
      }
    }
    turn(turn const&) = delete;
    turn& operator=(turn const&) = delete;
    ~turn() { end(); }
    // Behind the append: who hears of it may send a command on the same key.
    void end() noexcept {
      for (std::size_t i = 0; held_ != 0; ++i) {
        places const bit = places{1} << i;
        if ((held_ & bit) == 0) continue;
        held_ &= ~bit;
        of_.locks_[i].unlock();
      }
    }

  private:
    key_turns& of_;
    places held_ = 0;
  };

private:
  static constexpr std::size_t count = 64;
  std::unique_ptr<std::mutex[]> locks_ = std::make_unique<std::mutex[]>(
      count); // it can be moved while nobody uses it
};

} // namespace cleave::detail
