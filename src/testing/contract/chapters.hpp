// SPDX-License-Identifier: BSL-1.0
// The chapters of the contract, each in a file of its own.
#pragma once

#include <cleave/testing/contract.hpp>

#include <array>
#include <span>

namespace cleave::testing::detail {

using chapter = std::span<contract_case const>;

chapter expectation_cases();
chapter retry_cases();
chapter stream_read_cases();
chapter log_read_cases();
chapter condition_cases();
chapter many_stream_cases();
chapter name_cases();
chapter content_cases();
chapter command_cases();
chapter limit_cases();
chapter signal_cases();
chapter concurrency_cases();
chapter restart_cases();

inline auto chapters() {
  return std::array{expectation_cases(), retry_cases(),       stream_read_cases(), log_read_cases(),
                    condition_cases(),   many_stream_cases(), name_cases(),        content_cases(),
                    command_cases(),     limit_cases(),       signal_cases(),      concurrency_cases(),
                    restart_cases()};
}

} // namespace cleave::testing::detail
