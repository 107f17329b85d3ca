// SPDX-License-Identifier: Apache-2.0
#include "snapshot/bucket_cursor.h"

#include "base/errors.h"

#include <utility>

namespace quorate::snapshot {
namespace {

// Far more than the largest file has; a tree of pages that contain themselves ends here.
constexpr size_t kLevelsMax = 64;

}  // namespace

Result<BucketCursor> BucketCursor::open(const PageFile& file, bbolt::PageId root) {
    BucketCursor cursor(file);
    if (Status s = cursor.descend(root, {}); !s.ok()) {
        return s;
    }
    return cursor;
}

Result<BucketCursor> BucketCursor::open_inline(const PageFile& file, bbolt::PageId at,
                                               ByteView leaf) {
    BucketCursor cursor(file);
    Result<Page> page = Page::parse(Bytes(leaf));
    if (!page) {
        return file.damaged(at, "a bucket inside of it: " + std::string(page.error().detail()));
    }
    if (!page->is_leaf()) {
        return file.damaged(at, "a bucket inside of it is not a leaf");
    }
    cursor.levels_.push_back({at, std::move(page).value()});
    return cursor;
}

// From `id` down along the first children to a leaf.
Status BucketCursor::descend(bbolt::PageId id, ByteView lowest_key) {
    const Bytes lowest(lowest_key);  // the page it is in moves with levels_
    while (true) {
        // Each page of a tree is read once; pages that share children have more to be read.
        if (levels_.size() == kLevelsMax || ++pages_read_ > file_->meta().page_count) {
            return file_->damaged(id, "the pages that lead here are no tree");
        }
        Result<Page> page = file_->read(id);
        if (!page) {
            return page.error();
        }
        if (page->count() > 0 && page->key(0) < lowest) {
            return file_->damaged(id, "its first key is before the one that leads to it");
        }
        const bool leaf = page->is_leaf();
        levels_.push_back({id, std::move(page).value()});
        if (leaf) {
            return {};
        }
        Level& branch = levels_.back();
        id = branch.page.child(branch.next++);
    }
}

Result<std::optional<BucketRow>> BucketCursor::next() {
    while (!levels_.empty()) {
        Level& level = levels_.back();
        if (level.next == level.page.count()) {
            levels_.pop_back();
            continue;
        }
        const size_t i = level.next++;
        if (!level.page.is_leaf()) {
            if (Status s = descend(level.page.child(i), level.page.key(i)); !s.ok()) {
                return s;
            }
            continue;
        }
        const BucketRow row{level.page.key(i), level.page.value(i), level.page.flags(i)};
        if (any_ && row.key <= last_key_) {
            return file_->damaged(level.id, "its first key is not behind those of the page before");
        }
        any_ = true;
        last_key_ = row.key;
        return std::optional<BucketRow>(row);
    }
    return std::optional<BucketRow>();
}

}  // namespace quorate::snapshot
