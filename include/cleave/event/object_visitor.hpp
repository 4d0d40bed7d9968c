// SPDX-License-Identifier: BSL-1.0
// Visiting many events that a store holds as objects.
#pragma once

#include <cleave/event/event_set.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace cleave::detail {

// How far a visit is in a run.
struct objects_seen {
  std::uint64_t at = 0;     // the place of the next one
  std::uint64_t others = 0; // events before it that are not of the set
  position touched{};       // the event of which a part was applied last, where an old one becomes several
};

// The numbers of the kinds of events, as far as they are known: a loop over many compares numbers that stand in the log, and looks
// up no type.
class object_kinds {
public:
  explicit object_kinds(std::size_t events) : events_(events) {
    if (events > few) {
      many_.assign(events, UINT32_MAX);
      numbers_ = many_.data();
    } else {
      for (std::size_t i = 0; i < events; ++i) few_[i] = UINT32_MAX;
    }
  }
  object_kinds(object_kinds const&) = delete;
  object_kinds& operator=(object_kinds const&) = delete;

  // Of the events of the set, in its order.
  std::uint32_t const* numbers() const noexcept { return numbers_; }
  // Whether events of this kind are passed over.
  std::uint64_t others() const noexcept { return others_; }
  // False where it is no event of the set.
  bool learn(unopened_event auto const& found, std::span<reader_row const> rows) noexcept {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (rows[i].type != found.type()) continue;
      numbers_[i] = found.kind_number();
      return true;
    }
    return false;
  }
  // Neither this one nor another one of its kind is wanted.
  void pass_over(unopened_event auto const& found, objects_seen& now) noexcept {
    if (found.kind_number() < 64) others_ |= std::uint64_t{1} << found.kind_number();
    ++now.at;
    ++now.others;
  }
  bool knows(unopened_event auto const& found) const noexcept {
    for (std::size_t i = 0; i < events_; ++i) {
      if (numbers_[i] == found.kind_number()) return true;
    }
    return false;
  }

private:
  static constexpr std::size_t few = 32; // so many take no allocation

  std::size_t events_;
  std::uint32_t few_[few];
  std::vector<std::uint32_t> many_;
  std::uint32_t* numbers_ = few_;
  std::uint64_t others_ = 0; // a bit for each small number of a kind that is not wanted
};

// Goes on in the run to the first event whose kind is not known (yet), to `end`, or to the one of which the reader throws.
using object_visit = void(void const* run, objects_seen& now, std::uint64_t end, object_kinds const& kinds,
                          void* reader);

// The object_visit for a reader of `Set`, of which these are the stored events. To(reader) takes each by (event, at), where `at` is
// converted to the envelope if that is looked at.
template <class To, class Set, class Run, class List = stored_events<Set>> class object_visitor;
template <class To, class Set, class Run, class... Es>
class object_visitor<To, Set, Run, boost::mp11::mp_list<Es...>> {
public:
  // The loop is so short that it takes a third longer where its branches fall badly into the lines of the instruction cache: the
  // place of the function does not depend on what the linker puts before it.
  [[gnu::aligned(64)]] static void visit(void const* run, objects_seen& now, std::uint64_t end,
                                         object_kinds const& kinds, void* reader) {
    loop(*static_cast<Run const*>(run), now, end, kinds, To(reader), std::index_sequence_for<Es...>());
  }

private:
  struct becomes_several {
    To const& to;
    objects_seen& now;
    template <class E, class At> void operator()(E const& event, At const& at) const {
      to(event, at);
      now.touched = at.position();
    }
  };

  template <class E>
  [[gnu::always_inline]] static bool is_applied(std::uint32_t kind, std::uint32_t known, Run const& run,
                                                std::uint64_t at, To const& to,
                                                [[maybe_unused]] objects_seen& now) {
    if (kind == known) [[likely]] {
      if constexpr (upcastable<E>) {
        becomes_several const each{to, now};
        deliver<Set, 0>(run[at].template as<E>(), run[at], each);
      } else {
        to(run[at].template as<E>(), run[at]);
      }
      return true;
    }
    return false;
  }

  // What the loop looks at are copies that nobody else sees, so that they stay in registers.
  template <std::size_t... I>
  [[gnu::always_inline]] static void loop(Run const run, objects_seen& now, std::uint64_t end,
                                          object_kinds const& kinds, [[maybe_unused]] To const to,
                                          std::index_sequence<I...>) {
    [[maybe_unused]] std::uint32_t const known[] = {kinds.numbers()[I]..., 0};
    std::uint64_t const others = kinds.others();
    std::uint64_t at = now.at;
    std::uint64_t passed = now.others;
    try {
      for (; at != end; ++at) {
        std::uint32_t const kind = run[at].kind_number();
        if ((is_applied<Es>(kind, known[I], run, at, to, now) || ...)) continue;
        if (kind >= 64 || ((others >> kind) & 1) == 0) break;
        ++passed;
      }
    } catch (...) {
      now.at = at;
      now.others = passed;
      throw;
    }
    now.at = at;
    now.others = passed;
  }
};

} // namespace cleave::detail
