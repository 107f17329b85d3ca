// SPDX-License-Identifier: Apache-2.0
//
// Where log lines go. A write that fails is dropped: a full disk under the log must not stop the
// store, and there is nowhere to tell. Called under the sink's lock, one call at a time.
#pragma once

#include "base/log.h"
#include "base/log_line.h"
#include "base/status.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace quorate::log {

class Output {
  public:
    virtual ~Output() = default;
    // `text` is the formatted line with its newline; `line` what it was made from.
    virtual void write(std::string_view text, const Line& line) = 0;
    // Opens the same name again; nothing to do for what is no file.
    virtual Status reopen() { return {}; }
};

// By etcd's names: "stderr", "stdout", "systemd/journal", a file's path; or "default", which is
// standard error, or the journal with fields where that is what standard error leads to.
// Fails with errors::kConfig naming the output.
Result<std::unique_ptr<Output>> open_output(const std::string& name,
                                            const std::optional<Rotation>& rotation);

// Whether a descriptor is the stream to the journal that the service manager gave the process:
// `journal_stream` is its JOURNAL_STREAM, "device:inode"; null when there is none.
bool is_journal_stream(int fd, const char* journal_stream);

// The journal's datagram protocol on a socket other than the system's own.
Result<std::unique_ptr<Output>> open_journal(const std::string& socket_path);

}  // namespace quorate::log
