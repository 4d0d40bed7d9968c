// SPDX-License-Identifier: BSL-1.0
// The tables in a store's file, and how a file is recognised, made and brought up to date.
#pragma once

#include <cleave/base/result.hpp>
#include <cleave/sqlite/database.hpp>

#include <cstdint>
#include <span>
#include <string_view>

namespace cleave::sqlite {

// One step of the schema: what turns version - 1 into `version`. Step 1 makes the tables in an empty file.
struct schema_step {
  std::int64_t version;
  std::string_view script;
};

struct schema {
  std::int64_t application_id;        // SQLite keeps it in the file's header
  std::string_view what;              // for messages: "event store"
  std::span<schema_step const> steps; // versions 1, 2, 3, ...
};

extern schema const event_store_schema;
extern schema const read_store_schema;

// Looks at the file, without a lock. errc::not_a_store for a database of somebody else, errc::newer_schema for one that a newer
// cleave has written, errc::corrupt for one that says it is ours and is not. The version found; 0 for an empty file.
result<std::int64_t> read_schema_version(database& db, schema const& wanted);

// Brings the file to the last step's version, in one transaction: all steps or none. Does nothing when it is there already.
result<void> bring_up_to_date(database& db, schema const& wanted);

} // namespace cleave::sqlite
