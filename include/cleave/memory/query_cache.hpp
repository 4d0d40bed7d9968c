// SPDX-License-Identifier: BSL-1.0
// The query cache of one process.
//
//   cleave::memory::query_cache cache({.entries = 100'000, .ttl_us = 60'000'000});
//   cleave::application bank{store, cleave::projections<balances>, cleave::cached_queries<balance_of>(cache)};
#pragma once

#include <cleave/base/clock.hpp>
#include <cleave/base/limits.hpp>
#include <cleave/query/query_cache.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace cleave::memory {

struct query_cache_options {
  std::size_t entries = 100'000; // at the most; 1 or more
  std::size_t bytes = std::size_t{64} * 1024 *
                      1024; // of queries, answers and what the cache adds; a greater answer is not kept
  std::int64_t ttl_us = 0;  // how long an answer is kept; 0: until it is touched or makes room
  clock_ref clock{};
};

namespace detail {

struct cache_state;

// One question: being answered, or answered. Lives as long as somebody refers to it.
struct cached_node {
  void const* type = nullptr; // of the question
  std::uint64_t hash = 0;
  cached_node* next = nullptr;  // of the same bucket
  cached_node* newer = nullptr; // in the queue of kept answers
  cached_node* older = nullptr;
  std::uint64_t epoch = 0;
  std::uint64_t reflects = 0;
  std::int64_t made_at_us = 0;
  std::size_t bytes = 0;
  std::atomic<std::uint32_t> users{1};
  std::uint32_t dependencies = 0;
  enum class stage : std::uint8_t { open, answered, given_up } at = stage::open;
  bool listed = false;            // found by lookups
  bool asked_again = false;       // since the hand of the clock came by
  std::uint32_t* slots = nullptr; // owned; where its dependencies' touches are noted
  void (*destroy)(cached_node*) noexcept = nullptr;

  cached_node() = default;
  cached_node(cached_node const&) = delete;
  cached_node& operator=(cached_node const&) = delete;

protected:
  ~cached_node() { delete[] slots; }
};

template <class Q> struct cached_question : cached_node {
  Q question;
  std::optional<result<typename Q::result_type>> answer;
  explicit cached_question(Q const& q) : question(q) {}
};

// One address for each type.
template <class Q> inline constexpr char question_type = 0;

struct cache_lookup {
  cached_node* node = nullptr; // the caller is one of its users
  bool compute = false;        // the caller is to answer it
};

} // namespace detail

// Any thread, all functions. It must outlive the applications that use it, and all of them must be on one log. A second-chance
// clock (Corbató, 1968) picks what makes room.
class query_cache {
public:
  explicit query_cache(query_cache_options const& options = {}); // may throw std::bad_alloc
  query_cache(query_cache const&) = delete;
  query_cache& operator=(query_cache const&) = delete;
  ~query_cache(); // no call may be under way

  template <query Q> result<typename Q::result_type>
  get(Q const& q, std::string_view projection, position reached,
      function_ref<result<typename Q::result_type>()> compute) {
    static_assert(cleave::detail::checked_cached_query<Q>::value);
    using node_type = detail::cached_question<Q>;
    auto const hash = cleave::detail::hash_query(q, seed_);
    auto const same = [&](detail::cached_node const& node) {
      return cleave::detail::same_value(static_cast<node_type const&>(node).question, q);
    };
    auto const make = [&]() -> detail::cached_node* {
      cache_key keys[limits::dependencies_per_query];
      std::size_t count = 0;
      cleave::detail::for_each_dependency(projection, q, [&](cache_key key) {
        if (count < limits::dependencies_per_query) keys[count] = key;
        ++count;
      });
      if (count > limits::dependencies_per_query) {
        keys[0] = cleave::detail::make_cache_key(projection, cleave::detail::cache_everything);
        count = 1;
      }
      auto* const made = new node_type(q);
      made->type = &detail::question_type<Q>;
      made->hash = hash;
      made->destroy = [](detail::cached_node* n) noexcept { delete static_cast<node_type*>(n); };
      user const held(made);
      depend(*made, keys, count);
      ++made->users;
      return made;
    };
    auto const found = find(&detail::question_type<Q>, hash, reached, same, make);
    user const held(found.node);
    auto& node = static_cast<node_type&>(*found.node);
    if (found.compute) {
      flight open(*this, node);
      node.answer.emplace(compute());
      open.answered = true;
      if (*node.answer) open.bytes = sizeof(node_type) + node_overhead + heap_bytes(node);
    }
    return *node.answer;
  }

  void touch(cache_key key, position at) noexcept;
  void rewritten() noexcept;
  query_cache_stats stats() const;

private:
  static constexpr std::size_t node_overhead = 64; // its place in the table, and what the heap adds

  // A hold on a node.
  class user {
  public:
    explicit user(detail::cached_node* node) noexcept : node_(node) {}
    user(user const&) = delete;
    user& operator=(user const&) = delete;
    ~user() {
      if (node_->users.fetch_sub(1, std::memory_order_acq_rel) == 1) node_->destroy(node_);
    }

  private:
    detail::cached_node* node_;
  };
  // Ends a computation, however it ends.
  struct flight {
    query_cache& cache;
    detail::cached_node& node;
    bool answered = false;
    std::size_t bytes = 0; // 0: not to be kept
    flight(query_cache& of, detail::cached_node& open) noexcept : cache(of), node(open) {}
    flight(flight const&) = delete;
    flight& operator=(flight const&) = delete;
    ~flight() { cache.landed(node, answered, bytes); }
  };

  template <class Node> static std::size_t heap_bytes(Node const& node) {
    return cleave::detail::heap_bytes(node.question) + cleave::detail::heap_bytes(**node.answer) +
           node.dependencies * sizeof(std::uint32_t);
  }
  void depend(detail::cached_node& node, cache_key const* keys, std::size_t count) const;
  detail::cache_lookup find(void const* type, std::uint64_t hash, position reached,
                            function_ref<bool(detail::cached_node const&)> same,
                            function_ref<detail::cached_node*()> make);
  void landed(detail::cached_node& node, bool answered, std::size_t bytes) noexcept;

  std::uint64_t seed_ = 0;
  detail::cache_state* state_ = nullptr;
};

} // namespace cleave::memory
