// SPDX-License-Identifier: Apache-2.0
#include "check.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace quorate::lmdb_engine {

namespace {

using plugin::PosixFile;
using plugin::Result;
using plugin::Status;
using std::string_view;

constexpr uint16_t kDepthMax = 32;  // LMDB's own bound

template <typename T>
T load(string_view from, size_t at) {
    T value;
    std::memcpy(&value, from.data() + at, sizeof value);
    return value;
}

// A page that was read and whose nodes lie within it.
class Page {
  public:
    explicit Page(std::string bytes) : bytes_(std::move(bytes)) {}

    PageHeader header() const { return load<PageHeader>(bytes_, 0); }
    size_t nodes() const { return (header().lower - sizeof(PageHeader)) / sizeof(uint16_t); }
    size_t node_at(size_t index) const {
        return load<uint16_t>(bytes_, sizeof(PageHeader) + index * sizeof(uint16_t));
    }
    NodeHeader node(size_t index) const { return load<NodeHeader>(bytes_, node_at(index)); }
    string_view key(size_t index) const {
        return string_view(bytes_).substr(node_at(index) + sizeof(NodeHeader),
                                          node(index).key_bytes);
    }
    uint64_t child(size_t index) const {
        const NodeHeader n = node(index);
        return n.low | uint64_t{n.high} << 16 | uint64_t{n.flags} << 32;
    }
    uint64_t value_bytes(size_t index) const {
        const NodeHeader n = node(index);
        return n.low | uint64_t{n.high} << 16;
    }
    size_t value_at(size_t index) const {
        return node_at(index) + sizeof(NodeHeader) + node(index).key_bytes;
    }
    string_view value(size_t index) const {
        return string_view(bytes_).substr(value_at(index), value_bytes(index));
    }
    uint64_t value_page(size_t index) const { return load<uint64_t>(bytes_, value_at(index)); }

    // Whether everything that the others give lies within the page.
    bool well_formed(uint16_t flags) const {
        const PageHeader h = header();
        if (h.flags != flags || h.lower < sizeof(PageHeader) || h.lower % 2 != 0 ||
            h.lower > h.upper || h.upper > bytes_.size()) {
            return false;
        }
        for (size_t i = 0; i < nodes(); ++i) {
            if (!node_well_formed(i, flags)) {
                return false;
            }
        }
        return nodes() > 0;
    }

  private:
    bool node_well_formed(size_t index, uint16_t flags) const {
        const size_t at = node_at(index);
        if (at < header().upper || at + sizeof(NodeHeader) > bytes_.size()) {
            return false;
        }
        const NodeHeader n = node(index);
        size_t end = at + sizeof(NodeHeader) + n.key_bytes;
        if (flags == kLeafPage) {
            if ((n.flags & ~kValueOnOwnPages) != 0) {
                return false;
            }
            end += n.flags == 0 ? value_bytes(index) : sizeof(uint64_t);
        }
        return end <= bytes_.size();
    }

    std::string bytes_;
};

class Checker {
  public:
    Checker(const PosixFile& file, const Meta& meta)
        : file_(file),
          meta_(meta),
          page_bytes_(meta.free_pages.page_bytes),
          taken_(meta.last_page + 1, false) {
        taken_[0] = taken_[1] = true;
    }

    Result<Tally> run() {
        if (Status s = walk(meta_.data, [this](string_view key,
                                               string_view value) { return take_row(key, value); });
            !s.ok()) {
            return s;
        }
        if (Status s = walk(
                meta_.free_pages,
                [this](string_view key, string_view value) { return take_free_pages(key, value); });
            !s.ok()) {
            return s;
        }
        found_.transaction = meta_.transaction;
        if (tally_.has_value() ? *tally_ != found_ : meta_.transaction != 0) {
            return damaged("does not hold the rows that it should");
        }
        return found_;
    }

  private:
    using Row = std::function<Status(string_view key, string_view value)>;

    Status damaged(const std::string& what) const {
        return {QUORATE_DATA_LOSS, file_.path() + ": " + what};
    }
    Status damaged(uint64_t page, const std::string& what) const {
        return damaged("page " + std::to_string(page) + ' ' + what);
    }

    // Integer keys compare as numbers, others byte by byte.
    std::string ordered(const Tree& tree, string_view key) const {
        std::string bytes(key);
        if ((tree.flags & kIntegerKeys) != 0) {
            std::reverse(bytes.begin(), bytes.end());
        }
        return bytes;
    }

    // Marks pages as used, and refuses those that are already or can't be.
    Status take(uint64_t first, uint64_t count) {
        if (first < kMetaPages || first > meta_.last_page || count > meta_.last_page + 1 - first) {
            return damaged(first, "is beyond the end");
        }
        for (uint64_t page = first; page < first + count; ++page) {
            if (taken_[page]) {
                return damaged(page, "is used twice");
            }
            taken_[page] = true;
        }
        return {};
    }

    Result<std::string> read(uint64_t page, size_t offset, size_t bytes) const {
        std::string raw(bytes, '\0');
        Result<size_t> got = file_.read_at(page * page_bytes_ + offset, raw.data(), bytes);
        if (!got) {
            return got.error();
        }
        if (*got != bytes) {
            return damaged(page, "is behind the end of the file");
        }
        return raw;
    }

    Status walk(const Tree& tree, const Row& row) {
        found_tree_ = Tree{};
        last_key_.reset();
        if (tree.root != kNoPage) {
            if (tree.depth == 0 || tree.depth > kDepthMax) {
                return damaged(tree.root, "is the root of a tree of wrong depth");
            }
            if (Status s = walk_page(tree, tree.root, tree.depth, {}, row); !s.ok()) {
                return s;
            }
        }
        const bool counts_right = found_tree_.branch_pages == tree.branch_pages &&
                                  found_tree_.leaf_pages == tree.leaf_pages &&
                                  found_tree_.overflow_pages == tree.overflow_pages &&
                                  found_tree_.entries == tree.entries;
        return counts_right ? Status() : damaged("a tree has not the pages that it should");
    }

    // `below` is the first key behind the page; empty: none.
    Status walk_page(const Tree& tree, uint64_t number, uint16_t level, const std::string& below,
                     const Row& row) {
        if (Status s = take(number, 1); !s.ok()) {
            return s;
        }
        Result<std::string> bytes = read(number, 0, page_bytes_);
        if (!bytes) {
            return bytes.error();
        }
        const Page page(std::move(*bytes));
        if (page.header().number != number ||
            !page.well_formed(level == 1 ? kLeafPage : kBranchPage)) {
            return damaged(number, "is not well formed");
        }
        return level == 1 ? walk_leaf(tree, number, page, below, row)
                          : walk_branch(tree, number, level, page, below, row);
    }

    Status walk_branch(const Tree& tree, uint64_t number, uint16_t level, const Page& page,
                       const std::string& below, const Row& row) {
        ++found_tree_.branch_pages;
        for (size_t i = 0; i < page.nodes(); ++i) {
            // The first key of a branch stands for whatever is smallest.
            if (i > 0 && last_key_ && *last_key_ >= ordered(tree, page.key(i))) {
                return damaged(number, "has keys out of order");
            }
            const std::string end = i + 1 < page.nodes() ? ordered(tree, page.key(i + 1)) : below;
            if (i > 0) {
                least_key_ = ordered(tree, page.key(i));
            }
            if (Status s =
                    walk_page(tree, page.child(i), static_cast<uint16_t>(level - 1), end, row);
                !s.ok()) {
                return s;
            }
        }
        return {};
    }

    Status walk_leaf(const Tree& tree, uint64_t number, const Page& page, const std::string& below,
                     const Row& row) {
        ++found_tree_.leaf_pages;
        for (size_t i = 0; i < page.nodes(); ++i) {
            std::string key = ordered(tree, page.key(i));
            if ((last_key_ && *last_key_ >= key) || key < std::exchange(least_key_, {}) ||
                (!below.empty() && key >= below)) {
                return damaged(number, "has keys out of order");
            }
            last_key_ = std::move(key);
            ++found_tree_.entries;
            Status status;
            if (page.node(i).flags == kValueOnOwnPages) {
                Result<std::string> value = own_pages(page.value_page(i), page.value_bytes(i));
                status = value ? row(page.key(i), *value) : value.error();
            } else {
                status = row(page.key(i), page.value(i));
            }
            if (!status.ok()) {
                return status;
            }
        }
        return {};
    }

    Result<std::string> own_pages(uint64_t number, uint64_t value_bytes) {
        if (Status s = take(number, 1); !s.ok()) {
            return s;
        }
        Result<std::string> head = read(number, 0, sizeof(PageHeader));
        if (!head) {
            return head.error();
        }
        const auto header = load<PageHeader>(*head, 0);
        // In place of `lower` and `upper`: how many pages.
        const uint64_t pages = load<uint32_t>(*head, offsetof(PageHeader, lower));
        const uint64_t needed = (sizeof(PageHeader) - 1 + value_bytes) / page_bytes_ + 1;
        if (header.number != number || header.flags != kOverflowPage || pages < needed) {
            return damaged(number, "is not well formed");
        }
        if (pages > 1) {
            if (Status s = take(number + 1, pages - 1); !s.ok()) {
                return s;
            }
        }
        found_tree_.overflow_pages += pages;
        return read(number, sizeof(PageHeader), value_bytes);
    }

    Status take_row(string_view key, string_view value) {
        const std::optional<string_view> checked = checked_value(key, value);
        if (!checked) {
            return damaged("a value has a wrong checksum");
        }
        if (key != kTallyKey) {
            found_.add(key, value);
        } else if (checked->size() == sizeof(Tally)) {
            tally_ = load<Tally>(*checked, 0);
        }
        return {};
    }

    // A list of pages that a write has set free: their count, and they from the last to the first.
    Status take_free_pages(string_view key, string_view value) {
        const size_t words = value.size() / sizeof(uint64_t);
        if (key.size() != sizeof(uint64_t) || load<uint64_t>(key, 0) > meta_.transaction ||
            words == 0 || load<uint64_t>(value, 0) > words - 1) {
            return damaged("a list of free pages is not well formed");
        }
        for (uint64_t i = 1; i <= load<uint64_t>(value, 0); ++i) {
            if (Status s = take(load<uint64_t>(value, i * sizeof(uint64_t)), 1); !s.ok()) {
                return s;
            }
        }
        return {};
    }

    const PosixFile& file_;
    const Meta& meta_;
    const size_t page_bytes_;
    std::vector<bool> taken_;
    Tree found_tree_{};
    std::optional<std::string> last_key_;
    std::string least_key_;  // of the next leaf
    Tally found_;
    std::optional<Tally> tally_;
};

}  // namespace

Result<Tally> check_state(const PosixFile& file, const Meta& meta) {
    Result<uint64_t> bytes = file.size();
    if (!bytes) {
        return bytes.error();
    }
    // The last pages may have been set free before they were ever written, but not many of them.
    constexpr uint64_t kPagesUnwrittenMax = 1 << 20;
    if (meta.last_page > *bytes / meta.free_pages.page_bytes + kPagesUnwrittenMax) {
        return Status(QUORATE_DATA_LOSS, file.path() + ": is shorter than it says");
    }
    return Checker(file, meta).run();
}

}  // namespace quorate::lmdb_engine
