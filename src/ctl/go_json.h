// SPDX-License-Identifier: Apache-2.0
//
// JSON as Go's encoding/json writes etcd's messages: fields in the order of the .proto file, those
// with no value left out, 64-bit numbers and enumerators as numbers, bytes in base64. Unlike the
// gateway's form, which is protobuf's own. Any thread.
#pragma once

#include "base/bytes.h"

#include <google/protobuf/message.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::ctl {

std::string go_json(const google::protobuf::Message& message);
// With <, > and & escaped, and bytes that are no UTF-8 replaced.
std::string go_json_string(ByteView text);
std::string go_json_bytes(ByteView bytes);

// One object, written member by member.
class JsonObject {
  public:
    JsonObject& raw(std::string_view name, std::string_view json);
    JsonObject& text(std::string_view name, ByteView value) {
        return raw(name, go_json_string(value));
    }
    JsonObject& number(std::string_view name, int64_t value) {
        return raw(name, std::to_string(value));
    }
    JsonObject& boolean(std::string_view name, bool value) {
        return raw(name, value ? "true" : "false");
    }
    // The members of another object, such as one that is embedded in Go.
    JsonObject& members(std::string_view object);
    std::string done() const { return "{" + text_ + "}"; }

  private:
    std::string text_;
};

// "[a,b]"; what Go makes of a slice that was never filled is the caller's business.
std::string json_array(const std::vector<std::string>& items);

}  // namespace quorate::ctl
