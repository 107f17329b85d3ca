// SPDX-License-Identifier: Apache-2.0
//
// IntervalMap<T>: values by half-open key ranges, and the question "which ranges hold this key" in
// O(log n + answers). A balanced (AVL) tree ordered by range, each node also knowing the furthest
// end below it; the balance is strict because clients choose the ranges. Values keep their address
// until they are erased. One thread at a time.
#pragma once

#include "base/assert.h"
#include "base/bytes.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <utility>

namespace quorate::mvcc {

// lo <= key < hi; an empty hi is no bound.
struct KeyInterval {
    ByteView lo;
    ByteView hi;

    bool contains(ByteView key) const { return lo <= key && (hi.empty() || key < hi); }
};

template <typename T>
class IntervalMap {
  public:
    size_t size() const { return size_; }

    // A range and its value; both stay in place until the range is erased.
    struct Entry {
        const Bytes& lo;
        const Bytes& hi;
        T& value;
    };

    // The entry of exactly this range, made when there is none.
    Entry find_or_insert(const KeyInterval& range) {
        Node* found = nullptr;
        root_ = insert(std::move(root_), range, found);
        return {found->lo, found->hi, found->value};
    }

    // The value of exactly this range, or null.
    T* find(const KeyInterval& range) {
        Node* node = root_.get();
        while (node != nullptr) {
            const int order = compare(range, node->range());
            if (order == 0) {
                return &node->value;
            }
            node = (order < 0 ? node->left : node->right).get();
        }
        return nullptr;
    }

    // The range must be there.
    void erase(const KeyInterval& range) { root_ = erase(std::move(root_), range); }

    // Calls fn(value) for every range that holds `key`, ordered by range.
    template <typename Fn>
    void visit(ByteView key, Fn&& fn) const {
        visit(root_.get(), key, fn);
    }

    void check_invariants() const { QUORATE_ASSERT(check(root_.get()).count == size_); }

  private:
    struct Node {
        explicit Node(const KeyInterval& range) : lo(range.lo), hi(range.hi), furthest(this) {}
        KeyInterval range() const { return {lo, hi}; }

        const Bytes lo;
        const Bytes hi;
        const Node* furthest;  // whose hi is the greatest of this subtree
        std::unique_ptr<Node> left;
        std::unique_ptr<Node> right;
        int height = 1;
        T value{};
    };
    using Tree = std::unique_ptr<Node>;

    static int compare_ends(ByteView a, ByteView b) {
        if (a.empty() || b.empty()) {
            return static_cast<int>(a.empty()) - static_cast<int>(b.empty());
        }
        return a.compare(b);
    }

    static int compare(const KeyInterval& a, const KeyInterval& b) {
        const int order = a.lo.compare(b.lo);
        return order != 0 ? order : compare_ends(a.hi, b.hi);
    }

    static int height(const Tree& tree) { return tree == nullptr ? 0 : tree->height; }

    static void refresh(Node& node) {
        node.height = 1 + std::max(height(node.left), height(node.right));
        node.furthest = &node;
        for (const Tree* child : {&node.left, &node.right}) {
            if (*child != nullptr && compare_ends((*child)->furthest->hi, node.furthest->hi) > 0) {
                node.furthest = (*child)->furthest;
            }
        }
    }

    static Tree rotate_right(Tree top) {
        Tree pivot = std::move(top->left);
        QUORATE_ASSERT(pivot != nullptr);
        top->left = std::move(pivot->right);
        refresh(*top);
        pivot->right = std::move(top);
        refresh(*pivot);
        return pivot;
    }

    static Tree rotate_left(Tree top) {
        Tree pivot = std::move(top->right);
        QUORATE_ASSERT(pivot != nullptr);
        top->right = std::move(pivot->left);
        refresh(*top);
        pivot->left = std::move(top);
        refresh(*pivot);
        return pivot;
    }

    static Tree balance(Tree tree) {
        const int lean = height(tree->left) - height(tree->right);
        if (lean > 1) {
            QUORATE_ASSERT(tree->left != nullptr);
            if (height(tree->left->left) < height(tree->left->right)) {
                tree->left = rotate_left(std::move(tree->left));
            }
            return rotate_right(std::move(tree));
        }
        if (lean < -1) {
            QUORATE_ASSERT(tree->right != nullptr);
            if (height(tree->right->right) < height(tree->right->left)) {
                tree->right = rotate_right(std::move(tree->right));
            }
            return rotate_left(std::move(tree));
        }
        refresh(*tree);
        return tree;
    }

    Tree insert(Tree tree, const KeyInterval& range, Node*& found) {
        if (tree == nullptr) {
            ++size_;
            tree = std::make_unique<Node>(range);
            found = tree.get();
            return tree;
        }
        const int order = compare(range, tree->range());
        if (order == 0) {
            found = tree.get();
            return tree;
        }
        Tree& child = order < 0 ? tree->left : tree->right;
        child = insert(std::move(child), range, found);
        return balance(std::move(tree));
    }

    Tree erase(Tree tree, const KeyInterval& range) {
        QUORATE_ASSERT(tree != nullptr);
        const int order = compare(range, tree->range());
        if (order != 0) {
            Tree& child = order < 0 ? tree->left : tree->right;
            child = erase(std::move(child), range);
            return balance(std::move(tree));
        }
        --size_;
        if (tree->left == nullptr || tree->right == nullptr) {
            return std::move(tree->left == nullptr ? tree->right : tree->left);
        }
        // The next greater node takes the place: nodes move, values stay where they are.
        auto [rest, heir] = take_least(std::move(tree->right));
        QUORATE_ASSERT(heir != nullptr);
        heir->left = std::move(tree->left);
        heir->right = std::move(rest);
        return balance(std::move(heir));
    }

    // The tree without its least node, and that node.
    static std::pair<Tree, Tree> take_least(Tree tree) {
        if (tree->left == nullptr) {
            Tree rest = std::move(tree->right);
            return {std::move(rest), std::move(tree)};
        }
        auto [rest, least] = take_least(std::move(tree->left));
        tree->left = std::move(rest);
        return {balance(std::move(tree)), std::move(least)};
    }

    template <typename Fn>
    static void visit(Node* node, ByteView key, Fn& fn) {
        if (node == nullptr || !(node->furthest->hi.empty() || key < node->furthest->hi)) {
            return;
        }
        visit(node->left.get(), key, fn);
        if (key < node->lo) {
            return;  // so is everything to the right
        }
        if (node->range().contains(key)) {
            fn(node->value);
        }
        visit(node->right.get(), key, fn);
    }

    struct Checked {
        size_t count = 0;
        int height = 0;
        const Node* furthest = nullptr;
    };

    static Checked check(const Node* node) {
        if (node == nullptr) {
            return {};
        }
        const Checked left = check(node->left.get());
        const Checked right = check(node->right.get());
        QUORATE_ASSERT(std::abs(left.height - right.height) <= 1);
        QUORATE_ASSERT(node->height == 1 + std::max(left.height, right.height));
        QUORATE_ASSERT(node->left == nullptr || compare(node->left->range(), node->range()) < 0);
        QUORATE_ASSERT(node->right == nullptr || compare(node->right->range(), node->range()) > 0);
        for (const Checked* side : {&left, &right}) {
            QUORATE_ASSERT(side->furthest == nullptr ||
                           compare_ends(side->furthest->hi, node->furthest->hi) <= 0);
        }
        QUORATE_ASSERT(node->furthest == node || node->furthest == left.furthest ||
                       node->furthest == right.furthest);
        return {left.count + right.count + 1, node->height, node->furthest};
    }

    Tree root_;
    size_t size_ = 0;
};

}  // namespace quorate::mvcc
