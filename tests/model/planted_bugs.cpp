// SPDX-License-Identifier: BSL-1.0
// Each ring with a planted bug beside the program that is to show it.
#include "ring_model.hpp"
#include "ring_programs.hpp"

#include <planted/a_batch_without_a_mark.hpp>
#include <planted/a_close_over_the_owners_head.hpp>
#include <planted/a_close_that_does_not_wait_for_the_publisher.hpp>
#include <planted/a_close_that_wakes_no_publisher.hpp>
#include <planted/a_close_that_wakes_no_reader.hpp>
#include <planted/a_stage_that_does_not_wait_for_others.hpp>
#include <planted/a_stop_that_does_not_wait_for_the_claim.hpp>
#include <planted/a_stop_without_a_barrier.hpp>
#include <planted/an_owner_that_does_not_look_again.hpp>
#include <planted/claim_before_the_check.hpp>
#include <planted/dropping_what_is_being_read.hpp>
#include <planted/dropping_without_counting.hpp>
#include <planted/dropping_without_waiting_for_the_last_round.hpp>
#include <planted/handing_over_without_asking_whether_it_was_stopped.hpp>
#include <planted/no_gating_on_the_slowest.hpp>
#include <planted/notifying_without_the_lock.hpp>
#include <planted/parking_looks_before_it_says_so.hpp>
#include <planted/parking_without_a_second_look.hpp>
#include <planted/publishing_one_too_many.hpp>
#include <planted/room_that_nobody_is_told_of.hpp>
#include <planted/room_without_the_check.hpp>
#include <planted/waking_by_a_look_only_where_there_is_no_barrier.hpp>

namespace ring_model {

namespace {

constexpr auto single = producers::one;
constexpr auto many = producers::many;

namespace no_gating_on_the_slowest {
template <class E, producers P, class Machine> using ring =
    cleave::planted::no_gating_on_the_slowest::ring<E, P, Machine>;
}
namespace claim_before_the_check {
template <class E, producers P, class Machine> using ring =
    cleave::planted::claim_before_the_check::ring<E, P, Machine>;
}
namespace room_without_the_check {
template <class E, producers P, class Machine> using ring =
    cleave::planted::room_without_the_check::ring<E, P, Machine>;
}
namespace parking_without_a_second_look {
template <class E, producers P, class Machine> using ring =
    cleave::planted::parking_without_a_second_look::ring<E, P, Machine>;
}
namespace parking_looks_before_it_says_so {
template <class E, producers P, class Machine> using ring =
    cleave::planted::parking_looks_before_it_says_so::ring<E, P, Machine>;
}
namespace notifying_without_the_lock {
template <class E, producers P, class Machine> using ring =
    cleave::planted::notifying_without_the_lock::ring<E, P, Machine>;
}
namespace waking_by_a_look_only_where_there_is_no_barrier {
template <class E, producers P, class Machine> using ring =
    cleave::planted::waking_by_a_look_only_where_there_is_no_barrier::ring<E, P, Machine>;
}
namespace room_that_nobody_is_told_of {
template <class E, producers P, class Machine> using ring =
    cleave::planted::room_that_nobody_is_told_of::ring<E, P, Machine>;
}
namespace publishing_one_too_many {
template <class E, producers P, class Machine> using ring =
    cleave::planted::publishing_one_too_many::ring<E, P, Machine>;
}
namespace a_batch_without_a_mark {
template <class E, producers P, class Machine> using ring =
    cleave::planted::a_batch_without_a_mark::ring<E, P, Machine>;
}
namespace a_stage_that_does_not_wait_for_others {
template <class E, producers P, class Machine> using ring =
    cleave::planted::a_stage_that_does_not_wait_for_others::ring<E, P, Machine>;
}
namespace dropping_what_is_being_read {
template <class E, producers P, class Machine> using ring =
    cleave::planted::dropping_what_is_being_read::ring<E, P, Machine>;
}
namespace dropping_without_waiting_for_the_last_round {
template <class E, producers P, class Machine> using ring =
    cleave::planted::dropping_without_waiting_for_the_last_round::ring<E, P, Machine>;
}
namespace dropping_without_counting {
template <class E, producers P, class Machine> using ring =
    cleave::planted::dropping_without_counting::ring<E, P, Machine>;
}
namespace a_close_that_does_not_wait_for_the_publisher {
template <class E, producers P, class Machine> using ring =
    cleave::planted::a_close_that_does_not_wait_for_the_publisher::ring<E, P, Machine>;
}
namespace a_close_that_wakes_no_reader {
template <class E, producers P, class Machine> using ring =
    cleave::planted::a_close_that_wakes_no_reader::ring<E, P, Machine>;
}
namespace a_close_that_wakes_no_publisher {
template <class E, producers P, class Machine> using ring =
    cleave::planted::a_close_that_wakes_no_publisher::ring<E, P, Machine>;
}

namespace a_close_over_the_owners_head {
template <class E, producers P, class Machine> using ring =
    cleave::planted::a_close_over_the_owners_head::ring<E, P, Machine>;
}
namespace a_stop_that_does_not_wait_for_the_claim {
template <class E, producers P, class Machine> using ring =
    cleave::planted::a_stop_that_does_not_wait_for_the_claim::ring<E, P, Machine>;
}
namespace a_stop_without_a_barrier {
template <class E, producers P, class Machine> using ring =
    cleave::planted::a_stop_without_a_barrier::ring<E, P, Machine>;
}
namespace an_owner_that_does_not_look_again {
template <class E, producers P, class Machine> using ring =
    cleave::planted::an_owner_that_does_not_look_again::ring<E, P, Machine>;
}
namespace handing_over_without_asking_whether_it_was_stopped {
template <class E, producers P, class Machine> using ring =
    cleave::planted::handing_over_without_asking_whether_it_was_stopped::ring<E, P, Machine>;
}

} // namespace

std::vector<scenario> programs_on_planted_bugs() {
  return {
      one<broadcast<no_gating_on_the_slowest::ring, single, 2, 2, false>>("no gating on the slowest"),
      one<many_to_one<claim_before_the_check::ring, 2, false>>("claim before the check"),
      one<turns<an_owner_that_does_not_look_again::ring, 8>>("an owner that does not look again"),
      one<turns<a_stop_without_a_barrier::ring, 8>>("a stop without a barrier"),
      one<turns<a_stop_that_does_not_wait_for_the_claim::ring, 8>>("a stop that does not wait for the claim"),
      one<closing<a_close_over_the_owners_head::ring, many, 2, false>>("a close over the owner's head"),
      one<turns<handing_over_without_asking_whether_it_was_stopped::ring, 8>>(
          "handing over without asking whether it was stopped"),
      one<many_to_one<room_without_the_check::ring, 2, false>>("room without the check"),
      one<broadcast<parking_without_a_second_look::ring, single, 2, 1, true>>(
          "parking without a second look"),
      one<broadcast<parking_looks_before_it_says_so::ring, many, 2, 1, true>>(
          "parking looks before it says so"),
      one<broadcast<notifying_without_the_lock::ring, single, 2, 1, true>>("notifying without the lock"),
      one<broadcast<waking_by_a_look_only_where_there_is_no_barrier::ring, single, 2, 1, true>>(
          "waking by a look only where there is no barrier"),
      one<competition_alone<room_that_nobody_is_told_of::ring, single, 1, true>>(
          "room that nobody is told of"),
      one<broadcast<publishing_one_too_many::ring, single, 2, 1, false>>("publishing one too many"),
      one<competition<a_batch_without_a_mark::ring, single, false>>("a batch without a mark"),
      one<one_after_another<a_stage_that_does_not_wait_for_others::ring, single, false>>(
          "a stage that does not wait for others"),
      one<dropping<dropping_what_is_being_read::ring, single, 2, 1, 1>>("dropping what is being read"),
      one<dropping<dropping_without_waiting_for_the_last_round::ring, many, 2, 2, 1>>(
          "dropping without waiting for the last round"),
      one<dropping<dropping_without_counting::ring, single, 2, 1, 1>>("dropping without counting"),
      one<closing<a_close_that_does_not_wait_for_the_publisher::ring, single, 1, false>>(
          "a close that does not wait for the publisher"),
      one<closing<a_close_that_wakes_no_reader::ring, single, 1, true>>("a close that wakes no reader"),
      one<closing<a_close_that_wakes_no_publisher::ring, many, 2, true, false>>(
          "a close that wakes no publisher"),
  };
}

} // namespace ring_model
