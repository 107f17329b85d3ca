// SPDX-License-Identifier: Apache-2.0
//
// Where answers go: standard output, in the format that --write-out asks for. The texts are
// etcdctl's, byte for byte. One thread.
#pragma once

#include "base/bytes.h"
#include "ctl/exit.h"
#include "ctl/table.h"

#include <google/protobuf/message.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace etcdserverpb {
class ResponseHeader;
}
namespace mvccpb {
class KeyValue;
}

namespace quorate::ctl {

enum class Format : uint8_t { kSimple, kFields, kJson, kProtobuf, kTable };

std::optional<Format> parse_format(std::string_view name);

// The lines `"Name" : value`.
class Fields {
  public:
    explicit Fields(bool hex_ids) : hex_ids_(hex_ids) {}

    Fields& header(const etcdserverpb::ResponseHeader& header);
    Fields& raw(std::string_view name, std::string_view value);
    Fields& number(std::string_view name, int64_t value) {
        return raw(name, std::to_string(value));
    }
    Fields& quoted(std::string_view name, ByteView value);
    Fields& boolean(std::string_view name, bool value) {
        return raw(name, value ? "true" : "false");
    }
    Fields& member_id(std::string_view name, uint64_t id);
    Fields& lease_id(std::string_view name, int64_t id);
    Fields& key_value(std::string_view prefix, const mvccpb::KeyValue& kv);
    Fields& line(std::string_view text = {});
    const std::string& done() const { return text_; }

  private:
    const bool hex_ids_;
    std::string text_;
};

// How one answer looks in each format; what is missing is not supported for it. `json` and
// `protobuf` stand for the message itself unless they are given.
struct Look {
    std::function<std::string()> simple;
    std::function<void(Fields&)> fields = nullptr;
    std::function<Table()> table = nullptr;
    std::function<std::string()> json = nullptr;
    std::function<std::string()> protobuf = nullptr;
};

class Printer {
  public:
    Printer(Format format, bool hex) : format_(format), hex_(hex) {}

    Format format() const { return format_; }
    bool hex() const { return hex_; }
    // get --print-value-only.
    void set_value_only() { value_only_ = true; }

    Exit show(const google::protobuf::Message& message, const Look& look) const;
    // For what is no message: no protobuf, and JSON only when it is given.
    Exit show(const Look& look) const;
    // Another text for people, in whatever format.
    static void say(std::string_view text);

    // Key and value, a line each.
    std::string key_value(const mvccpb::KeyValue& kv) const;

  private:
    Exit unsupported() const;
    Exit show(const google::protobuf::Message* message, const Look& look) const;

    const Format format_;
    const bool hex_;
    bool value_only_ = false;
};

}  // namespace quorate::ctl
