// SPDX-License-Identifier: Apache-2.0
#include "snapshot/tree_writer.h"

#include "base/assert.h"

#include <utility>

namespace quorate::snapshot {

bbolt::PageId PageOutput::add(uint16_t flags, size_t count, size_t bytes, ByteView body) {
    QUORATE_ASSERT(bytes >= bbolt::kPageHeaderBytes);
    QUORATE_ASSERT(count <= UINT16_MAX);
    const size_t pages = (bytes + page_bytes_ - 1) / page_bytes_;
    const bbolt::PageId id = next_;
    next_ += pages;
    if (out_ == nullptr) {
        return id;
    }
    QUORATE_ASSERT(body.size() + bbolt::kPageHeaderBytes == bytes);
    const size_t end = out_->size() + pages * page_bytes_;
    bbolt::append(*out_, bbolt::PageHeader{.id = id,
                                           .flags = flags,
                                           .count = static_cast<uint16_t>(count),
                                           .overflow = static_cast<uint32_t>(pages - 1)});
    out_->append(body);
    out_->resize(end, '\0');
    return id;
}

void TreeWriter::add(const Row& row) {
    if (levels_.empty()) {
        levels_.emplace_back();
    }
    const size_t row_bytes = row.key.size() + row.value.size();
    if (!levels_[0].elements.empty() && levels_[0].bytes_with(row_bytes) > output_.page_bytes()) {
        Bytes first_key = std::move(levels_[0].first_key);
        const bbolt::PageId page = flush(0);
        add_child(1, first_key, page);
    }
    Node& leaf = levels_[0];
    if (leaf.elements.empty()) {
        leaf.first_key = row.key;
    }
    leaf.elements.push_back({.flags = row.flags,
                             .key_bytes = static_cast<uint32_t>(row.key.size()),
                             .value_bytes = static_cast<uint32_t>(row.value.size())});
    leaf.data_bytes += row_bytes;
    if (!output_.counts_only()) {
        leaf.data.append(row.key).append(row.value);
    }
}

void TreeWriter::add_child(size_t level, ByteView first_key, bbolt::PageId page) {
    if (levels_.size() <= level) {
        levels_.emplace_back();
    }
    if (!levels_[level].elements.empty() &&
        levels_[level].bytes_with(first_key.size()) > output_.page_bytes()) {
        const Bytes own_key = std::move(levels_[level].first_key);
        const bbolt::PageId full = flush(level);
        add_child(level + 1, own_key, full);
    }
    Node& branch = levels_[level];
    if (branch.elements.empty()) {
        branch.first_key = first_key;
    }
    branch.elements.push_back({.key_bytes = static_cast<uint32_t>(first_key.size()), .page = page});
    branch.data_bytes += first_key.size();
    if (!output_.counts_only()) {
        branch.data.append(first_key);
    }
}

bbolt::PageId TreeWriter::flush(size_t level) {
    Node& node = levels_[level];
    const size_t bytes =
        bbolt::kPageHeaderBytes + node.elements.size() * bbolt::kElementBytes + node.data_bytes;
    const uint16_t flags = level == 0 ? bbolt::kLeafPage : bbolt::kBranchPage;
    const Bytes body = output_.counts_only() ? Bytes() : encode_body(node, level);
    const bbolt::PageId page = output_.add(flags, node.elements.size(), bytes, body);
    node.elements.clear();
    node.first_key.clear();
    node.data.clear();
    node.data_bytes = 0;
    return page;
}

Bytes TreeWriter::encode_body(const Node& node, size_t level) const {
    QUORATE_ASSERT(node.data.size() == node.data_bytes);
    Bytes body;
    body.reserve(node.elements.size() * bbolt::kElementBytes + node.data.size());
    size_t offset = 0;  // of the row's bytes
    for (size_t i = 0; i < node.elements.size(); ++i) {
        const Node::Element& element = node.elements[i];
        const auto position =
            static_cast<uint32_t>((node.elements.size() - i) * bbolt::kElementBytes + offset);
        if (level == 0) {
            bbolt::append(body, bbolt::LeafElement{.flags = element.flags,
                                                   .position = position,
                                                   .key_bytes = element.key_bytes,
                                                   .value_bytes = element.value_bytes});
        } else {
            bbolt::append(body, bbolt::BranchElement{.position = position,
                                                     .key_bytes = element.key_bytes,
                                                     .page = element.page});
        }
        offset += size_t{element.key_bytes} + element.value_bytes;
    }
    return body.append(node.data);
}

bbolt::PageId TreeWriter::finish() {
    if (levels_.empty()) {
        levels_.emplace_back();
    }
    for (size_t level = 0;; ++level) {
        const bool top = level + 1 == levels_.size();
        const Bytes first_key = std::move(levels_[level].first_key);
        const bbolt::PageId page = flush(level);
        if (top) {
            return page;
        }
        add_child(level + 1, first_key, page);
    }
}

}  // namespace quorate::snapshot
