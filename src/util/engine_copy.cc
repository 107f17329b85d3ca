// SPDX-License-Identifier: Apache-2.0
#include "util/engine_copy.h"

#include "base/crc32c.h"
#include "base/errors.h"

#include <functional>
#include <string>

namespace quorate::util {
namespace {

using RowVisitor = std::function<Status(const storage::Pair&)>;

Result<CopyReport> visit(storage::Backend& engine, const RowVisitor& visitor) {
    const auto view = engine.view();
    if (!view) {
        return view.error();
    }
    const auto cursor = (*view)->scan({}, storage::Direction::kForward);
    if (!cursor) {
        return cursor.error();
    }
    CopyReport report;
    while (true) {
        const auto pair = (*cursor)->next();
        if (!pair) {
            return pair.error();
        }
        if (!pair->has_value()) {
            return report;
        }
        ++report.rows;
        report.bytes += (*pair)->key.size() + (*pair)->value.size();
        report.hash = crc32c_extend(crc32c_extend(report.hash, (*pair)->key), (*pair)->value);
        if (Status s = visitor(**pair); !s.ok()) {
            return s;
        }
    }
}

}  // namespace

Result<CopyReport> sum_engine(storage::Backend& engine) {
    return visit(engine, [](const storage::Pair&) { return Status(); });
}

Result<CopyReport> copy_engine(storage::Backend& from, storage::Backend& to,
                               size_t batch_bytes_max) {
    storage::WriteBatch batch;
    auto copied = visit(from, [&](const storage::Pair& pair) -> Status {
        batch.put(pair.key, pair.value);
        if (batch.bytes() < batch_bytes_max) {
            return {};
        }
        Status written = to.write(batch, storage::Durability::kBuffered);
        batch.clear();
        return written;
    });
    if (!copied) {
        return copied;
    }
    if (Status s = to.write(batch, storage::Durability::kSynced); !s.ok()) {
        return s;
    }
    const auto arrived = sum_engine(to);
    if (!arrived) {
        return arrived.error();
    }
    if (arrived->rows != copied->rows || arrived->hash != copied->hash) {
        return Status(errors::kDamaged, std::to_string(copied->rows) + " rows were written, " +
                                            std::to_string(arrived->rows) +
                                            " were read again, and they are not the same");
    }
    return copied;
}

}  // namespace quorate::util
