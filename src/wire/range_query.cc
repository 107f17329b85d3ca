// SPDX-License-Identifier: Apache-2.0
#include "wire/range_query.h"

namespace quorate::wire {

mvcc::RangeQuery to_range_query(const etcdserverpb::RangeRequest& request) {
    mvcc::RangeQuery query;
    query.range = {request.key(), request.range_end()};
    query.revision = request.revision();
    query.limit = request.limit();
    // The numbers are the same on both sides, see mvcc/range.h.
    query.sort_order = static_cast<mvcc::SortOrder>(request.sort_order());
    query.sort_target = static_cast<mvcc::SortTarget>(request.sort_target());
    query.keys_only = request.keys_only();
    query.count_only = request.count_only();
    query.min_mod_revision = request.min_mod_revision();
    query.max_mod_revision = request.max_mod_revision();
    query.min_create_revision = request.min_create_revision();
    query.max_create_revision = request.max_create_revision();
    return query;
}

}  // namespace quorate::wire
