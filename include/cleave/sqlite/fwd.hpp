// SPDX-License-Identifier: BSL-1.0
#pragma once

struct sqlite3;
struct sqlite3_stmt;
struct sqlite3_value;

namespace cleave::sqlite {

struct database_options;
class database;
class statement;
struct event_store_options;
class event_store;
struct finding;
struct verification;
class transaction;
struct read_store_options;
class read_store;
class dead_letters;
class leases;
class partitions;
class versions;

} // namespace cleave::sqlite
