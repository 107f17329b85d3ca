// SPDX-License-Identifier: Apache-2.0
//
// What a command of quoratectl ends with: etcdctl's exit codes and the text behind "Error: ".
// Values, any thread.
#pragma once

#include "base/errors.h"
#include "base/status.h"

#include <cstdint>
#include <string>
#include <utility>

namespace quorate::ctl {

enum class ExitCode : uint8_t {
    kOk = 0,
    kError = 1,          // the server refused, or the command line can't be read
    kBadConnection = 2,  // no login; and lease commands that failed, as etcdctl counts them
    kInvalidInput = 3,   // what txn, watch and check read from their input
    kBadFeature = 4,     // a value or an output format that this command does not take
    kInterrupted = 5,    // a watch or a snapshot that ended early
    kIo = 6,
    kBadArguments = 128,
};

// The user can't be authenticated; with the server's words.
inline constexpr ErrorDef kLoginFailed{Code::kUnauthenticated, ""};

class [[nodiscard]] Exit {
  public:
    Exit() = default;
    // NOLINTNEXTLINE: a failed Status is an Exit by design; a good one is success.
    Exit(const Status& status) : Exit(code_of(status), status) {}
    Exit(ExitCode code, const Status& status)
        : code_(status.ok() ? 0 : static_cast<int>(code)), error_(status.message()) {}
    Exit(ExitCode code, std::string error)
        : code_(static_cast<int>(code)), error_(std::move(error)) {}

    // Everything has been said already.
    static Exit silent(ExitCode code) { return {code, std::string()}; }
    // Another program's code.
    static Exit of_program(int code, std::string error) {
        Exit exit;
        exit.code_ = code;
        exit.error_ = std::move(error);
        return exit;
    }

    bool ok() const { return code_ == 0; }
    int code() const { return code_; }
    const std::string& error() const { return error_; }  // may be empty

  private:
    // Of our own errors; what a server answers is kError.
    static ExitCode code_of(const Status& status) {
        return status.is(errors::kUsage)             ? ExitCode::kBadArguments
               : status.is(errors::kUnimplemented)   ? ExitCode::kBadFeature
               : status.is(errors::kInvalidArgument) ? ExitCode::kInvalidInput
               : status.is(errors::kIo)              ? ExitCode::kIo
               : status.is(kLoginFailed)             ? ExitCode::kBadConnection
                                                     : ExitCode::kError;
    }

    int code_ = 0;
    std::string error_;
};

inline Exit bad_arguments(std::string error) {
    return {ExitCode::kBadArguments, std::move(error)};
}

}  // namespace quorate::ctl
