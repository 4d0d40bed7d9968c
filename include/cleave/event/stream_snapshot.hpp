// SPDX-License-Identifier: BSL-1.0
// What a store can keep beside a stream: the state that its events up to a version have made. Derived, and never the truth: a store may
// lose it at any time, and whoever reads it takes up the events behind it.
#pragma once

#include <cleave/event/event_store.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace cleave {

struct stream_snapshot {
  cleave::version version; // of the last event that is in it
  std::string data;
  // Of the stream's last event at the moment when it was read, so that the events behind it need not be asked for where there are none;
  // 0: not known.
  cleave::version head{};
};

// find_snapshot(stream, fingerprint): the stream's snapshot, when there is one that was kept under that fingerprint. Any thread.
//
// commit_scope::keep_snapshot(stream, version, fingerprint, data): keeps one in the place of the last, in the commit of the events
// up to `version`, which is the stream's last one. It only follows a successful append; a failure fails the commit.
template <class S>
concept keeps_snapshots = decides_in_commit<S> &&
                          requires(S& store, typename S::commit_scope& scope, stream_name stream,
                                   version upto, std::uint64_t fingerprint, std::string_view data) {
                            {
                              store.find_snapshot(stream, fingerprint)
                            } -> std::same_as<result<std::optional<stream_snapshot>>>;
                            { scope.keep_snapshot(stream, upto, fingerprint, data) } -> std::same_as<void>;
                          };

} // namespace cleave
