// SPDX-License-Identifier: Apache-2.0
//
// Which page of a file whose SHA-256 does not fit was changed. One thread at a time.
#pragma once

#include "snapshot/reader.h"

#include <string>

namespace quorate::snapshot {

// "; page 17 was changed", or nothing where the file does not tell. Reads all of it again.
std::string where_damaged(const Reader& reader);

}  // namespace quorate::snapshot
