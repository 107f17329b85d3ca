// SPDX-License-Identifier: Apache-2.0
//
// What the JSON gateway knows of a protobuf message: its fields by number and by name, taken from
// the generated descriptors once. Made before the first request, constant from then on, any thread.
#pragma once

#include "base/bytes.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace google::protobuf {
class Descriptor;
class EnumDescriptor;
class FieldDescriptor;
}  // namespace google::protobuf

namespace quorate::rpc {

// The kinds of values in etcd's messages; it has no floating point, fixed width or maps.
enum class JsonKind : uint8_t {
    kInt64,
    kUint64,
    kInt32,
    kUint32,
    kBool,
    kEnum,
    kString,
    kBytes,
    kMessage
};

// As protobuf's own messages call it: "int64", "message".
std::string_view kind_name(JsonKind kind);

struct JsonEnum {
    std::map<int64_t, std::string> names;
    std::map<std::string, int64_t, std::less<>> numbers;
};

struct JsonMessage;

struct JsonField {
    uint32_t number = 0;
    JsonKind kind = JsonKind::kInt64;
    bool repeated = false;
    int oneof = -1;         // index into JsonMessage::oneofs, -1: none
    std::string name;       // as in the .proto file, which is how answers name it
    std::string json_name;  // in camel case, which requests may use as well
    const JsonEnum* values = nullptr;
    const JsonMessage* message = nullptr;
};

struct JsonMessage {
    std::string name;
    std::vector<JsonField> fields;  // in order of their numbers
    std::vector<std::string> oneofs;
    std::map<std::string, size_t, std::less<>> by_name;  // both names

    // Null for unknown fields.
    const JsonField* find(uint32_t number) const;
    const JsonField* find(ByteView field_name) const;
};

class JsonSchema {
  public:
    JsonSchema();
    ~JsonSchema();
    JsonSchema(const JsonSchema&) = delete;
    JsonSchema& operator=(const JsonSchema&) = delete;

    // Stays where it is as long as the schema lives.
    const JsonMessage& message(const google::protobuf::Descriptor& descriptor);

  private:
    JsonField field(const google::protobuf::FieldDescriptor& descriptor);
    const JsonEnum& enumeration(const google::protobuf::EnumDescriptor& descriptor);

    std::map<std::string, std::unique_ptr<JsonMessage>, std::less<>> messages_;
    std::map<std::string, std::unique_ptr<JsonEnum>, std::less<>> enums_;
};

}  // namespace quorate::rpc
