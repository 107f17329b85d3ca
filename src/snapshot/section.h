// SPDX-License-Identifier: Apache-2.0
//
// Section: one bucket to be written and where its rows come from, a table of the view or a list.
// SectionCursor walks it, as often as it is opened. One thread at a time.
#pragma once

#include "base/bytes.h"
#include "base/status.h"
#include "snapshot/tables.h"
#include "storage/backend.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

namespace quorate::snapshot {

struct Section {
    Bytes bucket;
    const TableMapping* table = nullptr;  // null: the rows below, sorted
    std::vector<Row> rows;
};

// A table whose order is another in etcd's bucket becomes a list. errors::kDamaged for two rows of
// one name, and what the engine and the mapping say.
Result<Section> make_section(const TableMapping& mapping, storage::View& view);

class SectionCursor {
  public:
    // `section` and `view` outlive the cursor.
    static Result<SectionCursor> open(const Section& section, storage::View& view);
    // Borrowed until the next call; nothing at the end.
    Result<const Row*> next();

  private:
    explicit SectionCursor(const Section& section) : section_(&section) {}

    const Section* section_;
    std::unique_ptr<storage::Cursor> cursor_;  // of a table
    size_t next_ = 0;                          // of a list
    Row row_;
};

}  // namespace quorate::snapshot
