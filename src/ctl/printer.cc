// SPDX-License-Identifier: Apache-2.0
#include "ctl/printer.h"

#include "ctl/go_json.h"
#include "ctl/go_text.h"
#include "kv.pb.h"
#include "rpc.pb.h"

#include <cstdio>
#include <utility>

namespace quorate::ctl {
namespace {

constexpr std::pair<std::string_view, Format> kFormats[] = {{"simple", Format::kSimple},
                                                            {"fields", Format::kFields},
                                                            {"json", Format::kJson},
                                                            {"protobuf", Format::kProtobuf},
                                                            {"table", Format::kTable}};

}  // namespace

std::optional<Format> parse_format(std::string_view name) {
    for (const auto& [known, format] : kFormats) {
        if (known == name) {
            return format;
        }
    }
    return std::nullopt;
}

Fields& Fields::raw(std::string_view name, std::string_view value) {
    text_ += "\"" + std::string(name) + "\" : " + std::string(value) + "\n";
    return *this;
}

Fields& Fields::quoted(std::string_view name, ByteView value) {
    return raw(name, go_quote(value));
}

Fields& Fields::member_id(std::string_view name, uint64_t id) {
    return raw(name, hex_ids_ ? ctl::hex(id) : std::to_string(id));
}

Fields& Fields::lease_id(std::string_view name, int64_t id) {
    return raw(name, hex_ids_ ? hex16(static_cast<uint64_t>(id)) : std::to_string(id));
}

Fields& Fields::line(std::string_view text) {
    text_ += std::string(text) + "\n";
    return *this;
}

// The revision is that of the keys, and missing where the answer is not about them.
Fields& Fields::header(const etcdserverpb::ResponseHeader& header) {
    member_id("ClusterID", header.cluster_id());
    member_id("MemberID", header.member_id());
    if (header.revision() > 0) {
        number("Revision", header.revision());
    }
    return raw("RaftTerm", std::to_string(header.raft_term()));
}

Fields& Fields::key_value(std::string_view prefix, const mvccpb::KeyValue& kv) {
    const std::string before(prefix);
    quoted(before + "Key", kv.key());
    number(before + "CreateRevision", kv.create_revision());
    number(before + "ModRevision", kv.mod_revision());
    number(before + "Version", kv.version());
    quoted(before + "Value", kv.value());
    return lease_id(before + "Lease", kv.lease());
}

Exit Printer::unsupported() const {
    for (const auto& [name, format] : kFormats) {
        if (format == format_) {
            return {ExitCode::kBadFeature, std::string(name) + " not supported as output format"};
        }
    }
    return {};
}

Exit Printer::show(const google::protobuf::Message& message, const Look& look) const {
    return show(&message, look);
}

Exit Printer::show(const Look& look) const {
    return show(nullptr, look);
}

Exit Printer::show(const google::protobuf::Message* message, const Look& look) const {
    switch (format_) {
        case Format::kSimple:
            if (!look.simple) {
                return unsupported();
            }
            say(look.simple());
            return {};
        case Format::kFields: {
            if (!look.fields) {
                return unsupported();
            }
            Fields fields(hex_);
            look.fields(fields);
            say(fields.done());
            return {};
        }
        case Format::kTable:
            if (!look.table) {
                return unsupported();
            }
            say(look.table().draw());
            return {};
        case Format::kJson:
            if (!look.json && message == nullptr) {
                return unsupported();
            }
            say((look.json ? look.json() : go_json(*message)) + "\n");
            return {};
        case Format::kProtobuf:
            if (!look.protobuf && message == nullptr) {
                return unsupported();
            }
            say(look.protobuf ? look.protobuf() : message->SerializeAsString());
            return {};
    }
    return {};
}

void Printer::say(std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    // Whoever reads a watch or a lock through a pipe must not wait for a full buffer.
    std::fflush(stdout);
}

std::string Printer::key_value(const mvccpb::KeyValue& kv) const {
    std::string text;
    if (!value_only_) {
        text += (hex_ ? hex_escaped(kv.key()) : kv.key()) + "\n";
    }
    return text + (hex_ ? hex_escaped(kv.value()) : kv.value()) + "\n";
}

}  // namespace quorate::ctl
