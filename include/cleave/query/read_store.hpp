// SPDX-License-Identifier: BSL-1.0
// The read store: where transactional read models keep their rows, together with the checkpoint that says how far they are.
// A concept; adapters have no base class.
#pragma once

#include <cleave/base/function_ref.hpp>
#include <cleave/base/result.hpp>
#include <cleave/event/position.hpp>

#include <concepts>
#include <string_view>

namespace cleave {

namespace detail {
template <class Session> using fill_function = function_ref<result<position>(Session&)>;
template <class Session> using ask_function = function_ref<result<void>(Session&)>;
} // namespace detail

// checkpoint(projection): the position up to which the projection of that name has applied the log; 0 if it never did.
template <class R>
concept keeps_checkpoints = requires(R& store, std::string_view projection) {
  { store.checkpoint(projection) } -> std::same_as<result<position>>;
};

// apply(projection, from, fill): one transaction. Calls fill(session), which writes rows through the session and returns the new
// checkpoint; rows and checkpoint are committed together. Nothing is stored when fill returns an error or throws
// (errc::handler_failed), when the stored checkpoint is not `from` (another projector was here: errc::version_conflict), or when
// the new one is before it (errc::invalid_argument).
template <class R>
concept applies_in_one_transaction = requires(R& store, std::string_view projection, position from,
                                              detail::fill_function<typename R::session> fill) {
  { store.apply(projection, from, fill) } -> std::same_as<result<void>>;
};

// read(ask): calls ask(session) once, on one snapshot, for reading; it never waits for a writer. Any thread.
template <class R>
concept reads_on_a_snapshot = requires(R& store, detail::ask_function<typename R::session> ask) {
  { store.read(ask) } -> std::same_as<result<void>>;
};

template <class R>
concept read_store = keeps_checkpoints<R> && applies_in_one_transaction<R> && reads_on_a_snapshot<R>;

} // namespace cleave
