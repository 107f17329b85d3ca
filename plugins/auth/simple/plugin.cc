// SPDX-License-Identifier: Apache-2.0
#include "plugins/auth/simple/provider.h"

extern "C" QUORATE_EXPORT const quorate_plugin* quorate_plugin_entry() {
    return quorate::plugin::auth_plugin<quorate::auth_simple::Provider>();
}
