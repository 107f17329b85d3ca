// SPDX-License-Identifier: Apache-2.0
#include "rpc/json_writer.h"

#include "base/errors.h"
#include "rpc/utf8.h"
#include "wire/proto_writer.h"

#include <array>
#include <charconv>
#include <utility>

namespace quorate::rpc {
namespace {

constexpr ByteView kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr ByteView kHex = "0123456789abcdef";
constexpr ByteView kReplacement = "\xef\xbf\xbd";

template <typename Number>
void append_number(Number value, std::string& out) {
    std::array<char, 24> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value);
    out.append(digits.data(), static_cast<size_t>(end.ptr - digits.data()));
}

template <typename Number>
void append_quoted(Number value, std::string& out) {
    out.push_back('"');
    append_number(value, out);
    out.push_back('"');
}

void append_base64(ByteView bytes, std::string& out) {
    const size_t start = out.size();
    out.resize(start + (bytes.size() + 2) / 3 * 4 + 2, '=');
    char* to = out.data() + start;
    *to++ = '"';
    size_t i = 0;
    const auto byte = [&bytes](size_t at) {
        return static_cast<uint32_t>(static_cast<unsigned char>(bytes[at]));
    };
    for (; i + 3 <= bytes.size(); i += 3) {
        const uint32_t group = (byte(i) << 16) | (byte(i + 1) << 8) | byte(i + 2);
        *to++ = kBase64[group >> 18];
        *to++ = kBase64[(group >> 12) & 63];
        *to++ = kBase64[(group >> 6) & 63];
        *to++ = kBase64[group & 63];
    }
    const size_t rest = bytes.size() - i;
    if (rest > 0) {
        const uint32_t group = (byte(i) << 16) | (rest == 2 ? byte(i + 1) << 8 : 0);
        to[0] = kBase64[group >> 18];
        to[1] = kBase64[(group >> 12) & 63];
        if (rest == 2) {
            to[2] = kBase64[(group >> 6) & 63];
        }
    }
    out.back() = '"';
}

void append_escaped(char c, std::string& out) {
    switch (c) {
        case '"':
            out += "\\\"";
            return;
        case '\\':
            out += "\\\\";
            return;
        case '\b':
            out += "\\b";
            return;
        case '\f':
            out += "\\f";
            return;
        case '\n':
            out += "\\n";
            return;
        case '\r':
            out += "\\r";
            return;
        case '\t':
            out += "\\t";
            return;
        default:
            break;
    }
    const auto value = static_cast<unsigned char>(c);
    out += "\\u00";
    out.push_back(kHex[value >> 4]);
    out.push_back(kHex[value & 15]);
}

// Takes an encoded message apart.
class FieldReader {
  public:
    explicit FieldReader(ByteView bytes) : rest_(bytes) {}

    struct Field {
        uint32_t number = 0;
        uint32_t wire_type = 0;
        uint64_t value = 0;  // of a varint
        ByteView bytes;      // of a length-delimited field
    };

    bool done() const { return rest_.empty(); }

    // False when the bytes are no message.
    bool next(Field& field) {
        uint64_t tag = 0;
        if (!varint(tag) || (tag >> 3) == 0 || (tag >> 3) > UINT32_MAX) {
            return false;
        }
        field.number = static_cast<uint32_t>(tag >> 3);
        field.wire_type = static_cast<uint32_t>(tag & 7);
        if (field.wire_type == wire::kVarint) {
            return varint(field.value);
        }
        if (field.wire_type != wire::kLengthDelimited) {
            return false;  // etcd's messages have no field of fixed width
        }
        uint64_t size = 0;
        if (!varint(size) || size > rest_.size()) {
            return false;
        }
        field.bytes = rest_.substr(0, static_cast<size_t>(size));
        rest_.remove_prefix(static_cast<size_t>(size));
        return true;
    }

    bool varint(uint64_t& value) {
        value = 0;
        for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
            const auto byte = static_cast<unsigned char>(rest_.front());
            rest_.remove_prefix(1);
            value |= static_cast<uint64_t>(byte & 0x7f) << shift;
            if (byte < 0x80) {
                return true;
            }
        }
        return false;
    }

  private:
    ByteView rest_;
};

bool is_varint(JsonKind kind) {
    return kind != JsonKind::kString && kind != JsonKind::kBytes && kind != JsonKind::kMessage;
}

void append_scalar(const JsonField& schema, uint64_t value, std::string& out) {
    switch (schema.kind) {
        case JsonKind::kInt64:
            append_quoted(static_cast<int64_t>(value), out);
            return;
        case JsonKind::kUint64:
            append_quoted(value, out);
            return;
        case JsonKind::kInt32:
            append_number(static_cast<int32_t>(value), out);
            return;
        case JsonKind::kUint32:
            append_number(static_cast<uint32_t>(value), out);
            return;
        case JsonKind::kBool:
            out += value != 0 ? "true" : "false";
            return;
        case JsonKind::kEnum: {
            const auto number = static_cast<int32_t>(value);
            const auto known = schema.values->names.find(number);
            if (known == schema.values->names.end()) {
                append_number(number, out);
            } else {
                append_json_string(known->second, out);
            }
            return;
        }
        case JsonKind::kString:
        case JsonKind::kBytes:
        case JsonKind::kMessage:
            break;
    }
    QUORATE_ASSERT(false && "not a scalar");
}

// Writes one object, field by field as they come.
class ObjectWriter {
  public:
    ObjectWriter(const JsonMessage& schema, std::string& out) : schema_(schema), out_(out) {}

    Status write(ByteView encoded) {
        out_.push_back('{');
        FieldReader reader(encoded);
        FieldReader::Field field;
        while (!reader.done()) {
            if (!reader.next(field)) {
                return malformed();
            }
            const JsonField* known = schema_.find(field.number);
            if (known == nullptr) {
                continue;
            }
            if (Status s = take(*known, field); !s.ok()) {
                return s;
            }
        }
        close_list();
        out_.push_back('}');
        return {};
    }

  private:
    Status malformed() const {
        return {errors::kInternal, "malformed " + schema_.name + " message in an answer"};
    }

    Status take(const JsonField& known, const FieldReader::Field& field) {
        const bool varint = field.wire_type == wire::kVarint;
        const bool packed = known.repeated && is_varint(known.kind) && !varint;
        if (!packed && varint != is_varint(known.kind)) {
            return malformed();
        }
        const bool in_order =
            known.number > last_number_ || (known.number == last_number_ && known.repeated);
        if (!in_order) {
            return malformed();
        }
        last_number_ = known.number;
        if (packed) {
            FieldReader values(field.bytes);
            while (!values.done()) {
                FieldReader::Field one{field.number, wire::kVarint, 0, {}};
                if (!values.varint(one.value)) {
                    return malformed();
                }
                if (Status s = append(known, one); !s.ok()) {
                    return s;
                }
            }
            return {};
        }
        const bool is_default =
            varint ? field.value == 0 : known.kind != JsonKind::kMessage && field.bytes.empty();
        if (is_default && !known.repeated && known.oneof < 0) {
            return {};  // written out by somebody, and the same as not there
        }
        return append(known, field);
    }

    Status append(const JsonField& known, const FieldReader::Field& field) {
        if (open_list_ == &known) {
            out_.push_back(',');
        } else {
            close_list();
            if (std::exchange(any_, true)) {
                out_.push_back(',');
            }
            out_.push_back('"');
            out_ += known.name;
            out_ += "\":";
            if (known.repeated) {
                out_.push_back('[');
                open_list_ = &known;
            }
        }
        if (field.wire_type == wire::kVarint) {
            append_scalar(known, field.value, out_);
        } else if (known.kind == JsonKind::kMessage) {
            return append_json(*known.message, field.bytes, out_);
        } else if (known.kind == JsonKind::kBytes) {
            append_base64(field.bytes, out_);
        } else {
            append_json_string(field.bytes, out_);
        }
        return {};
    }

    void close_list() {
        if (std::exchange(open_list_, nullptr) != nullptr) {
            out_.push_back(']');
        }
    }

    const JsonMessage& schema_;
    std::string& out_;
    const JsonField* open_list_ = nullptr;
    uint32_t last_number_ = 0;
    bool any_ = false;
};

}  // namespace

Status append_json(const JsonMessage& schema, ByteView encoded, std::string& out) {
    return ObjectWriter(schema, out).write(encoded);
}

void append_json_string(ByteView text, std::string& out) {
    out.push_back('"');
    while (!text.empty()) {
        const char c = text.front();
        if (static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\') {
            append_escaped(c, out);
            text.remove_prefix(1);
            continue;
        }
        const size_t size = utf8_size(text);
        out += size == 0 ? kReplacement : text.substr(0, size);
        text.remove_prefix(size == 0 ? 1 : size);
    }
    out.push_back('"');
}

}  // namespace quorate::rpc
