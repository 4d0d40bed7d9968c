// SPDX-License-Identifier: BSL-1.0
#include <cleave/config.hpp>
#include <cleave/memory/query_cache.hpp>

#include <algorithm>
#include <bit>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <random>
#include <vector>

namespace cleave::memory {

namespace detail {

namespace {

void release(cached_node* node) noexcept {
  if (node->users.fetch_sub(1, std::memory_order_acq_rel) == 1) node->destroy(node);
}

// Nodes whose last user may be the table: they are destroyed outside of the lock, because an answer can be large.
class released_nodes {
public:
  released_nodes() = default;
  released_nodes(released_nodes const&) = delete;
  released_nodes& operator=(released_nodes const&) = delete;
  ~released_nodes() {
    while (first_ != nullptr) {
      cached_node* const next = first_->next;
      release(first_);
      first_ = next;
    }
  }
  void add(cached_node& node) noexcept {
    node.next = first_;
    first_ = &node;
  }

private:
  cached_node* first_ = nullptr;
};

// A part of the table, with a lock of its own. The buckets hold every node that a lookup may find; the queue those of them that
// are answered.
struct cache_shard {
  static constexpr std::size_t first_buckets = 16;

  alignas(64) std::mutex mutable mutex;
  std::condition_variable landed;
  std::vector<cached_node*> buckets = std::vector<cached_node*>(first_buckets);
  std::size_t listed = 0;
  cached_node* newest = nullptr;
  cached_node* oldest = nullptr;
  query_cache_stats counts;

  cached_node*& bucket(std::uint64_t hash) noexcept { return buckets[(hash >> 8U) & (buckets.size() - 1)]; }

  cached_node* find(void const* type, std::uint64_t hash, function_ref<bool(cached_node const&)> same) {
    for (cached_node* node = bucket(hash); node != nullptr; node = node->next) {
      if (node->hash == hash && node->type == type && same(*node)) return node;
    }
    return nullptr;
  }
  void list(cached_node& node) {
    if (listed >= buckets.size()) grow();
    cached_node*& at = bucket(node.hash);
    node.next = at;
    at = &node;
    node.listed = true;
    ++node.users;
    ++listed;
  }
  void unlist(cached_node& node, released_nodes& out) noexcept {
    if (node.at == cached_node::stage::answered) dequeue(node);
    cached_node** at = &bucket(node.hash);
    while (*at != &node) at = &(*at)->next;
    *at = node.next;
    node.listed = false;
    --listed;
    out.add(node);
  }
  void enqueue(cached_node& node) noexcept {
    node.older = newest;
    node.newer = nullptr;
    (newest == nullptr ? oldest : newest->newer) = &node;
    newest = &node;
    ++counts.entries;
    counts.bytes += node.bytes;
  }
  void dequeue(cached_node& node) noexcept {
    (node.newer == nullptr ? newest : node.newer->older) = node.older;
    (node.older == nullptr ? oldest : node.older->newer) = node.newer;
    --counts.entries;
    counts.bytes -= node.bytes;
  }
  // Who was asked for again since the last time goes to the end of the queue once more.
  void make_room(std::size_t entries, std::size_t bytes, released_nodes& out) noexcept {
    while (counts.entries > entries || counts.bytes > bytes) {
      cached_node& node = *oldest;
      if (node.asked_again) {
        node.asked_again = false;
        dequeue(node);
        enqueue(node);
      } else {
        unlist(node, out);
        ++counts.evictions;
      }
    }
  }

private:
  void grow() {
    std::vector<cached_node*> old(buckets.size() * 2);
    old.swap(buckets);
    for (cached_node* node : old) {
      while (node != nullptr) {
        cached_node* const next = node->next;
        cached_node*& at = bucket(node->hash);
        node->next = at;
        at = node;
        node = next;
      }
    }
  }
};

} // namespace

struct cache_state {
  // One lock is enough for a cache that is small; and then its bounds are exact.
  static constexpr std::size_t shards_of_large = 16;
  static constexpr std::size_t large_entries = 4096;
  static constexpr std::size_t slots_min = 1024;
  static constexpr std::size_t slots_max = std::size_t{1} << 22U;

  explicit cache_state(query_cache_options const& given)
      : options(given),
        shards(given.entries >= large_entries ? shards_of_large : 1),
        slot_mask(std::bit_ceil(std::clamp(given.entries * 2, slots_min, slots_max)) - 1),
        touched(std::make_unique<std::atomic<std::uint64_t>[]>(slot_mask + 1)) {}

  query_cache_options options;
  std::vector<cache_shard> shards;
  std::size_t slot_mask;
  std::unique_ptr<std::atomic<std::uint64_t>[]>
      touched; // the greatest position of a touch; several keys share a slot
  std::atomic<std::uint64_t> epoch = 0;

  cache_shard& shard(std::uint64_t hash) noexcept { return shards[hash & (shards.size() - 1)]; }
  std::size_t entries_of_shard() const noexcept { return options.entries / shards.size(); }
  std::size_t bytes_of_shard() const noexcept { return options.bytes / shards.size(); }

  // Nothing that it depends on was touched behind what it reflects.
  bool good(cached_node const& node) const noexcept {
    if (node.epoch != epoch.load(std::memory_order_acquire)) return false;
    for (std::uint32_t i = 0; i < node.dependencies; ++i) {
      if (touched[node.slots[i]].load(std::memory_order_acquire) > node.reflects) return false;
    }
    return true;
  }
  // A clock that was set back ends it too.
  bool expired(cached_node const& node) const {
    if (options.ttl_us <= 0) return false;
    std::int64_t const age = options.clock.now().microseconds() - node.made_at_us;
    return age < 0 || age >= options.ttl_us;
  }
};

} // namespace detail

using detail::cached_node;

query_cache::query_cache(query_cache_options const& options)
    : seed_(std::random_device{}()), state_(new detail::cache_state(options)) {
  CLEAVE_ASSERT(options.entries >= 1, "query_cache_options::entries is at least 1");
}

query_cache::~query_cache() {
  for (detail::cache_shard& shard : state_->shards) {
    CLEAVE_ASSERT(shard.listed == shard.counts.entries, "a query cache is destroyed while it is asked");
    detail::released_nodes gone;
    shard.make_room(0, 0, gone);
  }
  delete state_;
}

void query_cache::touch(cache_key key, position at) noexcept {
  std::atomic<std::uint64_t>& slot = state_->touched[key & state_->slot_mask];
  std::uint64_t seen = slot.load(std::memory_order_relaxed);
  while (seen < at.value() && !slot.compare_exchange_weak(seen, at.value(), std::memory_order_acq_rel)) {
  }
}

void query_cache::rewritten() noexcept { state_->epoch.fetch_add(1, std::memory_order_acq_rel); }

query_cache_stats query_cache::stats() const {
  query_cache_stats all;
  for (detail::cache_shard const& shard : state_->shards) {
    std::scoped_lock const lock(shard.mutex);
    all.hits += shard.counts.hits;
    all.misses += shard.counts.misses;
    all.joined += shard.counts.joined;
    all.evictions += shard.counts.evictions;
    all.entries += shard.counts.entries;
    all.bytes += shard.counts.bytes;
  }
  return all;
}

void query_cache::depend(cached_node& node, cache_key const* keys, std::size_t count) const {
  node.slots = new std::uint32_t[count];
  for (std::size_t i = 0; i < count; ++i) {
    node.slots[i] = static_cast<std::uint32_t>(keys[i] & state_->slot_mask);
  }
  node.dependencies = static_cast<std::uint32_t>(count);
}

detail::cache_lookup query_cache::find(void const* type, std::uint64_t hash, position reached,
                                       function_ref<bool(cached_node const&)> same,
                                       function_ref<cached_node*()> make) {
  detail::cache_shard& shard = state_->shard(hash);
  std::unique_ptr<cached_node, void (*)(cached_node*) noexcept> made(nullptr, detail::release);
  for (;;) {
    {
      detail::released_nodes gone;
      std::unique_lock lock(shard.mutex);
      cached_node* node = shard.find(type, hash, same);
      // Whoever computes or waits for an answer that is no longer good came before it was touched: to them it is right.
      if (node != nullptr &&
          (!state_->good(*node) || (node->at == cached_node::stage::answered && state_->expired(*node)))) {
        shard.unlist(*node, gone);
        node = nullptr;
      }
      if (node == nullptr && made != nullptr) {
        shard.list(*made);
        ++shard.counts.misses;
        return {made.release(), true};
      }
      if (node != nullptr) {
        ++node->users;
        if (node->at == cached_node::stage::answered) {
          node->asked_again = true;
          ++shard.counts.hits;
          return {node, false};
        }
        ++shard.counts.joined;
        shard.landed.wait(lock, [&] { return node->at != cached_node::stage::open; });
        if (node->at == cached_node::stage::answered) return {node, false};
        // Whoever computed it was thrown out of the computation.
        lock.unlock();
        detail::release(node);
        continue;
      }
    }
    // In this order: what the epoch does not count yet, the computation may see.
    auto const epoch = state_->epoch.load(std::memory_order_acquire);
    made.reset(make());
    made->epoch = epoch;
    made->reflects = reached.value();
  }
}

void query_cache::landed(cached_node& node, bool answered, std::size_t bytes) noexcept {
  detail::cache_shard& shard = state_->shard(node.hash);
  detail::released_nodes gone;
  std::scoped_lock const lock(shard.mutex);
  bool const keep = bytes > 0 && bytes <= state_->bytes_of_shard() && state_->good(node);
  if (node.listed && !keep) shard.unlist(node, gone);
  node.at = answered ? cached_node::stage::answered : cached_node::stage::given_up;
  if (node.listed) {
    node.bytes = bytes;
    if (state_->options.ttl_us > 0) node.made_at_us = state_->options.clock.now().microseconds();
    shard.enqueue(node);
    shard.make_room(state_->entries_of_shard(), state_->bytes_of_shard(), gone);
  }
  shard.landed.notify_all();
}

} // namespace cleave::memory
