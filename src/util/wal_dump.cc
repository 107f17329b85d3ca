// SPDX-License-Identifier: Apache-2.0
#include "base/errors.h"
#include "base/log_line.h"
#include "cluster/member.h"
#include "command.pb.h"
#include "util/commands.h"
#include "util/data_dir.h"
#include "util/report.h"
#include "wal/reader.h"
#include "wal/recovery.h"

#include <cstdio>
#include <limits>

namespace quorate::util {
namespace {

// Of one request; values may be a megabyte.
constexpr size_t kTextBytesMax = 200;

constexpr OptionSpec kDumpSpecs[] = {
    {"from", "INDEX", "leave out entries before this one"},
    {"limit", "N", "stop after so many entries"},
};

struct Window {
    uint64_t from = 0;
    uint64_t left = 0;  // entries still to be printed
};

std::string entry_kind(const raft::Entry& entry, std::string& text) {
    if (entry.data().empty()) {
        return entry.type == raft::EntryType::kNormal ? "empty" : "leave-joint";
    }
    if (entry.type == raft::EntryType::kConfChange) {
        return "conf-change";
    }
    wire::Command command;
    if (!command.ParseFromArray(entry.data().data(), static_cast<int>(entry.data().size()))) {
        return "unreadable";
    }
    const google::protobuf::Message& message = command;
    const auto* reflection = message.GetReflection();
    const auto* field = reflection->GetOneofFieldDescriptor(
        message, message.GetDescriptor()->FindOneofByName("request"));
    if (field == nullptr) {
        return "unknown";
    }
    // Password hashes are in those of auth.
    if (!field->name().starts_with("auth")) {
        text = reflection->GetMessage(message, field).ShortDebugString();
        if (text.size() > kTextBytesMax) {
            text = text.substr(0, kTextBytesMax) + "...";
        }
    }
    return field->name();
}

void print_entry(const raft::Entry& entry, bool json) {
    std::string text;
    const std::string kind = entry_kind(entry, text);
    if (!json) {
        std::printf("    %llu/%llu %s, %zu bytes%s%s\n",
                    static_cast<unsigned long long>(entry.id.term),
                    static_cast<unsigned long long>(entry.id.index), kind.c_str(),
                    entry.data().size(), text.empty() ? "" : ": ", text.c_str());
        return;
    }
    std::string escaped;
    log::append_escaped(escaped, text);
    std::printf("{\"term\":%llu,\"index\":%llu,\"kind\":\"%s\",\"bytes\":%zu,\"request\":\"%s\"}\n",
                static_cast<unsigned long long>(entry.id.term),
                static_cast<unsigned long long>(entry.id.index), kind.c_str(), entry.data().size(),
                escaped.c_str());
}

const char* frame_kind(wal::FrameKind kind) {
    switch (kind) {
        case wal::FrameKind::kBatch:
            return "batch";
        case wal::FrameKind::kSeal:
            return "seal";
        case wal::FrameKind::kClose:
            return "close";
    }
    return "?";
}

void print_frame(const wal::Frame& frame) {
    std::string text = "  offset " + std::to_string(frame.offset) + ": " +
                       frame_kind(frame.header.kind) + ", " +
                       std::to_string(frame.header.total_bytes()) + " bytes";
    const auto id = [](const raft::EntryId& at) {
        return std::to_string(at.term) + "/" + std::to_string(at.index);
    };
    if (frame.content.carry) {
        text += ", carries mark " + id(frame.content.carry->mark) + " and end " +
                id(frame.content.carry->last);
    }
    if (frame.content.hard_state) {
        text += ", term " + std::to_string(frame.content.hard_state->term) + ", vote " +
                cluster::format_id(frame.content.hard_state->vote) + ", commit " +
                std::to_string(frame.content.hard_state->commit);
    }
    if (frame.content.mark) {
        text += ", mark " + id(frame.content.mark->id);
    }
    std::printf("%s\n", text.c_str());
}

// False when enough was printed.
Result<bool> dump_segment(FileSystem& fs, const std::string& path, bool json, Window& window) {
    auto reader = wal::SegmentReader::open(fs, path);
    if (!reader) {
        return reader.error();
    }
    if (!json) {
        std::printf("%s: cluster %s, member %s, segment %llu\n", path.c_str(),
                    cluster::format_id(reader->header().identity.cluster_id).c_str(),
                    cluster::format_id(reader->header().identity.member_id).c_str(),
                    static_cast<unsigned long long>(reader->header().sequence));
    }
    while (true) {
        const auto frame = reader->next(0);
        if (!frame) {
            return frame.error();
        }
        if (!frame->has_value()) {
            break;
        }
        if (!json) {
            print_frame(**frame);
        }
        for (const raft::Entry& entry : (*frame)->content.entries) {
            if (entry.id.index < window.from) {
                continue;
            }
            if (window.left == 0) {
                return false;
            }
            --window.left;
            print_entry(entry, json);
        }
    }
    const auto tail = reader->inspect_tail();
    if (!tail) {
        return tail.error();
    }
    if (tail->vouched_by) {
        return wal::damaged_at(path, reader->position().offset,
                               "the frame at " + std::to_string(*tail->vouched_by) +
                                   " was written when this was on the disk");
    }
    if (!json && tail->clean_from > reader->position().offset) {
        std::printf("  offset %llu: an unfinished write, up to %llu\n",
                    static_cast<unsigned long long>(reader->position().offset),
                    static_cast<unsigned long long>(tail->clean_from));
    }
    return true;
}

// Of --wal-dir alone, or of a data directory, which is then locked.
Status dump(FileSystem& fs, const std::string& dir, bool json, Window window) {
    const auto segments = wal::list_segments(fs, dir);
    if (!segments) {
        return segments.error();
    }
    for (const std::string& name : *segments) {
        const auto more = dump_segment(fs, dir + "/" + name, json, window);
        if (!more) {
            return more.error();
        }
        if (!*more) {
            return {};
        }
    }
    return {};
}

Status run_dump(const Invocation& invocation) {
    const auto format = format_of(invocation);
    if (!format) {
        return format.error();
    }
    if (*format != Format::kSimple && *format != Format::kJson) {
        return {errors::kUsage, "wal dump prints simple or json, which --write-out chooses"};
    }
    const auto from = invocation.number("from", 0);
    if (!from) {
        return from.error();
    }
    const auto limit = invocation.number("limit", std::numeric_limits<int64_t>::max());
    if (!limit) {
        return limit.error();
    }
    const Window window{static_cast<uint64_t>(*from), static_cast<uint64_t>(*limit)};
    const bool json = *format == Format::kJson;
    if (invocation.given("wal-dir") && !invocation.given("data-dir")) {
        const auto fs = make_posix_file_system();
        return dump(*fs, std::string(invocation.text("wal-dir")), json, window);
    }
    // The log alone is asked for: whichever engine there is, or none.
    Invocation any = invocation;
    if (!any.given("storage")) {
        any.options["storage"] = "mem";
    }
    auto data = DataDir::open(any);
    if (!data) {
        return data.error();
    }
    return dump((*data)->fs(), (*data)->paths().wal_dir, json, window);
}

const std::span<const OptionSpec> kOptions[] = {kDumpSpecs, kDataOptions, kCommonOptions};

}  // namespace

const Command kWalDump = {
    .name = "wal dump",
    .summary = "Prints the write-ahead log, frame by frame and entry by entry.",
    .details =
        "Entries are TERM/INDEX, what they ask for, and the request's text, cut where it is\n"
        "long. In json, one object per entry. With --wal-dir alone the log of a running\n"
        "server can be read; its last frames may then be half written.",
    .options = kOptions,
    .run = run_dump,
};

}  // namespace quorate::util
