// SPDX-License-Identifier: BSL-1.0
// Every limit of cleave that is not an option, in one place. Reaching one is errc::limit_exceeded (or invalid_argument for
// a name), never silence. Sizes are bytes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cleave::limits {

inline constexpr std::size_t stream_name_bytes = 255;
inline constexpr std::size_t event_name_bytes = 127;
inline constexpr std::size_t tag_bytes = 255;
inline constexpr std::size_t tags_per_event = 32;
inline constexpr std::size_t header_name_bytes = 127;
inline constexpr std::size_t header_value_bytes = 4096;
inline constexpr std::size_t headers_per_event = 32;
inline constexpr std::size_t command_name_bytes = 127;
inline constexpr std::size_t rejection_code_bytes = 127;
inline constexpr std::size_t rejection_text_bytes = 4096;
inline constexpr std::size_t projection_name_bytes = 127;

inline constexpr std::size_t event_data_bytes = std::size_t{4} * 1024 * 1024; // one encoded event
inline constexpr std::size_t append_data_bytes = std::size_t{64} * 1024 *
                                                 1024; // all encoded events of one append
inline constexpr std::size_t events_per_append = 10'000;
inline constexpr std::size_t streams_per_append = 1'000;
inline constexpr std::uint64_t outcomes_per_step = 10'000; // of commands, that a store forgets at once
inline constexpr std::size_t query_items = 64;             // alternatives in one event query
inline constexpr std::size_t names_per_query_item = 256;
inline constexpr std::size_t json_depth = 64; // nested objects and arrays in one event
inline constexpr std::size_t record_fields =
    256;                                        // fields of one described struct, those of its bases included
inline constexpr std::size_t upcast_steps = 64; // versions that one stored event may climb
inline constexpr std::size_t dependencies_per_query = 64; // a cached query with more depends on everything
inline constexpr std::uint64_t position_max =
    INT64_MAX; // so that a position fits every engine's signed integer

} // namespace cleave::limits
