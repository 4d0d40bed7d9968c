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

inline auto chapters() { return std::array{expectation_cases(), retry_cases()}; }

} // namespace cleave::testing::detail
