// SPDX-License-Identifier: Apache-2.0
//
// Reads all of a store in a child, so that a damaged file can take no more than the child with it.
#pragma once

#include "child.h"
#include "engines.h"
#include "store_model.h"

#include <cstdint>
#include <memory>
#include <string>

namespace quorate::storage::testing {

inline constexpr const char* kReadJob = "read";

struct ReadOutcome {
    enum class Kind : uint8_t { kRead, kDamaged, kRefused, kDied };
    Kind kind = Kind::kDied;
    std::string text;  // kRead: digest() of what was read; else the failure
};

// Of pairs, such that different ones have different digests.
std::string digest(const Pairs& pairs);

class StoreReader {
  public:
    explicit StoreReader(const EngineUnderTest& engine) : engine_(engine) {}

    // A store that was damaged may stay open in the child: a directory is read only once.
    ReadOutcome read(const std::string& dir);

  private:
    const EngineUnderTest engine_;
    std::unique_ptr<Child> child_;  // started anew when it has died
};

// In the child: answers for each directory that it is told of.
int run_store_reader(const EngineUnderTest& engine);

}  // namespace quorate::storage::testing
