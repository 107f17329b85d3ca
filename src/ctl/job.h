// SPDX-License-Identifier: Apache-2.0
//
// One run of a command: what its line says, and the client, which connects when it is first asked
// for. The process's main thread.
#pragma once

#include "ctl/client.h"
#include "ctl/command.h"
#include "ctl/flags.h"
#include "ctl/options.h"
#include "ctl/printer.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::ctl {

class Job {
  public:
    // `executable_dir` is where the binary lies, for the plugin. `program` is how it was called.
    Job(ParsedLine line, Format format, std::string program, std::string executable_dir)
        : line_(std::move(line)),
          program_(std::move(program)),
          executable_dir_(std::move(executable_dir)),
          printer_(format, line_.flags.on("hex")) {}
    ~Job();

    const std::string& program() const { return program_; }
    const ParsedLine& line() const { return line_; }
    const Flags& flags() const { return line_.flags; }
    const std::vector<std::string>& operands() const { return line_.operands; }
    Printer& printer() { return printer_; }
    // --command-timeout from now.
    int64_t deadline_ns() const;

    // errors::kUsage when the flags do not say how to reach the cluster.
    Result<Client*> client();
    // A further one. Clients end before the job.
    Result<std::unique_ptr<Client>> connect(ClientOptions options);
    Result<CallTransport*> transport();
    // What the flags say; asks for a password at most once.
    Result<ClientOptions> options();

    template <typename Response>
    Result<Response> call(const Method& method, const google::protobuf::MessageLite& request) {
        const auto connected = client();
        if (!connected) {
            return connected.error();
        }
        return (*connected)->template call<Response>(method, request, deadline_ns());
    }

  private:
    const ParsedLine line_;
    const std::string program_;
    const std::string executable_dir_;
    Printer printer_;
    std::unique_ptr<CallTransport> transport_;
    std::unique_ptr<ClientOptions> options_;
    std::unique_ptr<Client> client_;
};

}  // namespace quorate::ctl
