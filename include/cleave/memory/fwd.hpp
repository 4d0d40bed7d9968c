// SPDX-License-Identifier: BSL-1.0
#pragma once

namespace cleave::memory {

struct event_store_options;
class event_store;

} // namespace cleave::memory
