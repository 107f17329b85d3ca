// SPDX-License-Identifier: Apache-2.0
//
// `quorate surface`: what of etcd's interface there is as far as the program's tables say it, one
// fact a line in fields separated by tabs. packaging/doc/surface.py makes the documentation's table
// of it and of what a running member says.
#pragma once

namespace quorate {

void print_surface();

}  // namespace quorate
