// SPDX-License-Identifier: Apache-2.0
//
// AddressCheck: the names of a certificate against the address that it comes from, as etcd compares
// them: fine where it has none, or the address is among them. Else its DNS names may stand for the
// address, which only a lookup can tell.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace quorate::http {

struct AddressCheck {
    enum class Result : uint8_t { kPassed, kLookUp, kFailed };
    Result result = Result::kPassed;
    std::vector<std::string> names = {};  // to look up
    std::string why = {};                 // failed
};

}  // namespace quorate::http
