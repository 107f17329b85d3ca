// SPDX-License-Identifier: Apache-2.0
//
// Random messages of any type, for tests that compare the gateway's JSON with protobuf's own.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <cstdint>
#include <random>
#include <string>

namespace quorate::rpc {

class RandomMessages {
  public:
    explicit RandomMessages(uint32_t seed) : random_(seed) {}

    void fill(google::protobuf::Message& message, int depth = 0) {
        const auto* descriptor = message.GetDescriptor();
        for (int i = 0; i < descriptor->field_count(); ++i) {
            const auto* field = descriptor->field(i);
            if (below(3) == 0 || (depth > 4 && field->message_type() != nullptr)) {
                continue;
            }
            if (field->is_repeated()) {
                for (uint32_t n = below(4); n > 0; --n) {
                    add(message, *field, depth);
                }
            } else {
                set(message, *field, depth);
            }
        }
    }

    uint32_t below(uint32_t bound) { return static_cast<uint32_t>(random_() % bound); }

  private:
    using Field = google::protobuf::FieldDescriptor;

    uint64_t number() {
        constexpr uint64_t kEdges[] = {0, 1, 127, 128, UINT32_MAX, INT64_MAX, UINT64_MAX};
        return below(2) == 0 ? kEdges[below(7)] : random_();
    }

    std::string bytes() {
        std::string made;
        for (uint32_t n = below(20); n > 0; --n) {
            made.push_back(static_cast<char>(below(256)));
        }
        return made;
    }

    std::string text() {
        // Without what protobuf escapes for the sake of web pages and others do not.
        constexpr const char* kPieces[] = {"a",    "Z9", " ", "\"", "\\", "\n",
                                           "\x01", "/",  "ä", "€",  "𝄞"};
        std::string made;
        for (uint32_t n = below(8); n > 0; --n) {
            made += kPieces[below(11)];
        }
        return made;
    }

    int enumerator(const Field& field) {
        const auto* values = field.enum_type();
        return values->value(static_cast<int>(below(static_cast<uint32_t>(values->value_count()))))
            ->number();
    }

    void set(google::protobuf::Message& message, const Field& field, int depth) {
        const auto* to = message.GetReflection();
        switch (field.cpp_type()) {
            case Field::CPPTYPE_INT64:
                to->SetInt64(&message, &field, static_cast<int64_t>(number()));
                break;
            case Field::CPPTYPE_UINT64:
                to->SetUInt64(&message, &field, number());
                break;
            case Field::CPPTYPE_INT32:
                to->SetInt32(&message, &field, static_cast<int32_t>(number()));
                break;
            case Field::CPPTYPE_UINT32:
                to->SetUInt32(&message, &field, static_cast<uint32_t>(number()));
                break;
            case Field::CPPTYPE_BOOL:
                to->SetBool(&message, &field, below(2) == 0);
                break;
            case Field::CPPTYPE_ENUM:
                to->SetEnumValue(&message, &field, enumerator(field));
                break;
            case Field::CPPTYPE_STRING:
                to->SetString(&message, &field,
                              field.type() == Field::TYPE_BYTES ? bytes() : text());
                break;
            case Field::CPPTYPE_MESSAGE:
                fill(*to->MutableMessage(&message, &field), depth + 1);
                break;
            case Field::CPPTYPE_DOUBLE:
            case Field::CPPTYPE_FLOAT:
                break;
        }
    }

    void add(google::protobuf::Message& message, const Field& field, int depth) {
        const auto* to = message.GetReflection();
        if (field.cpp_type() == Field::CPPTYPE_MESSAGE) {
            fill(*to->AddMessage(&message, &field), depth + 1);
        } else if (field.cpp_type() == Field::CPPTYPE_ENUM) {
            to->AddEnumValue(&message, &field, enumerator(field));
        } else if (field.cpp_type() == Field::CPPTYPE_STRING) {
            to->AddString(&message, &field, field.type() == Field::TYPE_BYTES ? bytes() : text());
        }
    }

    std::mt19937_64 random_;
};

}  // namespace quorate::rpc
