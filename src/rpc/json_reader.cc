// SPDX-License-Identifier: Apache-2.0
#include "rpc/json_reader.h"

#include "base/errors.h"
#include "rpc/json_scan.h"
#include "rpc/json_values.h"
#include "rpc/utf8.h"
#include "wire/proto_writer.h"

#include <bitset>
#include <limits>
#include <optional>
#include <string>

namespace quorate::rpc {
namespace {

constexpr size_t kFieldsMax = 64;  // of one message

using Seen = std::bitset<kFieldsMax>;

template <typename Number>
bool fits(std::optional<int64_t> value) {
    return value && *value >= std::numeric_limits<Number>::min() &&
           *value <= std::numeric_limits<Number>::max();
}

// Walks one value whose syntax is known to be right.
class Converter {
  public:
    explicit Converter(ByteView text) : text_(text) {}

    Status object(const JsonMessage& schema, Bytes& out) {
        if (peek() != '{') {
            return unexpected(value());
        }
        if (++depth_ > kJsonMessageDepthMax) {
            return error(at_, "exceeded max recursion depth");
        }
        QUORATE_ASSERT(schema.fields.size() <= kFieldsMax);
        Seen fields;
        Seen oneofs;
        ++at_;
        while (peek() != '}') {
            if (text_[at_] == ',') {
                ++at_;
                skip_space();
            }
            if (Status s = member(schema, fields, oneofs, out); !s.ok()) {
                return s;
            }
        }
        ++at_;
        --depth_;
        return {};
    }

  private:
    Status member(const JsonMessage& schema, Seen& fields, Seen& oneofs, Bytes& out) {
        const ByteView name = value();
        const auto decoded = json_text(name);
        if (!decoded) {
            return bad_string(name);
        }
        const JsonField* field = schema.find(*decoded);
        peek();
        ++at_;  // the colon
        skip_space();
        if (field == nullptr) {
            value();
            return {};
        }
        const auto index = static_cast<size_t>(field - schema.fields.data());
        if (fields.test(index)) {
            return error(offset_of(name), "duplicate field " + std::string(name));
        }
        fields.set(index);
        if (text_[at_] == 'n') {
            value();
            return {};
        }
        if (field->repeated) {
            return list(*field, out);
        }
        if (field->oneof >= 0) {
            const auto oneof = static_cast<size_t>(field->oneof);
            if (oneofs.test(oneof)) {
                return error(offset_of(name), "error parsing " + std::string(name) + ", oneof " +
                                                  schema.oneofs[oneof] + " is already set");
            }
            oneofs.set(oneof);
        }
        return single(*field, field->oneof >= 0, out);
    }

    Status list(const JsonField& field, Bytes& out) {
        if (text_[at_] != '[') {
            return unexpected(value());
        }
        ++at_;
        while (peek() != ']') {
            if (text_[at_] == ',') {
                ++at_;
                skip_space();
            }
            if (Status s = single(field, true, out); !s.ok()) {
                return s;
            }
        }
        ++at_;
        return {};
    }

    // `explicitly`: a zero is written as well.
    Status single(const JsonField& field, bool explicitly, Bytes& out) {
        if (field.kind == JsonKind::kMessage) {
            Bytes inner;
            if (Status s = object(*field.message, inner); !s.ok()) {
                return s;
            }
            wire::append_message(out, field.number, inner);
            return {};
        }
        const ByteView written = value();
        if (field.kind == JsonKind::kString || field.kind == JsonKind::kBytes) {
            return text(field, written, explicitly, out);
        }
        bool ignored = false;
        const std::optional<uint64_t> number = scalar(field, written, ignored);
        if (ignored) {
            return {};
        }
        if (!number) {
            return invalid(field, written);
        }
        if (*number != 0 || explicitly) {
            wire::append_tag(out, field.number, wire::kVarint);
            wire::append_varint(out, *number);
        }
        return {};
    }

    Status text(const JsonField& field, ByteView written, bool explicitly, Bytes& out) const {
        if (!written.starts_with('"')) {
            return invalid(field, written);
        }
        const bool is_bytes = field.kind == JsonKind::kBytes;
        const auto content = is_bytes ? json_bytes(written) : json_text(written);
        if (!content) {
            return is_bytes ? invalid(field, written) : bad_string(written);
        }
        if (!content->empty() || explicitly) {
            wire::append_message(out, field.number, *content);
        }
        return {};
    }

    // As it stands in a varint.
    static std::optional<uint64_t> scalar(const JsonField& field, ByteView written,
                                          bool& ret_ignored) {
        const auto as_varint = [](std::optional<int64_t> value) -> std::optional<uint64_t> {
            return value ? std::optional(static_cast<uint64_t>(*value)) : std::nullopt;
        };
        switch (field.kind) {
            case JsonKind::kInt64:
                return as_varint(json_int64(written));
            case JsonKind::kUint64:
                return json_uint64(written);
            case JsonKind::kInt32: {
                const auto value = json_int64(written);
                return fits<int32_t>(value) ? as_varint(value) : std::nullopt;
            }
            case JsonKind::kUint32: {
                const auto value = json_int64(written);
                return fits<uint32_t>(value) ? as_varint(value) : std::nullopt;
            }
            case JsonKind::kBool:
                if (written == "true" || written == "false") {
                    return written == "true" ? 1 : 0;
                }
                return std::nullopt;
            case JsonKind::kEnum:
                return enumerator(field, written, ret_ignored);
            case JsonKind::kString:
            case JsonKind::kBytes:
            case JsonKind::kMessage:
                break;
        }
        return std::nullopt;
    }

    static std::optional<uint64_t> enumerator(const JsonField& field, ByteView written,
                                              bool& ret_ignored) {
        if (written.starts_with('"')) {
            const auto name = json_text(written);
            if (!name) {
                return std::nullopt;
            }
            const auto known = field.values->numbers.find(*name);
            ret_ignored = known == field.values->numbers.end();
            return ret_ignored ? 0 : static_cast<uint64_t>(known->second);
        }
        const auto value = json_int64(written);
        return fits<int32_t>(value) ? std::optional(static_cast<uint64_t>(*value)) : std::nullopt;
    }

    // The whole value at at_, which is then behind it.
    ByteView value() {
        ByteView rest = text_.substr(at_);
        const auto found = take_json_value(rest);
        QUORATE_ASSERT(found && *found);
        at_ = text_.size() - rest.size();
        return **found;
    }

    char peek() {
        skip_space();
        return text_[at_];
    }

    void skip_space() {
        while (is_json_space(text_[at_])) {
            ++at_;
        }
    }

    size_t offset_of(ByteView part) const {
        return static_cast<size_t>(part.data() - text_.data());
    }

    Status invalid(const JsonField& field, ByteView written) const {
        return error(offset_of(written), "invalid value for " + std::string(kind_name(field.kind)) +
                                             " field " + field.json_name + ": " +
                                             std::string(shortened(written)));
    }

    Status unexpected(ByteView written) const {
        const bool compound = written.front() == '{' || written.front() == '[';
        return syntax(written, "unexpected token " + std::string(compound ? written.substr(0, 1)
                                                                          : shortened(written)));
    }

    Status bad_string(ByteView written) const {
        return syntax(written, "invalid UTF-8 or escape code in string");
    }

    Status syntax(ByteView written, const std::string& what) const {
        return {errors::kInvalidArgument,
                "proto: syntax error " + position(offset_of(written)) + ": " + what};
    }

    Status error(size_t offset, const std::string& what) const {
        return {errors::kInvalidArgument, "proto: " + position(offset) + ": " + what};
    }

    std::string position(size_t offset) const {
        size_t line = 1;
        size_t column = 1;
        for (size_t i = 0; i < offset; ++i) {
            if (text_[i] == '\n') {
                ++line;
                column = 1;
            } else if ((static_cast<unsigned char>(text_[i]) & 0xc0) != 0x80) {
                ++column;
            }
        }
        return "(line " + std::to_string(line) + ":" + std::to_string(column) + ")";
    }

    // An answer repeats what it complains of, but not a megabyte of it, and ends between
    // characters.
    static ByteView shortened(ByteView written) {
        constexpr size_t kEchoBytesMax = 256;
        size_t size = 0;
        while (size < written.size() && size < kEchoBytesMax) {
            const size_t character = utf8_size(written.substr(size));
            size += character == 0 ? 1 : character;
        }
        return written.substr(0, size);
    }

    const ByteView text_;
    size_t at_ = 0;
    int depth_ = 0;
};

}  // namespace

Result<Bytes> json_to_message(const JsonMessage& schema, ByteView object) {
    Bytes out;
    if (Status s = Converter(object).object(schema, out); !s.ok()) {
        return s;
    }
    return out;
}

}  // namespace quorate::rpc
