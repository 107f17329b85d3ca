// SPDX-License-Identifier: Apache-2.0
#include "wal/frame.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "base/errors.h"

#include <algorithm>
#include <cstring>
#include <memory>

namespace quorate::wal {
namespace {

constexpr uint16_t kPartCarry = 1;
constexpr uint16_t kPartHardState = 2;
constexpr uint16_t kPartMark = 4;
constexpr uint16_t kPartEntries = 8;
constexpr uint16_t kPartsAll = 15;

constexpr size_t kCarryBytes = 32;
constexpr size_t kHardStateBytes = 24;
constexpr size_t kMarkFixedBytes = 16;
constexpr size_t kEntriesFixedBytes = 12;
constexpr size_t kEntryFixedBytes = 13;

// Memory is kept for the next frame up to this; a single huge entry must not be paid for ever.
constexpr size_t kKeepBytesMax = 2 * kFrameBytesTarget;

constexpr uint64_t round_up_to_block(uint64_t bytes) {
    return (bytes + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
}

uint32_t checksum_start(uint64_t salt, uint64_t offset) {
    char raw[16];
    store_le64(raw, salt);
    store_le64(raw + 8, offset);
    return crc32c(ByteView(raw, sizeof raw));
}

constexpr size_t kChecksummedFrom = 8;  // behind tag and crc

size_t list_bytes(const std::vector<raft::MemberId>& ids) {
    return 4 + 8 * ids.size();
}

size_t mark_bytes(const Mark& mark) {
    const raft::Configuration& c = mark.configuration;
    return kMarkFixedBytes + list_bytes(c.voters) + list_bytes(c.voters_outgoing) +
           list_bytes(c.learners) + list_bytes(c.learners_next);
}

uint64_t payload_bytes(const Batch& batch, bool with_carry) {
    uint64_t bytes = with_carry ? kCarryBytes : 0;
    if (batch.hard_state) {
        bytes += kHardStateBytes;
    }
    if (batch.mark) {
        bytes += mark_bytes(*batch.mark);
    }
    if (!batch.entries.empty()) {
        bytes += kEntriesFixedBytes;
        for (const raft::Entry& entry : batch.entries) {
            bytes += encoded_entry_bytes(entry);
        }
    }
    return bytes;
}

// Writes into memory that was measured before.
class Encoder {
  public:
    explicit Encoder(char* at) : at_(at) {}

    char* at() const { return at_; }

    void u8(uint8_t value) { *at_++ = static_cast<char>(value); }
    void u16(uint16_t value) {
        u8(static_cast<uint8_t>(value & 0xff));
        u8(static_cast<uint8_t>(value >> 8));
    }
    void u32(uint32_t value) {
        store_le32(at_, value);
        at_ += 4;
    }
    void u64(uint64_t value) {
        store_le64(at_, value);
        at_ += 8;
    }
    void bytes(ByteView data) {
        if (!data.empty()) {
            std::memcpy(at_, data.data(), data.size());
            at_ += data.size();
        }
    }
    void id(const raft::EntryId& id) {
        u64(id.term);
        u64(id.index);
    }
    void list(const std::vector<raft::MemberId>& ids) {
        u32(static_cast<uint32_t>(ids.size()));
        for (const raft::MemberId member : ids) {
            u64(member);
        }
    }
    void mark(const Mark& mark) {
        id(mark.id);
        list(mark.configuration.voters);
        list(mark.configuration.voters_outgoing);
        list(mark.configuration.learners);
        list(mark.configuration.learners_next);
    }
    void entries(std::span<const raft::Entry> entries) {
        u64(entries.front().id.index);
        u32(static_cast<uint32_t>(entries.size()));
        for (const raft::Entry& entry : entries) {
            const ByteView data = entry.data();
            u64(entry.id.term);
            u8(static_cast<uint8_t>(entry.type));
            u32(static_cast<uint32_t>(data.size()));
            bytes(data);
        }
    }

  private:
    char* at_;
};

uint16_t parts_of(const Batch& batch, bool with_carry) {
    return static_cast<uint16_t>(
        (with_carry ? kPartCarry : 0) | (batch.hard_state ? kPartHardState : 0) |
        (batch.mark ? kPartMark : 0) | (batch.entries.empty() ? 0 : kPartEntries));
}

// Reads what may be anything. After the first read beyond the end all reads give zero and ok() is
// false.
class Decoder {
  public:
    explicit Decoder(ByteView data) : data_(data) {}

    bool ok() const { return ok_; }
    bool at_end() const { return data_.empty(); }
    size_t left() const { return data_.size(); }

    ByteView bytes(size_t count) {
        if (count > data_.size()) {
            ok_ = false;
            data_ = {};
            return {};
        }
        const ByteView taken = data_.substr(0, count);
        data_.remove_prefix(count);
        return taken;
    }
    uint8_t u8() {
        const ByteView raw = bytes(1);
        return raw.empty() ? uint8_t{0} : static_cast<uint8_t>(raw[0]);
    }
    uint32_t u32() {
        const ByteView raw = bytes(4);
        return raw.empty() ? 0 : load_le32(raw.data());
    }
    uint64_t u64() {
        const ByteView raw = bytes(8);
        return raw.empty() ? 0 : load_le64(raw.data());
    }
    raft::EntryId id() {
        raft::EntryId id;
        id.term = u64();
        id.index = u64();
        return id;
    }
    std::vector<raft::MemberId> list() {
        const uint32_t count = u32();
        std::vector<raft::MemberId> ids;
        if (count > left() / 8) {
            ok_ = false;
            return ids;
        }
        ids.reserve(count);
        for (uint32_t i = 0; i < count; ++i) {
            ids.push_back(u64());
        }
        return ids;
    }

  private:
    ByteView data_;
    bool ok_ = true;
};

Status malformed(const char* what) {
    return {errors::kDamaged, what};
}

Status decode_entries(Decoder& in, uint64_t entries_above, std::vector<raft::Entry>& out) {
    const uint64_t first = in.u64();
    const uint32_t count = in.u32();
    if (!in.ok() || count == 0 || count > in.left() / kEntryFixedBytes ||
        first > UINT64_MAX - count) {
        return malformed("entries with an impossible count");
    }
    if (first == 0) {
        return malformed("an entry at index 0, where a log has none");
    }
    out.reserve(count);
    for (uint32_t i = 0; i < count; ++i) {
        raft::Entry entry;
        entry.id = {.term = in.u64(), .index = first + i};
        const uint8_t type = in.u8();
        const ByteView data = in.bytes(in.u32());
        if (!in.ok()) {
            return malformed("an entry that goes beyond its frame");
        }
        if (type > static_cast<uint8_t>(raft::EntryType::kConfChange)) {
            return malformed("an entry of unknown type");
        }
        entry.type = static_cast<raft::EntryType>(type);
        if (!data.empty() && entry.id.index > entries_above) {
            entry.payload = std::make_shared<const Bytes>(data);
        }
        out.push_back(std::move(entry));
    }
    return {};
}

}  // namespace

uint64_t FrameHeader::total_bytes() const {
    return round_up_to_block(kFrameHeaderBytes + length);
}

uint64_t encoded_entry_bytes(const raft::Entry& entry) {
    return kEntryFixedBytes + entry.data().size();
}

uint64_t encoded_frame_bytes(const Batch& batch, bool with_carry) {
    return round_up_to_block(kFrameHeaderBytes + payload_bytes(batch, with_carry));
}

ByteView FrameBuffer::encode(FrameKind kind, const Place& place, const std::optional<Carry>& carry,
                             const Batch& batch) {
    QUORATE_ASSERT(place.position.offset % kBlockBytes == 0);
    QUORATE_ASSERT(place.position.synced <= place.position.offset);
    const uint64_t payload = payload_bytes(batch, carry.has_value());
    const uint64_t total = round_up_to_block(kFrameHeaderBytes + payload);
    QUORATE_ASSERT(total <= kFrameBytesMax);
    if (memory_.capacity() > kKeepBytesMax && total <= kKeepBytesMax) {
        memory_.release();
    }
    // Twice the need, so that slowly growing batches do not allocate each time.
    if (memory_.capacity() < total) {
        memory_.reserve(std::min<size_t>(2 * total, kFrameBytesMax));
    }

    Encoder out(memory_.data());
    out.u32(static_cast<uint32_t>(place.salt));
    out.u32(0);
    out.u32(static_cast<uint32_t>(payload));
    out.u16(static_cast<uint16_t>(kind));
    out.u16(parts_of(batch, carry.has_value()));
    out.u64(place.position.synced);
    out.u32(place.position.previous_crc);
    out.u32(0);
    if (carry) {
        out.id(carry->mark);
        out.id(carry->last);
    }
    if (batch.hard_state) {
        out.u64(batch.hard_state->term);
        out.u64(batch.hard_state->vote);
        out.u64(batch.hard_state->commit);
    }
    if (batch.mark) {
        out.mark(*batch.mark);
    }
    if (!batch.entries.empty()) {
        out.entries(batch.entries);
    }
    const auto used = static_cast<size_t>(out.at() - memory_.data());
    QUORATE_ASSERT(used == kFrameHeaderBytes + payload);
    std::memset(memory_.data() + used, 0, total - used);

    const ByteView frame = memory_.view(total);
    crc_ = crc32c_extend(checksum_start(place.salt, place.position.offset),
                         frame.substr(kChecksummedFrom));
    store_le32(memory_.data() + 4, crc_);
    return frame;
}

std::optional<FrameHeader> decode_frame_header(ByteView block, uint64_t salt) {
    Decoder in(block);
    FrameHeader header;
    header.tag = in.u32();
    header.crc = in.u32();
    header.length = in.u32();
    const uint32_t kind_and_parts = in.u32();
    header.synced = in.u64();
    header.previous_crc = in.u32();
    const uint32_t zero = in.u32();
    const auto kind = static_cast<uint16_t>(kind_and_parts & 0xffff);
    header.parts = static_cast<uint16_t>(kind_and_parts >> 16);
    if (!in.ok() || header.tag != static_cast<uint32_t>(salt) || zero != 0 ||
        header.length > kFrameBytesMax - kFrameHeaderBytes || header.parts > kPartsAll ||
        kind < static_cast<uint16_t>(FrameKind::kBatch) ||
        kind > static_cast<uint16_t>(FrameKind::kClose)) {
        return std::nullopt;
    }
    header.kind = static_cast<FrameKind>(kind);
    return header;
}

bool frame_checksum_matches(ByteView frame, const FrameHeader& header, uint64_t salt,
                            uint64_t offset) {
    return frame.size() == header.total_bytes() &&
           crc32c_extend(checksum_start(salt, offset), frame.substr(kChecksummedFrom)) ==
               header.crc;
}

Result<FrameContent> decode_frame_content(ByteView frame, const FrameHeader& header,
                                          uint64_t entries_above) {
    if (frame.size() < kFrameHeaderBytes + header.length) {
        return malformed("a frame that is cut short");
    }
    Decoder in(frame.substr(kFrameHeaderBytes, header.length));
    FrameContent content;
    if ((header.parts & kPartCarry) != 0) {
        Carry carry;
        carry.mark = in.id();
        carry.last = in.id();
        content.carry = carry;
    }
    if ((header.parts & kPartHardState) != 0) {
        raft::HardState state;
        state.term = in.u64();
        state.vote = in.u64();
        state.commit = in.u64();
        content.hard_state = state;
    }
    if ((header.parts & kPartMark) != 0) {
        Mark mark;
        mark.id = in.id();
        mark.configuration.voters = in.list();
        mark.configuration.voters_outgoing = in.list();
        mark.configuration.learners = in.list();
        mark.configuration.learners_next = in.list();
        content.mark = std::move(mark);
    }
    if ((header.parts & kPartEntries) != 0) {
        if (Status s = decode_entries(in, entries_above, content.entries); !s.ok()) {
            return s;
        }
    }
    if (!in.ok()) {
        return malformed("a part that goes beyond its frame");
    }
    if (!in.at_end()) {
        return malformed("bytes that belong to no part");
    }
    return content;
}

}  // namespace quorate::wal
