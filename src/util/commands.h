// SPDX-License-Identifier: Apache-2.0
//
// The commands of the offline tool, each in the file of its name. They print to standard output; an
// error is one line that names the file or option and the way out. One thread.
#pragma once

#include "util/command.h"

#include <span>

namespace quorate::util {

extern const Command kSnapshotStatus;
extern const Command kSnapshotRestore;
extern const Command kMigrate;
extern const Command kVerify;
extern const Command kHashKv;
extern const Command kDefrag;
extern const Command kCompact;
extern const Command kWalDump;

}  // namespace quorate::util
