# SPDX-License-Identifier: BSL-1.0
# Copies of headers, each with one bug: in one file and a namespace of their own, cleave::planted::NAME, with a piece of the text
# replaced. A piece that is not there (once) any more stops the configuration, so that no bug goes stale.

# What bugs are planted in from here on: headers that include one another, the last one all others.
macro(plant_in)
  set(planted_text "")
  foreach(part IN ITEMS ${ARGN})
    set(header ${PROJECT_SOURCE_DIR}/include/cleave/${part}.hpp)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${header})
    file(READ ${header} text)
    string(REGEX REPLACE "#pragma once\n|#include <cleave/event/detail/[^>]*>\n" "" text "${text}")
    string(APPEND planted_text "${text}")
    set(planted_original ${part})
  endforeach()
endmacro()

# planted_bug(NAME "the text" "what stands there instead")
function(planted_bug name from to)
  string(FIND "${planted_text}" "${from}" first)
  string(FIND "${planted_text}" "${from}" last REVERSE)
  if(first EQUAL -1 OR NOT first EQUAL last)
    message(FATAL_ERROR "tests/model: the bug ${name} cannot be planted: its place is not there once in ${planted_original}.hpp and what that includes:\n${from}")
  endif()
  string(REPLACE "${from}" "${to}" text "${planted_text}")
  string(REPLACE "namespace cleave::detail {" "namespace cleave::planted::${name} {\nusing namespace cleave::detail;" text "${text}")
  file(CONFIGURE OUTPUT planted/${name}.hpp CONTENT "#pragma once\n#include <cleave/${planted_original}.hpp>\n${text}" @ONLY)
endfunction()

plant_in(base/attention)
planted_bug(a_look_before_the_change
  "word.store(value, std::memory_order_release);\n      Machine::compiler_barrier();\n      return asleep_.load(std::memory_order_relaxed) != 0;"
  "bool const drawn = asleep_.load(std::memory_order_relaxed) != 0;\n      word.store(value, std::memory_order_release);\n      return drawn;")
planted_bug(a_look_before_the_exchange
  "word.exchange(value, std::memory_order_seq_cst);\n    return is_drawn();"
  "bool const drawn = is_drawn();\n    word.exchange(value, std::memory_order_seq_cst);\n    return drawn;")
planted_bug(no_barrier_of_the_first
  "asleep_.fetch_add(1, std::memory_order_seq_cst) == 0"
  "asleep_.fetch_add(1, std::memory_order_seq_cst) == 1")
planted_bug(a_barrier_before_it_is_said
  "if (asleep_.fetch_add(1, std::memory_order_seq_cst) == 0 && asymmetric_) Machine::process_barrier();"
  "if (asymmetric_) Machine::process_barrier();\n    asleep_.fetch_add(1, std::memory_order_seq_cst);")
planted_bug(one_that_leaves_takes_all_with_it
  "asleep_.fetch_sub(1, std::memory_order_relaxed)"
  "asleep_.exchange(0, std::memory_order_relaxed)")

plant_in(event/detail/ring_sleepers event/detail/ring_stage event/detail/ring_claims event/detail/ring)
planted_bug(no_gating_on_the_slowest
  "if (!stages_[i]->last) continue;\n      std::uint64_t const finished = stages_[i]->finished();\n      if (finished < least)"
  "if (!stages_[i]->last) continue;\n      std::uint64_t const finished = stages_[i]->finished();\n")
planted_bug(claim_before_the_check
  "      if (!has_room(seen + n, find_room)) return publish_outcome::full;\n"
  "")
planted_bug(an_owner_that_does_not_look_again
  "if (owner_.load(std::memory_order_acquire) == name_of(me)) [[likely]] {"
  "if (owner_.load(std::memory_order_acquire) != nobody) [[likely]] {")
planted_bug(a_stop_without_a_barrier
  "    Machine::process_barrier();\n    auto const& stopped"
  "    auto const& stopped")
planted_bug(a_stop_that_does_not_wait_for_the_claim
  "while (stopped.claiming.load(std::memory_order_acquire)) wait.pause();"
  "static_cast<void>(stopped.claiming.load(std::memory_order_acquire));")
planted_bug(a_close_over_the_owners_head
  "      if ((seen & owned_bit) != 0) {\n        stop_owner();"
  "      if ((seen & closed_bit) != 0) {\n        stop_owner();")
planted_bug(handing_over_without_asking_whether_it_was_stopped
  "if (owner_.compare_exchange_strong(from, to, std::memory_order_release, std::memory_order_relaxed) &&"
  "owner_.store(to, std::memory_order_release);\n    if (from != nobody &&")
planted_bug(room_without_the_check
  "if (until > room) return false;"
  "if (until > room + 1) return false;")
planted_bug(parking_without_a_second_look
  "if (ready()) break;\n      lot_.wait();"
  "lot_.wait();\n      if (ready()) break;")
planted_bug(parking_looks_before_it_says_so
  "      some_.exchange(1, std::memory_order_acquire);\n      if (asymmetric_) Machine::process_barrier();\n      if (ready()) break;"
  "      if (ready()) break;\n      some_.exchange(1, std::memory_order_acquire);\n      if (asymmetric_) Machine::process_barrier();")
planted_bug(notifying_without_the_lock
  "    lot_.lock();\n    some_.exchange(0, std::memory_order_relaxed)"
  "    lot_.notify_all();\n    return;\n    some_.exchange(0, std::memory_order_relaxed)")
planted_bug(waking_by_a_look_only_where_there_is_no_barrier
  "some_.fetch_add(0, std::memory_order_release)"
  "some_.load(std::memory_order_acquire)")
planted_bug(room_that_nobody_is_told_of
  "          wake_behind(s);\n        }\n        return {};"
  "        }\n        return {};")
planted_bug(publishing_one_too_many
  "next_ = first + count;"
  "next_ = first + count + 1;")
planted_bug(a_batch_without_a_mark
  "begin.store(seen >> 1, std::memory_order_release);\n      if ("
  "if (")
planted_bug(a_stage_that_does_not_wait_for_others
  "if (s.after_count != 0) {"
  "if (s.after_count > 1) {")
planted_bug(dropping_what_is_being_read
  "if ((seen & busy_bit) != 0) {"
  "if (seen == none) {")
planted_bug(dropping_without_waiting_for_the_last_round
  "while (stamps_[at & mask_].load(std::memory_order_acquire) != round_of(at) - 1)"
  "while (stamps_[at & mask_].load(std::memory_order_acquire) == ~std::uint32_t{0})")
planted_bug(dropping_without_counting
  "dropped.fetch_add(to - (seen >> 1), std::memory_order_relaxed);"
  "dropped.fetch_add(0, std::memory_order_relaxed);")
planted_bug(a_close_that_does_not_wait_for_the_publisher
  "while (publishing_.load(std::memory_order_seq_cst)) wait.pause();"
  "static_cast<void>(wait);")
planted_bug(a_close_that_wakes_no_reader
  "    readers_.notify();"
  "")
planted_bug(a_close_that_wakes_no_publisher
  "end_.store(claims_.close(), std::memory_order_relaxed);\n      writers_.notify();"
  "end_.store(claims_.close(), std::memory_order_relaxed);")
