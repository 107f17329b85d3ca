// SPDX-License-Identifier: Apache-2.0
#include "snapshot/section.h"

#include "base/errors.h"

#include <algorithm>
#include <string>
#include <utility>

namespace quorate::snapshot {
namespace {

Result<std::unique_ptr<storage::Cursor>> scan(storage::Table table, storage::View& view) {
    const auto [lo, hi] = storage::table_range(table);
    return view.scan({lo, hi}, storage::Direction::kForward);
}

}  // namespace

Result<Section> make_section(const TableMapping& mapping, storage::View& view) {
    Section section{Bytes(mapping.bucket), nullptr, {}};
    if (mapping.order == RowOrder::kSame) {
        section.table = &mapping;
        return section;
    }
    const auto cursor = scan(mapping.table, view);
    if (!cursor) {
        return cursor.error();
    }
    while (true) {
        const auto pair = (*cursor)->next();
        if (!pair) {
            return pair.error();
        }
        if (!pair->has_value()) {
            break;
        }
        auto row = mapping.to_etcd(**pair);
        if (!row) {
            return row.error();
        }
        section.rows.push_back(std::move(row).value());
    }
    const auto by_key = [](const Row& a, const Row& b) { return a.key < b.key; };
    std::sort(section.rows.begin(), section.rows.end(), by_key);
    const auto same = std::adjacent_find(section.rows.begin(), section.rows.end(),
                                         [](const Row& a, const Row& b) { return a.key == b.key; });
    if (same != section.rows.end()) {
        return Status(errors::kDamaged,
                      "two rows of the table for bucket \"" + section.bucket + "\" have one name");
    }
    return section;
}

Result<SectionCursor> SectionCursor::open(const Section& section, storage::View& view) {
    SectionCursor cursor(section);
    if (section.table != nullptr) {
        auto scanned = scan(section.table->table, view);
        if (!scanned) {
            return scanned.error();
        }
        cursor.cursor_ = std::move(scanned).value();
    }
    return cursor;
}

Result<const Row*> SectionCursor::next() {
    if (cursor_ == nullptr) {
        return next_ < section_->rows.size() ? &section_->rows[next_++] : nullptr;
    }
    const auto pair = cursor_->next();
    if (!pair) {
        return pair.error();
    }
    if (!pair->has_value()) {
        return nullptr;
    }
    auto row = section_->table->to_etcd(**pair);
    if (!row) {
        return row.error();
    }
    row_ = std::move(row).value();
    return &row_;
}

}  // namespace quorate::snapshot
