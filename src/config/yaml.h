// SPDX-License-Identifier: Apache-2.0
//
// The part of YAML that configuration files use, and with it JSON: nested mappings and lists in
// block and flow form, plain and quoted scalars, comments. Anchors, aliases, tags, multi-line texts
// and several documents are refused by name. A document is a tree of values; any thread.
#pragma once

#include "base/status.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::config {

struct YamlField;

struct YamlNode {
    enum class Kind : uint8_t { kNull, kScalar, kList, kMap };

    Kind kind = Kind::kNull;
    size_t line = 0;   // from 1
    std::string text;  // of a scalar, without quotes
    std::vector<YamlNode> items;
    std::vector<YamlField> fields;  // in order, each key once

    // Null when there is no such field.
    const YamlNode* find(std::string_view key) const;
};

struct YamlField {
    std::string key;
    YamlNode value;
};

inline constexpr int kYamlDepthMax = 16;

// Fails with errors::kConfig and "name:line: what is wrong". An empty document is null.
Result<YamlNode> parse_yaml(std::string_view name, std::string_view content);

}  // namespace quorate::config
