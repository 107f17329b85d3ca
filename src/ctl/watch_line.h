// SPDX-License-Identifier: Apache-2.0
//
// What a line of watch asks for: the command line's, or one typed in interactive mode. Any thread.
#pragma once

#include "base/status.h"
#include "ctl/flags.h"
#include "rpc.pb.h"

#include <span>
#include <string>
#include <vector>

namespace quorate::ctl {

extern const std::span<const FlagSpec> kWatchFlags;

// From the environment: what to watch when the line does not say.
struct WatchDefaults {
    std::string key;
    std::string range_end;
};

struct WatchLine {
    etcdserverpb::WatchCreateRequest create;
    std::vector<std::string> command;  // to run for each event; may be empty
};

// errors::kUsage with etcdctl's text.
Result<WatchLine> watch_line(const ParsedLine& line, const WatchDefaults& defaults);

}  // namespace quorate::ctl
