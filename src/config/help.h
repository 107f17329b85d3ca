// SPDX-License-Identifier: Apache-2.0
//
// The option table as Boost.Program_options sees it: what the command line is checked against and
// what --help prints. Start-up thread.
#pragma once

#include <boost/program_options/options_description.hpp>

namespace quorate::config {

// Every option, legacy ones too; values are texts, read later by the table's own functions.
boost::program_options::options_description describe_options();

}  // namespace quorate::config
