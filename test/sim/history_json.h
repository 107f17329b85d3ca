// SPDX-License-Identifier: Apache-2.0
//
// Histories as text, one JSON object a line, so that a load generator in any language can write one
// and check-history can read it. Absent members have their defaults: 0, "", false, [].
//
//   {"client": 1, "start": 100, "end": 250,          nanoseconds of one clock; no "end": no answer
//    "compares": [{"key": "a", "mod": 5}, {"key": "b", "value": "x"}],
//    "success": [{"put": "a", "value": "y", "lease": 7}, {"delete": "b", "range_end": "c"}],
//    "failure": [{"range": "a", "range_end": "b", "revision": 3}],
//    "serializable": false,
//    "revision": 6, "failed": false,                  the header's; true: the failure branch
//    "results": [{}, {"deleted": 1}, {"kvs": [
//        {"key": "a", "value": "y", "create": 2, "mod": 6, "version": 2, "lease": 0}]}]}
//   {"change": {"key": "a", "value": "y", "create": 2, "mod": 6, "version": 2, "lease": 7}}
//   {"change": {"key": "b", "mod": 6}, "deletion": true}
//   {"leases_expire": true}
//
// A request that was answered with an error that says it did not happen is left out; one whose fate
// is not known ("unavailable", a deadline) is written without "end". Values that are put must
// differ from each other. Keys and values are text. The changes are those of a watch of everything
// from revision 2 on, in order; without any, only the search for an order is made.
#pragma once

#include "base/status.h"
#include "sim/history.h"

#include <istream>
#include <ostream>

namespace quorate::sim {

// errors::kUsage names the line.
Result<History> read_history(std::istream& in);
void write_history(std::ostream& out, const History& history);

}  // namespace quorate::sim
