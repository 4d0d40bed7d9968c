// SPDX-License-Identifier: BSL-1.0
// Dead letters of a read model in memory: they live as long as it does, and come again when it is built anew.
#pragma once

#include <cleave/query/dead_letter.hpp>

#include <string_view>

namespace cleave::detail {

// The contract is in query/dead_letter.hpp. One thread changes it at a time.
class memory_dead_letters {
public:
  explicit memory_dead_letters(std::string_view projection);
  memory_dead_letters(memory_dead_letters const&) = delete;
  memory_dead_letters& operator=(memory_dead_letters const&) = delete;
  ~memory_dead_letters();

  result<std::uint64_t> count() const;
  result<bool> any() const;
  result<bool> holds(std::string_view key) const;
  result<void> park(dead_letter const& letter);
  result<void> list(dead_letter_range const& range, dead_letter_sink sink) const;
  result<bool> tried(position at, std::string_view why, timestamp now);
  result<bool> remove(position at);
  result<bool> discard(position at, std::string_view reason);

private:
  struct state;
  state* state_;
};

// The keys that a retry leaves alone, because one of their letters has failed.
class key_set {
public:
  key_set();
  key_set(key_set const&) = delete;
  key_set& operator=(key_set const&) = delete;
  ~key_set();

  void insert(std::string_view key);
  bool contains(std::string_view key) const;

private:
  struct state;
  state* state_;
};

} // namespace cleave::detail
