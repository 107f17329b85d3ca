// SPDX-License-Identifier: Apache-2.0
#include "wire/message_text.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/stubs/strutil.h>

#include <vector>

namespace quorate::wire {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr size_t kKeyBytesMax = 128;  // of one text

bool is_secret(const std::string& name) {
    return name == "value" || name == "password" || name == "hashedPassword" ||
           name == "password_hash" || name == "token";
}

class Printer {
  public:
    void print(const Message& message) {
        std::vector<const FieldDescriptor*> fields;
        message.GetReflection()->ListFields(message, &fields);
        for (const FieldDescriptor* field : fields) {
            const int count =
                field->is_repeated() ? message.GetReflection()->FieldSize(message, field) : 1;
            for (int i = 0; i < count && text.size() < kMessageTextBytesMax; ++i) {
                print(message, *field, field->is_repeated() ? i : -1);
            }
        }
    }

    std::string text;

  private:
    void print(const Message& message, const FieldDescriptor& field, int index) {
        if (!text.empty() && text.back() != '<') {
            text += ' ';
        }
        text += field.name();
        const Reflection& reflection = *message.GetReflection();
        switch (field.cpp_type()) {
            case FieldDescriptor::CPPTYPE_MESSAGE:
                text += ":<";
                print(index < 0 ? reflection.GetMessage(message, &field)
                                : reflection.GetRepeatedMessage(message, &field, index));
                text += '>';
                break;
            case FieldDescriptor::CPPTYPE_STRING:
                print_bytes(field, index < 0
                                       ? reflection.GetString(message, &field)
                                       : reflection.GetRepeatedString(message, &field, index));
                break;
            case FieldDescriptor::CPPTYPE_ENUM:
                text += ':' + (index < 0 ? reflection.GetEnum(message, &field)
                                         : reflection.GetRepeatedEnum(message, &field, index))
                                  ->name();
                break;
            case FieldDescriptor::CPPTYPE_BOOL:
                text += ":true";  // a false one is not listed
                break;
            case FieldDescriptor::CPPTYPE_INT64:
                text += ':' + std::to_string(
                                  index < 0 ? reflection.GetInt64(message, &field)
                                            : reflection.GetRepeatedInt64(message, &field, index));
                break;
            case FieldDescriptor::CPPTYPE_UINT64:
                text += ':' + std::to_string(
                                  index < 0 ? reflection.GetUInt64(message, &field)
                                            : reflection.GetRepeatedUInt64(message, &field, index));
                break;
            case FieldDescriptor::CPPTYPE_INT32:
            case FieldDescriptor::CPPTYPE_UINT32:
            case FieldDescriptor::CPPTYPE_DOUBLE:
            case FieldDescriptor::CPPTYPE_FLOAT:
                break;  // no request has any
        }
    }

    void print_bytes(const FieldDescriptor& field, const std::string& value) {
        if (is_secret(field.name())) {
            text += "_size:" + std::to_string(value.size());
            return;
        }
        text += ":\"" + google::protobuf::CEscape(value.substr(0, kKeyBytesMax));
        text += value.size() > kKeyBytesMax ? "...\"" : "\"";
    }
};

}  // namespace

std::string message_text(const Message& message) {
    Printer printer;
    printer.print(message);
    if (printer.text.size() > kMessageTextBytesMax) {
        printer.text.resize(kMessageTextBytesMax);
        printer.text += "...";
    }
    return std::move(printer.text);
}

}  // namespace quorate::wire
