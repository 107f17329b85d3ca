// SPDX-License-Identifier: Apache-2.0
#include "snapshot/writer.h"

#include "base/assert.h"
#include "base/errors.h"
#include "snapshot/auth_rows.h"
#include "snapshot/bbolt.h"
#include "snapshot/buckets.h"
#include "snapshot/checksums.h"
#include "snapshot/cluster_rows.h"
#include "snapshot/section.h"
#include "snapshot/sha256.h"
#include "snapshot/tables.h"
#include "snapshot/tree_writer.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace quorate::snapshot {
namespace {

// Behind two meta pages and the freelist: the tree of buckets, one leaf.
constexpr bbolt::PageId kFreelistPage = 2;
constexpr bbolt::PageId kBucketsPage = 3;
constexpr bbolt::PageId kFirstTreePage = 4;
// Of the newer meta page, which is page 0.
constexpr uint64_t kTransaction = 2;

}  // namespace

class Writer::Impl {
  public:
    Impl(storage::View& view, const WriterOptions& options) : view_(view), options_(options) {
        QUORATE_ASSERT(options_.page_bytes >= bbolt::kPageBytesMin);
        QUORATE_ASSERT(options_.page_bytes <= bbolt::kPageBytesMax);
        QUORATE_ASSERT(options_.chunk_bytes_max > 0);
    }

    Result<bool> measure(size_t rows_max);
    uint64_t size() const {
        QUORATE_ASSERT(phase_ != Phase::kMeasure);
        return page_count_ * options_.page_bytes + Sha256::kBytes;
    }
    Result<ByteView> next();

  private:
    enum class Phase : uint8_t { kMeasure, kHead, kTrees, kHash, kEnd };

    // One walk over all sections; the two walks differ in where the pages go.
    struct Walk {
        explicit Walk(PageOutput to) : output(to) {}
        PageOutput output;
        size_t section = 0;
        std::optional<SectionCursor> cursor;  // of the section
        std::optional<TreeWriter> tree;
        std::vector<bbolt::PageId> roots;
    };

    Status prepare();
    Status step(Walk& walk);
    Status end_section(Walk& walk);
    void add_checksum_rows();
    void append_head();
    Status fill();
    void checksum_new_pages();

    storage::View& view_;
    const WriterOptions options_;
    Phase phase_ = Phase::kMeasure;

    std::vector<Section> sections_;  // by bucket; our own is the last
    std::optional<Walk> walk_;
    std::optional<PageChecksums> checksums_;
    std::vector<bbolt::PageId> roots_;  // as measured
    bbolt::PageId page_count_ = 0;      // as measured

    Sha256 hash_;
    Bytes buffer_;            // whole pages
    size_t checksummed_ = 0;  // bytes of it
    size_t given_ = 0;        // bytes of it
};

Status Writer::Impl::prepare() {
    const auto info = read_cluster_info(view_);
    if (!info) {
        return info.error();
    }
    const auto marks = read_marks(view_);
    if (!marks) {
        return marks.error();
    }
    const auto auth = read_auth_settings(view_);
    if (!auth) {
        return auth.error();
    }
    std::map<Bytes, Section> by_bucket;
    by_bucket[Bytes(buckets::kAuth)] = {Bytes(buckets::kAuth), nullptr, auth_rows(*auth)};
    for (auto& [bucket, rows] : cluster_rows(*info, *marks)) {
        by_bucket[bucket] = {bucket, nullptr, std::move(rows)};
    }
    for (const TableMapping& mapping : table_mappings()) {
        auto section = make_section(mapping, view_);
        if (!section) {
            return section.error();
        }
        by_bucket[Bytes(mapping.bucket)] = std::move(section).value();
    }
    for (auto& [bucket, section] : by_bucket) {
        sections_.push_back(std::move(section));
    }
    QUORATE_ASSERT(sections_.back().bucket == buckets::kQuorate);
    walk_.emplace(PageOutput(options_.page_bytes, kFirstTreePage, nullptr));
    return {};
}

Result<bool> Writer::Impl::measure(size_t rows_max) {
    QUORATE_ASSERT(phase_ == Phase::kMeasure);
    if (!walk_) {
        if (Status s = prepare(); !s.ok()) {
            return s;
        }
    }
    for (size_t i = 0; i < rows_max && walk_->section < sections_.size(); ++i) {
        if (Status s = step(*walk_); !s.ok()) {
            return s;
        }
    }
    if (walk_->section < sections_.size()) {
        return false;
    }
    roots_ = std::move(walk_->roots);
    page_count_ = walk_->output.next_page();
    walk_.emplace(PageOutput(options_.page_bytes, kFirstTreePage, &buffer_));
    phase_ = Phase::kHead;
    return true;
}

// One row, or the end of a section.
Status Writer::Impl::step(Walk& walk) {
    if (!walk.cursor) {
        if (walk.section + 1 == sections_.size()) {
            add_checksum_rows();
        }
        auto cursor = SectionCursor::open(sections_[walk.section], view_);
        if (!cursor) {
            return cursor.error();
        }
        walk.cursor.emplace(std::move(cursor).value());
        walk.tree.emplace(walk.output);
    }
    const auto row = walk.cursor->next();
    if (!row) {
        return row.error();
    }
    if (*row == nullptr) {
        return end_section(walk);
    }
    const Row& at = **row;
    if (at.key.empty() || at.key.size() > bbolt::kKeyBytesMax) {
        return {errors::kDamaged, "a row of bucket \"" + sections_[walk.section].bucket +
                                      "\" has a name of " + std::to_string(at.key.size()) +
                                      " bytes, a snapshot holds names of 1 to " +
                                      std::to_string(bbolt::kKeyBytesMax)};
    }
    walk.tree->add({.key = at.key, .value = at.value});
    return {};
}

Status Writer::Impl::end_section(Walk& walk) {
    const bbolt::PageId root = walk.tree->finish();
    walk.roots.push_back(root);
    walk.tree.reset();
    walk.cursor.reset();
    const size_t section = walk.section++;
    if (phase_ != Phase::kMeasure && root != roots_[section]) {
        return {errors::kDamaged, "the engine's view changed while bucket \"" +
                                      sections_[section].bucket + "\" was written"};
    }
    return {};
}

// The last section covers all pages before it: how many those are, the first walk knows when it
// gets there, and what they hold the second.
void Writer::Impl::add_checksum_rows() {
    std::vector<Row>& rows = sections_.back().rows;
    if (phase_ == Phase::kMeasure) {
        checksums_.emplace(walk_->output.next_page(), options_.page_bytes);
    } else {
        checksum_new_pages();
        const auto first = std::find_if(rows.begin(), rows.end(), [](const Row& row) {
            return decode_checksum_row({row.key, row.value}).has_value();
        });
        rows.erase(first, rows.end());
    }
    for (Row& row : checksums_->rows()) {
        rows.push_back(std::move(row));
    }
}

void Writer::Impl::append_head() {
    bbolt::Meta meta{.page_bytes = static_cast<uint32_t>(options_.page_bytes),
                     .root = {.root = kBucketsPage},
                     .freelist = kFreelistPage,
                     .page_count = page_count_,
                     .transaction = kTransaction};
    for (bbolt::PageId page = 0; page < 2; ++page) {
        bbolt::append(buffer_, bbolt::PageHeader{.id = page, .flags = bbolt::kMetaPage});
        bbolt::append(buffer_, meta);
        buffer_.resize((page + 1) * options_.page_bytes, '\0');
        --meta.transaction;
    }
    PageOutput output(options_.page_bytes, kFreelistPage, &buffer_);
    output.add(bbolt::kFreelistPage, 0, bbolt::kPageHeaderBytes, {});
    TreeWriter names(output);
    for (size_t i = 0; i < sections_.size(); ++i) {
        Bytes root;
        bbolt::append(root, bbolt::BucketRoot{.root = roots_[i]});
        names.add({.key = sections_[i].bucket, .value = root, .flags = bbolt::kBucketRow});
    }
    const bbolt::PageId page = names.finish();
    QUORATE_ASSERT(page == kBucketsPage);
    QUORATE_ASSERT(output.next_page() == kFirstTreePage);
}

void Writer::Impl::checksum_new_pages() {
    for (; checksummed_ < buffer_.size(); checksummed_ += options_.page_bytes) {
        checksums_->add(ByteView(buffer_).substr(checksummed_, options_.page_bytes));
    }
}

Status Writer::Impl::fill() {
    checksum_new_pages();
    buffer_.clear();
    checksummed_ = 0;
    given_ = 0;
    if (phase_ == Phase::kHead) {
        append_head();
        phase_ = Phase::kTrees;
    }
    while (phase_ == Phase::kTrees && buffer_.size() < options_.chunk_bytes_max) {
        if (walk_->section < sections_.size()) {
            if (Status s = step(*walk_); !s.ok()) {
                return s;
            }
            continue;
        }
        if (walk_->output.next_page() != page_count_) {
            return {errors::kDamaged, "the engine's view changed while it was written"};
        }
        phase_ = Phase::kHash;
    }
    return {};
}

Result<ByteView> Writer::Impl::next() {
    QUORATE_ASSERT(phase_ != Phase::kMeasure);
    if (given_ == buffer_.size() && phase_ != Phase::kEnd) {
        if (Status s = fill(); !s.ok()) {
            return s;
        }
    }
    if (given_ < buffer_.size()) {
        const ByteView chunk = ByteView(buffer_).substr(given_, options_.chunk_bytes_max);
        given_ += chunk.size();
        hash_.update(chunk);
        return chunk;
    }
    if (phase_ == Phase::kHash) {
        phase_ = Phase::kEnd;
        buffer_ = hash_.finish();
        given_ = buffer_.size();
        return ByteView(buffer_);
    }
    return ByteView();
}

Writer::Writer(storage::View& view, const WriterOptions& options)
    : impl_(std::make_unique<Impl>(view, options)) {}
Writer::~Writer() = default;

Result<bool> Writer::measure(size_t rows_max) {
    return impl_->measure(rows_max);
}

uint64_t Writer::size() const {
    return impl_->size();
}

Result<ByteView> Writer::next() {
    return impl_->next();
}

}  // namespace quorate::snapshot
