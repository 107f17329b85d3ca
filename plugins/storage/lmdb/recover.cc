// SPDX-License-Identifier: Apache-2.0
#include "recover.h"

#include "check.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace quorate::lmdb_engine {

namespace {

using plugin::PosixFile;
using plugin::Result;
using plugin::Status;

// LMDB makes a file's pages as large as the system's.
size_t page_bytes() {
    return static_cast<size_t>(::sysconf(_SC_PAGESIZE));
}

bool plausible(const Meta& meta) {
    return meta.magic == kMagic && meta.version == kDataVersion && meta.address == 0 &&
           meta.free_pages.page_bytes == page_bytes() && meta.free_pages.flags == kIntegerKeys &&
           meta.data.flags == 0 && meta.last_page + 1 >= kMetaPages;
}

struct MetaPage {
    PageHeader header{};
    Meta meta{};
};
static_assert(sizeof(MetaPage) == sizeof(PageHeader) + sizeof(Meta));

// The meta in one of the two places; nothing when it can't be one.
Result<std::optional<Meta>> read_slot(const PosixFile& file, uint64_t slot) {
    MetaPage page;
    Result<size_t> bytes =
        file.read_at(slot * page_bytes(), reinterpret_cast<char*>(&page), sizeof page);
    if (!bytes) {
        return bytes.error();
    }
    const bool good = *bytes == sizeof page && page.header.number == slot &&
                      page.header.flags == kMetaPage && plausible(page.meta);
    return good ? std::optional(page.meta) : std::nullopt;
}

Status write_slot(const PosixFile& file, uint64_t slot, const Meta& meta) {
    const MetaPage page{{slot, 0, kMetaPage, 0, 0}, meta};
    std::string raw(page_bytes(), '\0');
    std::memcpy(raw.data(), &page, sizeof page);
    return file.write_at(slot * page_bytes(), raw);
}

// Both metas such that LMDB takes `meta`: the other one as if it were the write before.
Status write_slots(const PosixFile& file, const Meta& meta) {
    Meta before = meta;
    before.transaction -= meta.transaction > 0 ? 1 : 0;
    const uint64_t slot = meta.transaction % 2;
    for (const Status& s : {write_slot(file, slot, meta), file.sync(),
                            write_slot(file, 1 - slot, before), file.sync()}) {
        if (!s.ok()) {
            return s;
        }
    }
    return {};
}

std::optional<Meta> meta_of_note(std::string_view note) {
    Meta meta{};
    if (note.size() != sizeof meta) {
        return std::nullopt;
    }
    std::memcpy(&meta, note.data(), sizeof meta);
    return meta;
}

// The states that the store may come back with, newest first.
Result<std::vector<Meta>> candidates(const PosixFile& file, const std::optional<Meta>& synced) {
    std::vector<Meta> list;
    for (uint64_t slot = 0; slot < kMetaPages; ++slot) {
        Result<std::optional<Meta>> meta = read_slot(file, slot);
        if (!meta) {
            return meta.error();
        }
        if (meta->has_value() && (!synced || (*meta)->transaction > synced->transaction)) {
            list.push_back(**meta);
        }
    }
    std::sort(list.begin(), list.end(),
              [](const Meta& a, const Meta& b) { return a.transaction > b.transaction; });
    if (synced) {
        list.push_back(*synced);
    }
    return list;
}

// Whether LMDB will take `meta` as it is.
Result<bool> leads(const PosixFile& file, const Meta& meta) {
    bool found = false;
    for (uint64_t slot = 0; slot < kMetaPages; ++slot) {
        Result<std::optional<Meta>> there = read_slot(file, slot);
        if (!there) {
            return there.error();
        }
        if (!there->has_value() || (*there)->transaction > meta.transaction) {
            return false;
        }
        found = found ||
                (slot == meta.transaction % 2 && std::memcmp(&**there, &meta, sizeof meta) == 0);
    }
    return found;
}

Result<Recovered> take_newest(const PosixFile& file, const std::vector<Meta>& list) {
    Status failure(QUORATE_DATA_LOSS, file.path() + ": neither of the first two pages is a meta");
    for (const Meta& meta : list) {
        Result<Tally> tally = check_state(file, meta);
        if (!tally) {
            failure = tally.error();
            continue;
        }
        Result<bool> as_it_is = leads(file, meta);
        if (!as_it_is) {
            return as_it_is.error();
        }
        if (!*as_it_is) {
            if (Status s = write_slots(file, meta); !s.ok()) {
                return s;
            }
        }
        return Recovered{*tally, meta.transaction != list.front().transaction};
    }
    return failure;
}

}  // namespace

Result<Recovered> recover(const std::string& dir, const plugin::SyncRecord& synced) {
    const std::string path = dir + kDataFile;
    const std::optional<Meta> promised = meta_of_note(synced.note());
    std::error_code error;
    const uint64_t bytes = std::filesystem::file_size(path, error);
    const bool empty = error || bytes <= kMetaPages * page_bytes();
    if (empty && promised && promised->transaction > 0) {
        return Status(QUORATE_DATA_LOSS, path + ": missing or empty");
    }
    if (empty) {
        std::filesystem::remove(path, error);
        return Recovered{};
    }
    Result<PosixFile> file = PosixFile::open(path, O_RDWR);
    if (!file) {
        return file.error();
    }
    Result<std::vector<Meta>> list = candidates(*file, promised);
    return list ? take_newest(*file, *list) : list.error();
}

Result<Meta> read_meta(const PosixFile& file, uint64_t transaction) {
    Result<std::optional<Meta>> meta = read_slot(file, transaction % 2);
    if (!meta) {
        return meta.error();
    }
    if (!meta->has_value() || (*meta)->transaction != transaction) {
        return Status(QUORATE_DATA_LOSS, file.path() + ": page " + std::to_string(transaction % 2) +
                                             " is not the meta of the last write");
    }
    return **meta;
}

}  // namespace quorate::lmdb_engine
