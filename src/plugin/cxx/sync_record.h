// SPDX-License-Identifier: Apache-2.0
//
// SyncRecord: the file SYNCED beside an engine's own, in which the engine notes what it has synced.
// An engine that comes back with less has lost what was promised, and can say so; without such a
// note a damaged file can pass for a crash that took an unsynced tail.
//
// Two slots are written in turn, each with a checksum, so that a note cut short by a power cut
// leaves the one before it. Start-stop thread and writer thread.
#pragma once

#include "plugin/cxx/barrier.h"
#include "plugin/cxx/crc32c.h"
#include "plugin/cxx/posix.h"
#include "plugin/cxx/result.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace quorate::plugin {

class SyncRecord {
  public:
    static constexpr size_t kNoteBytesMax = 240;

    // Reads the file, creating it where it is missing.
    Status open(const std::string& dir) {
        Result<PosixFile> file = PosixFile::open(dir + "/SYNCED", O_RDWR | O_CREAT);
        if (!file) {
            return file.error();
        }
        file_ = std::move(*file);
        for (uint64_t index = 0; index < 2; ++index) {
            Slot slot{};
            Result<size_t> bytes =
                file_.read_at(index * kSlotStride, reinterpret_cast<char*>(&slot), sizeof slot);
            if (!bytes) {
                return bytes.error();
            }
            if (*bytes == sizeof slot && slot.checksum == checksum(slot) &&
                slot.note_bytes <= kNoteBytesMax && slot.turn > turn_) {
                turn_ = slot.turn;
                note_.assign(slot.note.data(), slot.note_bytes);
            }
        }
        return {};
    }

    // The newest note that can be read; empty when there is none.
    const std::string& note() const { return note_; }
    const std::string& path() const { return file_.path(); }

    // Replaces the note, of at most kNoteBytesMax.
    Status write(std::string_view note) {
        Slot slot{};
        slot.turn = turn_ + 1;
        slot.note_bytes = static_cast<uint32_t>(note.size());
        std::memcpy(slot.note.data(), note.data(), note.size());
        slot.checksum = checksum(slot);
        const std::string_view raw(reinterpret_cast<const char*>(&slot), sizeof slot);
        if (Status s = file_.write_at(slot.turn % 2 * kSlotStride, raw); !s.ok()) {
            return s;
        }
        turn_ = slot.turn;
        note_.assign(note);
        return {};
    }

    // For engines to which an older note would not be right any more. Without it a power cut may
    // bring one back, which then only proves less.
    Status sync() { return file_.sync(); }

  private:
    static constexpr uint64_t kSlotStride = 4096;  // no write touches both

    // In the machine's own byte order: a store does not move between machines.
    struct Slot {
        uint64_t turn;
        uint32_t note_bytes;
        uint32_t checksum;  // CRC-32C of all else
        std::array<char, kNoteBytesMax> note;
    };
    static_assert(sizeof(Slot) == 256);

    static uint32_t checksum(Slot slot) {
        slot.checksum = 0;
        return crc32c({reinterpret_cast<const char*>(&slot), sizeof slot});
    }

    PosixFile file_;
    uint64_t turn_ = 0;
    std::string note_;
};

}  // namespace quorate::plugin
