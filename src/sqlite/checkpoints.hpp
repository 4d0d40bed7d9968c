// SPDX-License-Identifier: BSL-1.0
// The checkpoints of projections: in a file of read models, or in the log's.
#pragma once

#include <cleave/base/function_ref.hpp>
#include <cleave/base/result.hpp>
#include <cleave/event/position.hpp>
#include <cleave/sqlite/database.hpp>

#include <string_view>

namespace cleave::sqlite {

// 0 for a projection that has none.
result<position> load_checkpoint(database& db, std::string_view projection);

// What read_store::apply does inside its transaction: fills, and stores the checkpoint that fill returns.
result<void> fill_and_store(database& db, std::string_view projection, position from,
                            function_ref<result<position>(database&)> fill);

} // namespace cleave::sqlite
