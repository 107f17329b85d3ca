#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# A plugin exports its entry function and nothing else: whatever else it exported could be taken for a
# function of the same name elsewhere in the process. Arguments: the plugins.
set -eu
bad=0
for plugin; do
    symbols=$(nm -D --defined-only "$plugin" | awk '{ print $NF }')
    if [ "$symbols" != quorate_plugin_entry ]; then
        echo "$plugin exports:" $symbols
        bad=1
    fi
done
[ $# -gt 0 ] && [ $bad -eq 0 ]
