// SPDX-License-Identifier: Apache-2.0
#include "ctl/go_json.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <array>
#include <cstdio>

namespace quorate::ctl {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::OneofDescriptor;
using google::protobuf::Reflection;

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// How many bytes at the front are one character in UTF-8; 0 when they are none.
size_t utf8_size(ByteView text) {
    const auto at = [&text](size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = at(0);
    if (first < 0x80) {
        return 1;
    }
    const size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || size > text.size()) {
        return 0;
    }
    for (size_t i = 1; i < size; ++i) {
        if ((at(i) & 0xc0) != 0x80) {
            return 0;
        }
    }
    const bool overlong = (first == 0xe0 && at(1) < 0xa0) || (first == 0xf0 && at(1) < 0x90);
    const bool beyond = (first == 0xed && at(1) >= 0xa0) || (first == 0xf4 && at(1) >= 0x90);
    return overlong || beyond ? 0 : size;
}

void append_ascii(std::string& out, char c) {
    constexpr std::string_view kPlain = "\b\f\n\r\t\"\\";
    constexpr std::string_view kLetter = "bfnrt\"\\";
    if (const size_t known = kPlain.find(c); known != std::string_view::npos) {
        out += '\\';
        out += kLetter[known];
    } else if (static_cast<unsigned char>(c) < 0x20 || c == '<' || c == '>' || c == '&') {
        std::array<char, 8> escape{};
        std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(c));
        out += escape.data();
    } else {
        out += c;
    }
}

std::string value_of(const Message& message, const FieldDescriptor& field, int at);

std::string repeated(const Message& message, const FieldDescriptor& field) {
    std::vector<std::string> items;
    const int count = message.GetReflection()->FieldSize(message, &field);
    for (int i = 0; i < count; ++i) {
        items.push_back(value_of(message, field, i));
    }
    return json_array(items);
}

// A field, or one of a repeated field's values.
std::string value_of(const Message& message, const FieldDescriptor& field, int at) {
    const Reflection& values = *message.GetReflection();
    const bool many = field.is_repeated();
    switch (field.cpp_type()) {
        case FieldDescriptor::CPPTYPE_INT32:
            return std::to_string(many ? values.GetRepeatedInt32(message, &field, at)
                                       : values.GetInt32(message, &field));
        case FieldDescriptor::CPPTYPE_INT64:
            return std::to_string(many ? values.GetRepeatedInt64(message, &field, at)
                                       : values.GetInt64(message, &field));
        case FieldDescriptor::CPPTYPE_UINT32:
            return std::to_string(many ? values.GetRepeatedUInt32(message, &field, at)
                                       : values.GetUInt32(message, &field));
        case FieldDescriptor::CPPTYPE_UINT64:
            return std::to_string(many ? values.GetRepeatedUInt64(message, &field, at)
                                       : values.GetUInt64(message, &field));
        case FieldDescriptor::CPPTYPE_BOOL:
            return (many ? values.GetRepeatedBool(message, &field, at)
                         : values.GetBool(message, &field))
                       ? "true"
                       : "false";
        case FieldDescriptor::CPPTYPE_ENUM:
            return std::to_string(many ? values.GetRepeatedEnumValue(message, &field, at)
                                       : values.GetEnumValue(message, &field));
        case FieldDescriptor::CPPTYPE_STRING: {
            const std::string text = many ? values.GetRepeatedString(message, &field, at)
                                          : values.GetString(message, &field);
            return field.type() == FieldDescriptor::TYPE_BYTES ? go_json_bytes(text)
                                                               : go_json_string(text);
        }
        case FieldDescriptor::CPPTYPE_MESSAGE:
            return go_json(many ? values.GetRepeatedMessage(message, &field, at)
                                : values.GetMessage(message, &field));
        case FieldDescriptor::CPPTYPE_DOUBLE:
        case FieldDescriptor::CPPTYPE_FLOAT:
            break;  // etcd's messages have none
    }
    return "null";
}

bool has_value(const Message& message, const FieldDescriptor& field) {
    const Reflection& values = *message.GetReflection();
    return field.is_repeated() ? values.FieldSize(message, &field) > 0
                               : values.HasField(message, &field);
}

// In Go a oneof is a field of its own, an interface that holds a struct with the chosen one.
std::string oneof_json(const Message& message, const OneofDescriptor& oneof) {
    const FieldDescriptor* chosen =
        message.GetReflection()->GetOneofFieldDescriptor(message, &oneof);
    JsonObject object;
    if (chosen != nullptr) {
        object.raw(chosen->name(), value_of(message, *chosen, 0));
    }
    return object.done();
}

}  // namespace

std::string go_json(const Message& message) {
    const Descriptor& type = *message.GetDescriptor();
    JsonObject object;
    for (int i = 0; i < type.field_count(); ++i) {
        const FieldDescriptor& field = *type.field(i);
        if (const OneofDescriptor* oneof = field.real_containing_oneof()) {
            if (oneof->field(0) == &field) {
                std::string name = oneof->name();
                name[0] = static_cast<char>(name[0] & ~0x20);
                object.raw(name, oneof_json(message, *oneof));
            }
        } else if (has_value(message, field)) {
            object.raw(field.name(), field.is_repeated() ? repeated(message, field)
                                                         : value_of(message, field, 0));
        }
    }
    return object.done();
}

std::string go_json_string(ByteView text) {
    std::string out = "\"";
    while (!text.empty()) {
        const size_t size = utf8_size(text);
        const ByteView one = text.substr(0, std::max<size_t>(size, 1));
        if (size == 1) {
            append_ascii(out, text.front());
        } else if (size == 0) {
            out += "\\ufffd";
        } else if (one == "\xe2\x80\xa8") {
            out += "\\u2028";
        } else if (one == "\xe2\x80\xa9") {
            out += "\\u2029";
        } else {
            out += one;
        }
        text.remove_prefix(one.size());
    }
    return out + '"';
}

std::string go_json_bytes(ByteView bytes) {
    std::string out = "\"";
    for (size_t i = 0; i < bytes.size(); i += 3) {
        uint32_t group = 0;
        const size_t count = std::min<size_t>(3, bytes.size() - i);
        for (size_t j = 0; j < 3; ++j) {
            group = (group << 8) | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0U);
        }
        for (size_t j = 0; j < 4; ++j) {
            out += j <= count ? kBase64[(group >> (18 - 6 * j)) & 63] : '=';
        }
    }
    return out + '"';
}

JsonObject& JsonObject::raw(std::string_view name, std::string_view json) {
    text_ += (text_.empty() ? "\"" : ",\"") + std::string(name) + "\":" + std::string(json);
    return *this;
}

JsonObject& JsonObject::members(std::string_view object) {
    if (object.size() > 2) {
        text_ += (text_.empty() ? "" : ",") + std::string(object.substr(1, object.size() - 2));
    }
    return *this;
}

std::string json_array(const std::vector<std::string>& items) {
    std::string text = "[";
    for (const std::string& item : items) {
        text += (text.size() == 1 ? "" : ",") + item;
    }
    return text + "]";
}

}  // namespace quorate::ctl
