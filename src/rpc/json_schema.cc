// SPDX-License-Identifier: Apache-2.0
#include "rpc/json_schema.h"

#include "base/assert.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>

namespace quorate::rpc {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;

JsonKind kind_of(const FieldDescriptor& field) {
    QUORATE_ASSERT(!field.is_map());
    if (field.type() == FieldDescriptor::TYPE_BYTES) {
        return JsonKind::kBytes;
    }
    switch (field.cpp_type()) {
        case FieldDescriptor::CPPTYPE_INT32:
            QUORATE_ASSERT(field.type() == FieldDescriptor::TYPE_INT32);
            return JsonKind::kInt32;
        case FieldDescriptor::CPPTYPE_INT64:
            QUORATE_ASSERT(field.type() == FieldDescriptor::TYPE_INT64);
            return JsonKind::kInt64;
        case FieldDescriptor::CPPTYPE_UINT32:
            QUORATE_ASSERT(field.type() == FieldDescriptor::TYPE_UINT32);
            return JsonKind::kUint32;
        case FieldDescriptor::CPPTYPE_UINT64:
            QUORATE_ASSERT(field.type() == FieldDescriptor::TYPE_UINT64);
            return JsonKind::kUint64;
        case FieldDescriptor::CPPTYPE_BOOL:
            return JsonKind::kBool;
        case FieldDescriptor::CPPTYPE_ENUM:
            return JsonKind::kEnum;
        case FieldDescriptor::CPPTYPE_STRING:
            return JsonKind::kString;
        case FieldDescriptor::CPPTYPE_MESSAGE:
            return JsonKind::kMessage;
        case FieldDescriptor::CPPTYPE_DOUBLE:
        case FieldDescriptor::CPPTYPE_FLOAT:
            break;
    }
    QUORATE_ASSERT(false && "a kind of field that etcd's messages do not have");
    return JsonKind::kMessage;
}

}  // namespace

std::string_view kind_name(JsonKind kind) {
    switch (kind) {
        case JsonKind::kInt64:
            return "int64";
        case JsonKind::kUint64:
            return "uint64";
        case JsonKind::kInt32:
            return "int32";
        case JsonKind::kUint32:
            return "uint32";
        case JsonKind::kBool:
            return "bool";
        case JsonKind::kEnum:
            return "enum";
        case JsonKind::kString:
            return "string";
        case JsonKind::kBytes:
            return "bytes";
        case JsonKind::kMessage:
            return "message";
    }
    return {};
}

const JsonField* JsonMessage::find(uint32_t number) const {
    // Nearly all messages number their fields without gaps.
    if (number - 1 < fields.size() && fields[number - 1].number == number) {
        return &fields[number - 1];
    }
    const auto it =
        std::lower_bound(fields.begin(), fields.end(), number,
                         [](const JsonField& field, uint32_t n) { return field.number < n; });
    return it != fields.end() && it->number == number ? &*it : nullptr;
}

const JsonField* JsonMessage::find(ByteView field_name) const {
    const auto it = by_name.find(field_name);
    return it == by_name.end() ? nullptr : &fields[it->second];
}

JsonSchema::JsonSchema() = default;
JsonSchema::~JsonSchema() = default;

const JsonMessage& JsonSchema::message(const Descriptor& descriptor) {
    auto& slot = messages_[descriptor.full_name()];
    if (slot != nullptr) {
        return *slot;
    }
    // Into the table first: a message may hold itself.
    slot = std::make_unique<JsonMessage>();
    JsonMessage& made = *slot;
    made.name = descriptor.full_name();
    for (int i = 0; i < descriptor.real_oneof_decl_count(); ++i) {
        made.oneofs.push_back(descriptor.oneof_decl(i)->full_name());
    }
    for (int i = 0; i < descriptor.field_count(); ++i) {
        made.fields.push_back(field(*descriptor.field(i)));
    }
    std::sort(made.fields.begin(), made.fields.end(),
              [](const JsonField& a, const JsonField& b) { return a.number < b.number; });
    for (size_t i = 0; i < made.fields.size(); ++i) {
        made.by_name.emplace(made.fields[i].name, i);
        made.by_name.emplace(made.fields[i].json_name, i);
    }
    return made;
}

JsonField JsonSchema::field(const FieldDescriptor& descriptor) {
    JsonField made;
    made.number = static_cast<uint32_t>(descriptor.number());
    made.kind = kind_of(descriptor);
    made.repeated = descriptor.is_repeated();
    made.name = descriptor.name();
    made.json_name = descriptor.json_name();
    if (const auto* oneof = descriptor.real_containing_oneof()) {
        made.oneof = oneof->index();
    }
    if (made.kind == JsonKind::kEnum) {
        made.values = &enumeration(*descriptor.enum_type());
    }
    if (made.kind == JsonKind::kMessage) {
        made.message = &message(*descriptor.message_type());
    }
    return made;
}

const JsonEnum& JsonSchema::enumeration(const EnumDescriptor& descriptor) {
    auto& slot = enums_[descriptor.full_name()];
    if (slot == nullptr) {
        slot = std::make_unique<JsonEnum>();
        for (int i = 0; i < descriptor.value_count(); ++i) {
            const auto* value = descriptor.value(i);
            slot->names.emplace(value->number(), value->name());
            slot->numbers.emplace(value->name(), value->number());
        }
    }
    return *slot;
}

}  // namespace quorate::rpc
