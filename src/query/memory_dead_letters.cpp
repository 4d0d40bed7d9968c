// SPDX-License-Identifier: BSL-1.0
#include <cleave/base/limits.hpp>
#include <cleave/query/memory_dead_letters.hpp>

#include <map>
#include <set>
#include <string>

namespace cleave::detail {

static_assert(dead_letter_table<memory_dead_letters>);

struct memory_dead_letters::state {
  std::string_view projection;
  std::map<position, dead_letter> letters{};
  std::map<std::string, std::uint64_t, std::less<>> keys{}; // how many wait; keys without are not there
  std::uint64_t waiting = 0;

  dead_letter* find(position at) {
    auto const found = letters.find(at);
    return found == letters.end() || !found->second.discarded.empty() ? nullptr : &found->second;
  }
  void release(dead_letter const& letter) {
    --waiting;
    auto const key = keys.find(letter.key);
    if (--key->second == 0) keys.erase(key);
  }
};

memory_dead_letters::memory_dead_letters(std::string_view projection) : state_(new state{projection}) {}
memory_dead_letters::~memory_dead_letters() { delete state_; }

result<std::uint64_t> memory_dead_letters::count() const { return state_->waiting; }
result<bool> memory_dead_letters::any() const { return state_->waiting != 0; }
result<bool> memory_dead_letters::holds(std::string_view key) const { return state_->keys.contains(key); }

result<void> memory_dead_letters::park(dead_letter const& letter) {
  if (letter.key.size() > limits::stream_name_bytes) {
    return unexpected(make_error(
        errc::limit_exceeded, "projection {}: the key of the event at position {} has {} bytes, limit {}",
        state_->projection, letter.position, letter.key.size(), limits::stream_name_bytes));
  }
  if (!state_->letters.try_emplace(letter.position, letter).second) {
    return unexpected(make_error(errc::already_exists,
                                 "projection {}: the event at position {} is a dead letter already",
                                 state_->projection, letter.position));
  }
  ++state_->keys[letter.key];
  ++state_->waiting;
  return {};
}

result<void> memory_dead_letters::list(dead_letter_range const& range, dead_letter_sink sink) const {
  std::uint64_t left = range.limit;
  auto const& letters = state_->letters;
  for (auto at = letters.upper_bound(range.after); at != letters.end() && left > 0; ++at) {
    dead_letter const& letter = at->second;
    if (letter.discarded.empty() == range.discarded || (range.key && *range.key != letter.key)) continue;
    --left;
    if (!sink(letter)) break;
  }
  return {};
}

result<bool> memory_dead_letters::tried(position at, std::string_view why, timestamp now) {
  dead_letter* const letter = state_->find(at);
  if (letter == nullptr) return false;
  letter->error = why;
  ++letter->attempts;
  letter->parked_at = now;
  return true;
}

result<bool> memory_dead_letters::remove(position at) {
  dead_letter const* const letter = state_->find(at);
  if (letter == nullptr) return false;
  state_->release(*letter);
  state_->letters.erase(at);
  return true;
}

result<bool> memory_dead_letters::discard(position at, std::string_view reason) {
  dead_letter* const letter = state_->find(at);
  if (letter == nullptr) return false;
  state_->release(*letter);
  letter->discarded = reason;
  return true;
}

struct key_set::state {
  std::set<std::string, std::less<>> keys;
};
key_set::key_set() : state_(new state) {}
key_set::~key_set() { delete state_; }
void key_set::insert(std::string_view key) { state_->keys.emplace(key); }
bool key_set::contains(std::string_view key) const { return state_->keys.contains(key); }

} // namespace cleave::detail
