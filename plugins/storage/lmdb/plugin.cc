// SPDX-License-Identifier: Apache-2.0
#include "engine.h"

extern "C" QUORATE_EXPORT const quorate_plugin* quorate_plugin_entry() {
    return quorate::plugin::storage_plugin<quorate::lmdb_engine::Engine>();
}
