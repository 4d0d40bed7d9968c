// SPDX-License-Identifier: BSL-1.0
// The library's version, for the preprocessor and for people. Semantic versioning 2.0.0; before 1.0 a minor version may break.
#pragma once

#define CLEAVE_VERSION_MAJOR 0
#define CLEAVE_VERSION_MINOR 1
#define CLEAVE_VERSION_PATCH 0
#define CLEAVE_VERSION (CLEAVE_VERSION_MAJOR * 10000 + CLEAVE_VERSION_MINOR * 100 + CLEAVE_VERSION_PATCH)
#define CLEAVE_VERSION_STRING "0.1.0"
