// SPDX-License-Identifier: Apache-2.0
//
// What a command found out, printed as the user wants it. The forms are etcdutl's: `simple` is the
// values with commas between, `fields` a line per value, `json` one object, `table` a frame for
// people. Pure functions, any thread.
#pragma once

#include "base/status.h"
#include "util/command.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::util {

enum class Format : uint8_t { kSimple, kJson, kTable, kFields };

// --write-out; errors::kUsage.
Result<Format> format_of(const Invocation& invocation);

struct ReportItem {
    std::string_view title;  // of the table's column: "total keys"
    std::string_view label;  // in `fields`: "Keys"
    std::string_view key;    // in `json`: "totalKey"
    std::string value;       // in `fields` and `json`
    std::string shown = {};  // in `simple` and `table` when that is another text
    bool is_text = false;    // in quotes in `json`
};

// With the newline at its end.
std::string render(Format format, const std::vector<ReportItem>& items);
void print(Format format, const std::vector<ReportItem>& items);

}  // namespace quorate::util
