// SPDX-License-Identifier: Apache-2.0
#include "manifest_check.h"

#include "file_name.h"
#include "plugin/cxx/crc32c.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <vector>

namespace quorate::leveldb_engine {

namespace {

using plugin::PosixFile;
using plugin::Result;
using plugin::Status;

// LevelDB's record format: blocks of 32 KiB, each with physical records of
// crc (4, masked, over type and data), length (2), type (1), data; what is left of a block and too
// short for a header is zeros. A logical record is one FULL, or FIRST, MIDDLE..., LAST.
constexpr size_t kBlockBytes = 32 << 10;
constexpr size_t kHeaderBytes = 7;
enum class Type : uint8_t { kFull = 1, kFirst = 2, kMiddle = 3, kLast = 4 };

uint32_t unmask(uint32_t masked) {
    const uint32_t rotated = masked - 0xa282ead8U;
    return (rotated >> 17) | (rotated << 15);
}

// The physical record at the beginning of `block`: its size, or 0 when it is not whole.
size_t physical_record_bytes(std::string_view block) {
    uint32_t masked = 0;
    uint16_t length = 0;
    std::memcpy(&masked, block.data(), sizeof masked);  // little endian, as all we run on
    std::memcpy(&length, block.data() + 4, sizeof length);
    if (kHeaderBytes + length > block.size()) {
        return 0;
    }
    const std::string_view checked = block.substr(6, 1 + size_t{length});
    return plugin::crc32c(checked) == unmask(masked) ? kHeaderBytes + length : 0;
}

// Whether a physical record of this type may follow, inside a logical record or outside of one.
bool fits(Type type, bool inside) {
    switch (type) {
        case Type::kFull:
        case Type::kFirst:
            return !inside;
        case Type::kMiddle:
        case Type::kLast:
            return inside;
    }
    return false;
}

// --- LevelDB's changes to a store: tags with what belongs to each. A comparator's name and the
// number of a log come first, in this order, where they are there; every change but a manifest's
// first has one.
constexpr uint64_t kComparatorTag = 1;
constexpr uint64_t kLogNumberTag = 2;
constexpr size_t kHeadBytes = 64;  // both fit into so many

bool take_varint(std::string_view& in, uint64_t& ret_number) {
    ret_number = 0;
    for (int shift = 0; shift < 64 && !in.empty(); shift += 7) {
        const auto byte = static_cast<uint8_t>(in[0]);
        in.remove_prefix(1);
        ret_number |= uint64_t{byte & 0x7fU} << shift;
        if (byte < 0x80) {
            return true;
        }
    }
    return false;
}

// The log that a change names by its first bytes, or 0.
uint64_t log_number(std::string_view head) {
    uint64_t tag = 0;
    uint64_t number = 0;
    if (!take_varint(head, tag)) {
        return 0;
    }
    if (tag == kComparatorTag) {
        if (!take_varint(head, number) || number > head.size()) {
            return 0;
        }
        head.remove_prefix(number);
        if (!take_varint(head, tag)) {
            return 0;
        }
    }
    return tag == kLogNumberTag && take_varint(head, number) ? number : 0;
}

Status damaged(const std::string& path, const std::string& what) {
    return {QUORATE_DATA_LOSS, path + ": " + what};
}

constexpr uint64_t kAllBytes = UINT64_MAX;
constexpr uint64_t kFirstManifest = 1;

// What must be whole of manifest `number`: all of one that is older than the mark's, because it was
// synced before its successor was begun.
uint64_t promised_bytes(const SyncedManifest& mark, uint64_t number) {
    if (number < mark.number) {
        return kAllBytes;
    }
    return number == mark.number ? mark.bytes : 0;
}

// What a LevelDB directory holds.
struct Listing {
    bool current = false;
    bool tables = false;
};

Result<Listing> list_files(const std::string& dir) {
    Listing listing;
    std::error_code error;
    std::filesystem::directory_iterator entry(dir, error);
    for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
        const FileName name = parse_file_name(entry->path().filename().string());
        listing.current = listing.current || name.kind == FileKind::kCurrent;
        listing.tables = listing.tables || name.kind == FileKind::kTable;
    }
    if (error) {
        return Status(QUORATE_INTERNAL, dir + ": " + error.message());
    }
    return listing;
}

// The manifest that CURRENT names.
Result<std::string> current_manifest(const std::string& dir) {
    Result<PosixFile> current = PosixFile::open(dir + "/CURRENT", O_RDONLY);
    if (!current) {
        return current.error();
    }
    char text[64] = {};
    Result<size_t> bytes = current->read_at(0, text, sizeof text);
    if (!bytes) {
        return bytes.error();
    }
    std::string_view name(text, *bytes);
    if (!name.ends_with('\n')) {
        return damaged(current->path(), "does not end with a line feed");
    }
    name.remove_suffix(1);
    if (parse_file_name(name).kind != FileKind::kManifest ||
        !std::filesystem::exists(dir + '/' + std::string(name))) {
        return damaged(current->path(), "names no manifest that is there");
    }
    return std::string(name);
}

// Cuts a torn tail.
Result<CheckedManifest> check_file(const std::string& path, uint64_t promised) {
    Result<PosixFile> file = PosixFile::open(path, O_RDWR);
    if (!file) {
        return file.error();
    }
    Result<RecordScan> scan = scan_records(*file);
    if (!scan) {
        return scan.error();
    }
    const bool whole = scan->whole_bytes == scan->file_bytes;
    if (promised == kAllBytes ? !whole : scan->whole_bytes < promised) {
        return damaged(path, "no whole record at byte " + std::to_string(scan->whole_bytes));
    }
    if (!whole) {
        for (const Status& s : {file->truncate(scan->whole_bytes), file->sync()}) {
            if (!s.ok()) {
                return s;
            }
        }
    }
    return CheckedManifest{scan->file_bytes - scan->whole_bytes, scan->log_number};
}

}  // namespace

Result<RecordScan> scan_records(const PosixFile& file) {
    Result<uint64_t> size = file.size();
    if (!size) {
        return size.error();
    }
    RecordScan scan{0, *size};
    std::vector<char> block(kBlockBytes);
    std::string head;  // of the logical record
    bool inside = false;
    for (uint64_t block_at = 0; block_at < *size; block_at += kBlockBytes) {
        Result<size_t> bytes = file.read_at(block_at, block.data(), block.size());
        if (!bytes) {
            return bytes.error();
        }
        std::string_view rest(block.data(), *bytes);
        while (rest.size() >= kHeaderBytes) {
            const size_t record_bytes = physical_record_bytes(rest);
            const Type type{static_cast<uint8_t>(rest[6])};
            if (record_bytes == 0 || !fits(type, inside)) {
                return scan;
            }
            const std::string_view data = rest.substr(0, record_bytes).substr(kHeaderBytes);
            head.append(data.substr(0, kHeadBytes - std::min(kHeadBytes, head.size())));
            rest.remove_prefix(record_bytes);
            inside = type == Type::kFirst || type == Type::kMiddle;
            if (!inside) {
                scan.whole_bytes = block_at + *bytes - rest.size();
                const uint64_t log = log_number(head);
                scan.log_number = log == 0 ? scan.log_number : log;
                head.clear();
            }
        }
        if (*bytes < kBlockBytes) {
            return scan;
        }
        // What is left of a full block is padding, and belongs to what came before it.
        if (!inside) {
            scan.whole_bytes = block_at + kBlockBytes;
        }
    }
    return scan;
}

Result<CheckedManifest> check_and_trim(const std::string& dir, const SyncMark& mark) {
    Result<Listing> listing = list_files(dir);
    if (!listing) {
        return listing.error();
    }
    const SyncedManifest synced = mark.manifest();
    if (!listing->current) {
        // The first manifest is there before CURRENT is, and the second with the first opening.
        if (!listing->tables && synced.number <= kFirstManifest) {
            return CheckedManifest{};
        }
        return damaged(dir + "/CURRENT", "missing");
    }
    Result<std::string> manifest = current_manifest(dir);
    if (!manifest) {
        return manifest.error();
    }
    return check_file(dir + '/' + *manifest,
                      promised_bytes(synced, parse_file_name(*manifest).number));
}

}  // namespace quorate::leveldb_engine
