// SPDX-License-Identifier: Apache-2.0
//
// The check of one state of a store, page by page, before LMDB reads it: LMDB believes what it
// maps, and follows a damaged page wherever it leads. Reads all of the state once, in the order of
// the keys, with a few bits of memory per page. Start-stop thread, with the directory locked.
#pragma once

#include "format.h"
#include "plugin/cxx/posix.h"
#include "plugin/cxx/result.h"
#include "record.h"

#include <cstdint>

namespace quorate::lmdb_engine {

// Whether the state under `meta` is whole: both trees well formed, no page in two places, every
// checksum right, and the tally what the rows add up to. Gives the tally. QUORATE_DATA_LOSS names
// file and page.
plugin::Result<Tally> check_state(const plugin::PosixFile& file, const Meta& meta);

}  // namespace quorate::lmdb_engine
