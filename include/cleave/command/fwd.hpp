// SPDX-License-Identifier: BSL-1.0
#pragma once

namespace cleave {

template <class... Cs> struct command_set;
template <class... Es> class decision;
template <class... Handlers> class command_bus;
struct committed;
class command_failure;
struct command_context;
struct write_options;

} // namespace cleave
