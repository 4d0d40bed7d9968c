// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cleave/base/fwd.hpp>
#include <cleave/command/fwd.hpp>
#include <cleave/event/fwd.hpp>
#include <cleave/middleware/fwd.hpp>
#include <cleave/query/fwd.hpp>
