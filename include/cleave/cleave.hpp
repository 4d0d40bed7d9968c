// SPDX-License-Identifier: BSL-1.0
// Everything of cleave that an application needs, but the stores: include <cleave/memory/event_store.hpp> or
// <cleave/sqlite/sqlite.hpp> beside it.
#pragma once

#include <cleave/application.hpp>
#include <cleave/event/any_event_store.hpp>
#include <cleave/event/read_events.hpp>
#include <cleave/version.hpp>
