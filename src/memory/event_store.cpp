// SPDX-License-Identifier: BSL-1.0
#include <cleave/base/limits.hpp>
#include <cleave/command/outcome_retention.hpp>
#include <cleave/config.hpp>
#include <cleave/memory/event_store.hpp>

#include "store_state.hpp"

namespace cleave::memory {

static_assert(cleave::event_store<event_store>);
static_assert(decides_in_commit<event_store>);
static_assert(shows_streams<event_store::commit_scope> && tells_time<event_store::commit_scope>);
static_assert(forgets_outcomes<event_store>);

event_store::event_store(options const& chosen) : state_(new state(chosen, log_)) {}
event_store::~event_store() { delete state_; }

result<appended> event_store::append_with(append_request const& request, hook_ref const* hook) {
  CLEAVE_ASSERT(!state_->in_hook(), "a hook of an append appends to the same store");
  return state_->append(request, hook);
}

result<void> event_store::decide_in_commit(function_ref<result<void>(commit_scope&)> work) {
  CLEAVE_ASSERT(!state_->in_hook(), "a function that runs in a commit decides in the same store");
  commit_scope scope(*this);
  return state_->alone([&]() -> result<void> {
    try {
      return work(scope);
    } catch (...) {
      return unexpected(cleave::detail::current_exception_error("a decision inside a commit"));
    }
  });
}

timestamp event_store::commit_scope::now(clock_ref const& clock) {
  if (clock != store_.state_->clock()) return clock.now();
  if (!known_.now) known_.now = clock.now();
  return *known_.now;
}

result<appended> event_store::commit_scope::append_with(append_request const& request, hook_ref const* hook) {
  CLEAVE_ASSERT(!appended_, "a decision inside a commit appends once");
  result<appended> done = store_.state_->append_alone(request, hook, known_);
  if (done) appended_ = true;
  return done;
}

detail::stream_entry* event_store::find_stream(stream_name stream) const noexcept {
  return state_->streams.find(stream.text());
}

result<detail::log_filter> event_store::resolve(event_query const& query) const {
  if (auto good = check_query(query); !good) return unexpected(std::move(good).error());
  return detail::log_filter(query, state_->names, state_->tags);
}

result<std::optional<command_outcome>> event_store::find_command(command_id id) const {
  detail::command_entry const* const found = state_->find_command(id);
  // Entered a moment before the head moves over its events: until then it has not happened.
  if (found == nullptr || found->visible_at > log_.head()) return std::nullopt;
  command_outcome outcome{.command = std::string(found->command()),
                          .fingerprint = found->fingerprint,
                          .position = position(found->position()),
                          .version = version(found->version(log_)),
                          .refused = std::nullopt,
                          .recorded_at = found->recorded_at(log_)};
  if (auto const* const refused = found->refused())
    outcome.refused = rejection{std::string(refused->code), std::string(refused->text)};
  return std::optional(std::move(outcome));
}

result<std::uint64_t> event_store::forget_outcomes(timestamp before, std::uint64_t keep, std::uint64_t most) {
  if (most < 1 || most > limits::outcomes_per_step) {
    return unexpected(make_error(errc::invalid_argument,
                                 "{} outcomes to forget in one step, 1 to {} are allowed", most,
                                 limits::outcomes_per_step));
  }
  CLEAVE_ASSERT(!state_->in_hook(), "a function that runs in a commit forgets outcomes of the same store");
  return state_->forget_outcomes(before, keep, most);
}

commit_signal& event_store::commits() noexcept { return state_->signal; }

std::uint64_t event_store::bytes_used() const { return state_->bytes_used(); }

} // namespace cleave::memory
