// SPDX-License-Identifier: BSL-1.0
// Turns for commands on one key.
#pragma once

#include <cleave/base/short_text.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>

namespace cleave::detail {

// For stores that do not decide in their commits. Of commands that read a stream at once, decide and append, all but one would lose the
// race and have done it in vain; so those of one process take turns, and an append that expects what was read loses only to
// other processes, and to what appends past the handlers. Keys share so many locks that few wait for the commit of another key. Any
// thread.
class key_turns {
public:
  using place = std::uint16_t;

  static place place_of(std::string_view key) noexcept {
    return static_cast<place>(hash_words(key, 0) >> (64 - place_bits));
  }

  // `wanted`: whether there will be any; without them no memory is used. May throw std::bad_alloc.
  explicit key_turns(bool wanted) : locks_(wanted ? std::make_unique<std::mutex[]>(places) : nullptr) {}

  // Has its turn on several keys as soon as it has all of them.
  class turn {
  public:
    // The places in order, each once; they outlive it.
    turn(key_turns& of, std::span<place const> wanted) : locks_(of.locks_.get()), held_(wanted) {
      for (place const each : held_) locks_[each].lock();
    }
    turn(turn const&) = delete;
    turn& operator=(turn const&) = delete;
    ~turn() { end(); }
    // Behind the append: who hears of it may send a command on the same key.
    void end() noexcept {
      for (place const each : held_) locks_[each].unlock();
      held_ = {};
    }

  private:
    std::mutex* locks_;
    std::span<place const> held_;
  };

private:
  static constexpr int place_bits = 10;
  static constexpr std::size_t places = std::size_t{1} << place_bits;

  std::unique_ptr<std::mutex[]> locks_;
};

} // namespace cleave::detail
