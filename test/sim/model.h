// SPDX-License-Identifier: Apache-2.0
//
// What a key-value store has to answer, in the simplest form there is: a map, changed by one call
// after another.
#pragma once

#include "sim/history.h"

#include <map>
#include <string>
#include <vector>

namespace quorate::sim {

struct Expected {
    bool succeeded = true;
    std::vector<OperationResult> results;
    std::vector<Change> changes;
};

class Model {
  public:
    using Keys = std::map<std::string, KeyValue, std::less<>>;

    // What `call` gives when it comes next and its changes get `revision`. The model stays as it
    // is. Ranges at an old revision are left empty.
    Expected run(const Call& call, int64_t revision) const;
    void apply(const Change& change);
    const Keys& keys() const { return keys_; }

  private:
    Keys keys_;
};

}  // namespace quorate::sim
