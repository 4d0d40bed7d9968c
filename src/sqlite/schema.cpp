// SPDX-License-Identifier: BSL-1.0
#include "schema.hpp"

#include <fmt/format.h>

namespace cleave::sqlite {

namespace {

// What projections need beside their checkpoints, in either kind of file.
constexpr std::string_view projection_tables = R"sql(
CREATE TABLE cleave_dead_letters (
  projection TEXT NOT NULL, position INTEGER NOT NULL, key TEXT NOT NULL, event TEXT NOT NULL, error TEXT NOT NULL,
  attempts INTEGER NOT NULL, parked_at INTEGER NOT NULL, discarded TEXT, PRIMARY KEY (projection, position)
) WITHOUT ROWID;
CREATE INDEX cleave_dead_letters_by_key ON cleave_dead_letters (projection, key, position) WHERE discarded IS NULL;
CREATE TABLE cleave_leases (
  projection TEXT PRIMARY KEY, owner BLOB NOT NULL, term INTEGER NOT NULL, expires_at INTEGER NOT NULL
) WITHOUT ROWID;
)sql";

// Which version of a projection answers, where there is more than one.
constexpr std::string_view version_table = R"sql(
CREATE TABLE cleave_versions (
  projection TEXT PRIMARY KEY, active TEXT NOT NULL, active_build INTEGER NOT NULL, beside TEXT NOT NULL,
  beside_build INTEGER NOT NULL, switched INTEGER NOT NULL
) WITHOUT ROWID;
)sql";

// Which part of a projection the file has, where that is divided among several; and which version is on its way out, piece by piece.
constexpr std::string_view partition_table = R"sql(
CREATE TABLE cleave_partitions (projection TEXT PRIMARY KEY, part INTEGER NOT NULL, parts INTEGER NOT NULL) WITHOUT ROWID;
ALTER TABLE cleave_versions ADD COLUMN clearing TEXT NOT NULL DEFAULT '';
)sql";

// What people and other programs may query: the views `events` and `commands`, cleave_checkpoints and cleave_dead_letters. The other tables can
// change with any version of the schema.
constexpr schema_step event_store_steps[] = {
    {1, R"sql(
CREATE TABLE cleave_meta (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE cleave_streams (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE cleave_names (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE cleave_tags (id INTEGER PRIMARY KEY, tag TEXT NOT NULL UNIQUE);
CREATE TABLE cleave_log (
  position INTEGER PRIMARY KEY, stream INTEGER NOT NULL, version INTEGER NOT NULL, previous INTEGER, skip INTEGER,
  name INTEGER NOT NULL, recorded_at INTEGER NOT NULL, ids BLOB NOT NULL, headers TEXT, tags TEXT, data NOT NULL
);
CREATE TABLE cleave_heads (
  stream INTEGER PRIMARY KEY, version INTEGER NOT NULL, position INTEGER NOT NULL, mark_64 INTEGER, mark_4096 INTEGER
);
CREATE TABLE cleave_ids (key INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (key, position)) WITHOUT ROWID;
CREATE TABLE cleave_tagged (tag INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (tag, position)) WITHOUT ROWID;
CREATE TABLE cleave_outcomes (
  id BLOB PRIMARY KEY, command TEXT NOT NULL, fingerprint INTEGER NOT NULL, position INTEGER NOT NULL, version INTEGER NOT NULL,
  recorded_at INTEGER NOT NULL, rejection TEXT, reason TEXT
) WITHOUT ROWID;
CREATE TABLE cleave_checkpoints (name TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;

CREATE VIEW events AS SELECT
  l.position, s.name AS stream, l.version, n.name AS name, l.data,
  strftime('%Y-%m-%dT%H:%M:%S', l.recorded_at / 1000000, 'unixepoch') || printf('.%06dZ', l.recorded_at % 1000000) AS recorded_at,
  -- id, correlation and causation, 16 bytes each; the id alone where there is nothing else
  lower(substr(hex(l.ids), 1, 8) || '-' || substr(hex(l.ids), 9, 4) || '-' || substr(hex(l.ids), 13, 4) || '-' ||
        substr(hex(l.ids), 17, 4) || '-' || substr(hex(l.ids), 21, 12)) AS id,
  CASE WHEN length(l.ids) = 48 AND substr(l.ids, 17, 16) <> zeroblob(16) THEN
    lower(substr(hex(l.ids), 33, 8) || '-' || substr(hex(l.ids), 41, 4) || '-' || substr(hex(l.ids), 45, 4) || '-' ||
          substr(hex(l.ids), 49, 4) || '-' || substr(hex(l.ids), 53, 12)) END AS correlation,
  CASE WHEN length(l.ids) = 48 AND substr(l.ids, 33, 16) <> zeroblob(16) THEN
    lower(substr(hex(l.ids), 65, 8) || '-' || substr(hex(l.ids), 73, 4) || '-' || substr(hex(l.ids), 77, 4) || '-' ||
          substr(hex(l.ids), 81, 4) || '-' || substr(hex(l.ids), 85, 12)) END AS causation,
  l.headers, l.tags
FROM cleave_log l JOIN cleave_streams s ON s.id = l.stream JOIN cleave_names n ON n.id = l.name;

CREATE VIEW commands AS SELECT
  lower(substr(hex(o.id), 1, 8) || '-' || substr(hex(o.id), 9, 4) || '-' || substr(hex(o.id), 13, 4) || '-' ||
        substr(hex(o.id), 17, 4) || '-' || substr(hex(o.id), 21)) AS id,
  o.command, o.position, o.version, o.rejection, o.reason,
  strftime('%Y-%m-%dT%H:%M:%S', o.recorded_at / 1000000, 'unixepoch') || printf('.%06dZ', o.recorded_at % 1000000) AS recorded_at
FROM cleave_outcomes o;
)sql"},
    {2, projection_tables},
    {3, R"sql(
CREATE TABLE cleave_snapshots (
  stream INTEGER PRIMARY KEY, version INTEGER NOT NULL, fingerprint INTEGER NOT NULL, data NOT NULL
);
)sql"},
    {4, version_table},
    // The ids by name leave the index of cleave_streams for a table that lags behind it (recent_names.hpp). The table is made anew under its
    // own name, because views of the application may name it.
    {5, R"sql(
CREATE TABLE cleave_stream_ids (name TEXT PRIMARY KEY, id INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO cleave_stream_ids (name, id) SELECT name, id FROM cleave_streams ORDER BY name;
INSERT INTO cleave_meta (name, value) SELECT 'names_at', max(id) FROM cleave_streams HAVING max(id) IS NOT NULL;
DROP TABLE cleave_streams;
CREATE TABLE cleave_streams (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
INSERT INTO cleave_streams (id, name) SELECT id, name FROM cleave_stream_ids ORDER BY id;
)sql"},
    {6, partition_table},
    // The outcome of a command goes into the row of its last event, and cleave_outcomes lags behind (recent_outcomes.hpp).
    {7, R"sql(
ALTER TABLE cleave_log ADD COLUMN command INTEGER;
INSERT INTO cleave_meta (name, value) SELECT 'outcomes_at', max(position) FROM cleave_log HAVING max(position) IS NOT NULL;
DROP VIEW events;
DROP VIEW commands;
CREATE VIEW events AS SELECT
  l.position, s.name AS stream, l.version, n.name AS name, l.data,
  strftime('%Y-%m-%dT%H:%M:%S', l.recorded_at / 1000000, 'unixepoch') || printf('.%06dZ', l.recorded_at % 1000000) AS recorded_at,
  -- id, correlation and causation, 16 bytes each, or the id alone; then those of a command (row_ids.hpp)
  lower(substr(hex(l.ids), 1, 8) || '-' || substr(hex(l.ids), 9, 4) || '-' || substr(hex(l.ids), 13, 4) || '-' ||
        substr(hex(l.ids), 17, 4) || '-' || substr(hex(l.ids), 21, 12)) AS id,
  CASE WHEN length(l.ids) IN (48, 72) AND substr(l.ids, 17, 16) <> zeroblob(16) THEN
    lower(substr(hex(l.ids), 33, 8) || '-' || substr(hex(l.ids), 41, 4) || '-' || substr(hex(l.ids), 45, 4) || '-' ||
          substr(hex(l.ids), 49, 4) || '-' || substr(hex(l.ids), 53, 12)) END AS correlation,
  CASE WHEN length(l.ids) IN (48, 72) AND substr(l.ids, 33, 16) <> zeroblob(16) THEN
    lower(substr(hex(l.ids), 65, 8) || '-' || substr(hex(l.ids), 73, 4) || '-' || substr(hex(l.ids), 77, 4) || '-' ||
          substr(hex(l.ids), 81, 4) || '-' || substr(hex(l.ids), 85, 12)) END AS causation,
  l.headers, l.tags
FROM cleave_log l JOIN cleave_streams s ON s.id = l.stream JOIN cleave_names n ON n.id = l.name;

CREATE VIEW commands AS SELECT
  lower(substr(hex(o.id), 1, 8) || '-' || substr(hex(o.id), 9, 4) || '-' || substr(hex(o.id), 13, 4) || '-' ||
        substr(hex(o.id), 17, 4) || '-' || substr(hex(o.id), 21)) AS id,
  o.command, o.position, o.version, o.rejection, o.reason,
  strftime('%Y-%m-%dT%H:%M:%S', o.recorded_at / 1000000, 'unixepoch') || printf('.%06dZ', o.recorded_at % 1000000) AS recorded_at
FROM (
  SELECT id, command, position, version, rejection, reason, recorded_at FROM cleave_outcomes UNION ALL
  SELECT substr(l.ids, -24, 16), n.name, l.position, l.version, NULL, NULL, l.recorded_at
  FROM cleave_log l JOIN cleave_names n ON n.id = l.command
  WHERE l.position > coalesce((SELECT value FROM cleave_meta WHERE name = 'outcomes_at'), 0)
    AND NOT EXISTS (SELECT 1 FROM cleave_outcomes WHERE id = substr(l.ids, -24, 16))
) o;
)sql"},
};

constexpr schema_step read_store_steps[] = {
    {1, R"sql(
CREATE TABLE cleave_meta (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE cleave_checkpoints (name TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
)sql"},
    {2, projection_tables},
    {3, version_table},
    {4, partition_table},
};

result<bool> is_empty(database& db) {
  auto const objects = db.value<std::int64_t>("SELECT count(*) FROM sqlite_schema");
  if (!objects) return unexpected(objects.error());
  return objects->value_or(0) == 0;
}

} // namespace

// "clve" and "clvr" in ASCII.
constinit schema const event_store_schema{0x636c7665, "event store", event_store_steps};
constinit schema const read_store_schema{0x636c7672, "read store", read_store_steps};

result<std::int64_t> read_schema_version(database& db, schema const& wanted) {
  // In this order: tables and id come in one transaction, so whoever sees another process's tables sees its id after that.
  auto const empty = is_empty(db);
  if (!empty) return unexpected(empty.error());
  auto const id = db.value<std::int64_t>("PRAGMA application_id");
  if (!id) return unexpected(id.error());
  if (id->value_or(0) != wanted.application_id) {
    if (*empty && id->value_or(0) == 0) return 0;
    return unexpected(make_error(errc::not_a_store,
                                 "{}: an SQLite database, but no {} of cleave (application id {}, wanted {})",
                                 db.path(), wanted.what, id->value_or(0), wanted.application_id));
  }
  auto const encoding = db.value<std::string>("PRAGMA encoding");
  if (!encoding) return unexpected(encoding.error());
  auto const version = db.value<std::int64_t>("SELECT value FROM cleave_meta WHERE name = 'schema_version'");
  if (!version) {
    return unexpected(error(errc::corrupt,
                            fmt::format("{}: the {} has no readable schema version", db.path(), wanted.what),
                            version.error()));
  }
  if (!*version || **version < 1 || encoding->value_or("") != "UTF-8") {
    return unexpected(make_error(errc::corrupt, "{}: the {} has schema version {} and encoding {}", db.path(),
                                 wanted.what, (*version).value_or(0), encoding->value_or("")));
  }
  std::int64_t const newest = wanted.steps.back().version;
  if (**version > newest) {
    return unexpected(make_error(errc::newer_schema,
                                 "{}: the {} has schema version {}, this cleave knows versions up to {}",
                                 db.path(), wanted.what, **version, newest));
  }
  return **version;
}

result<void> bring_up_to_date(database& db, schema const& wanted) {
  auto found = read_schema_version(db, wanted);
  if (!found) return unexpected(found.error());
  if (*found == wanted.steps.back().version) return {};

  if (auto begun = db.run_script("BEGIN IMMEDIATE"); !begun) return begun;
  auto const migrate = [&]() -> result<void> {
    // Another process may have been faster.
    found = read_schema_version(db, wanted);
    if (!found) return unexpected(found.error());
    for (schema_step const& step : wanted.steps) {
      if (step.version <= *found) continue;
      if (auto good = db.run_script(step.script); !good) return good;
    }
    auto const stamp = db.execute("INSERT INTO cleave_meta (name, value) VALUES ('schema_version', ?1) "
                                  "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                                  wanted.steps.back().version);
    if (!stamp) return unexpected(stamp.error());
    if (auto good = db.run_script(fmt::format("PRAGMA application_id = {}", wanted.application_id)); !good)
      return good;
    return db.run_script("COMMIT");
  };
  auto done = migrate();
  if (!done && db.in_transaction()) {
    // What failed is the news; whether the rollback can say something too is not.
    static_cast<void>(db.run_script("ROLLBACK").has_value());
  }
  return done;
}

} // namespace cleave::sqlite
