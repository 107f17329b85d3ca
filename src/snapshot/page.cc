// SPDX-License-Identifier: Apache-2.0
#include "snapshot/page.h"

#include "base/assert.h"
#include "base/errors.h"

#include <utility>

namespace quorate::snapshot {

Result<Page> Page::parse(Bytes bytes) {
    if (bytes.size() < bbolt::kPageHeaderBytes) {
        return Status(errors::kDamaged, "no room for a page header");
    }
    const bbolt::PageHeader header = bbolt::load_page_header(bytes);
    if (header.flags != bbolt::kLeafPage && header.flags != bbolt::kBranchPage) {
        return Status(errors::kDamaged,
                      "neither leaf nor branch (flags " + std::to_string(header.flags) + ")");
    }
    const size_t elements_end =
        bbolt::kPageHeaderBytes + size_t{header.count} * bbolt::kElementBytes;
    if (elements_end > bytes.size()) {
        return Status(errors::kDamaged, std::to_string(header.count) + " rows don't fit");
    }
    Page page(std::move(bytes), header.flags == bbolt::kLeafPage, header.count);
    if (!page.leaf_ && page.count_ == 0) {
        return Status(errors::kDamaged, "a branch without children");
    }
    if (Status s = page.check(); !s.ok()) {
        return s;
    }
    return page;
}

Status Page::check() const {
    for (size_t i = 0; i < count_; ++i) {
        uint64_t begin = bbolt::kPageHeaderBytes + i * bbolt::kElementBytes;
        uint64_t bytes = 0;
        if (leaf_) {
            const bbolt::LeafElement leaf = bbolt::load_leaf_element(element(i));
            begin += leaf.position;
            bytes = uint64_t{leaf.key_bytes} + leaf.value_bytes;
        } else {
            const bbolt::BranchElement branch = bbolt::load_branch_element(element(i));
            begin += branch.position;
            bytes = branch.key_bytes;
        }
        if (begin > bytes_.size() || bytes > bytes_.size() - begin) {
            return {errors::kDamaged, "row " + std::to_string(i) + " reaches beyond the page"};
        }
        if (i > 0 && key(i - 1) >= key(i)) {
            return {errors::kDamaged, "rows " + std::to_string(i - 1) + " and " +
                                          std::to_string(i) + " are not in order"};
        }
    }
    return {};
}

ByteView Page::element(size_t i) const {
    QUORATE_ASSERT(i < count_);
    return ByteView(bytes_).substr(bbolt::kPageHeaderBytes + i * bbolt::kElementBytes);
}

ByteView Page::key(size_t i) const {
    const ByteView at = element(i);
    if (leaf_) {
        const bbolt::LeafElement leaf = bbolt::load_leaf_element(at);
        return at.substr(leaf.position, leaf.key_bytes);
    }
    const bbolt::BranchElement branch = bbolt::load_branch_element(at);
    return at.substr(branch.position, branch.key_bytes);
}

ByteView Page::value(size_t i) const {
    QUORATE_ASSERT(leaf_);
    const ByteView at = element(i);
    const bbolt::LeafElement leaf = bbolt::load_leaf_element(at);
    return at.substr(size_t{leaf.position} + leaf.key_bytes, leaf.value_bytes);
}

uint32_t Page::flags(size_t i) const {
    QUORATE_ASSERT(leaf_);
    return bbolt::load_leaf_element(element(i)).flags;
}

bbolt::PageId Page::child(size_t i) const {
    QUORATE_ASSERT(!leaf_);
    return bbolt::load_branch_element(element(i)).page;
}

}  // namespace quorate::snapshot
