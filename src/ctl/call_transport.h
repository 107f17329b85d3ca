// SPDX-License-Identifier: Apache-2.0
//
// The transport plugin of a process that makes calls and answers none. One per process; it outlives
// every Client. The thread that opened it.
#pragma once

#include "base/clock.h"
#include "base/metrics.h"
#include "base/status.h"
#include "ctl/waiter.h"
#include "plugin/host.h"
#include "plugin/loader.h"
#include "transport/client.h"

#include <memory>
#include <string>

namespace quorate::ctl {

class CallTransport final : private transport::Handler {
  public:
    static Result<std::unique_ptr<CallTransport>> open(const std::string& plugin_dir);
    ~CallTransport() override;

    transport::Client& calls() { return *transport_->client(); }
    // Sends what this thread has asked for.
    void flush() { transport_->flush(); }
    // Woken by whatever comes in for any call.
    Waiter& waiter() { return waiter_; }

  private:
    explicit CallTransport(const std::string& plugin_dir)
        : host_(metrics_, clock_), loader_(plugin_dir, host_) {}

    std::unique_ptr<transport::Call> on_call(const transport::CallInfo&,
                                             transport::Reply) override {
        return nullptr;
    }

    SystemClock clock_;
    metrics::Registry metrics_;
    plugin::Host host_;
    plugin::Loader loader_;
    Waiter waiter_;
    std::unique_ptr<transport::Transport> transport_;
};

// Where plugins lie for a binary in this folder: beside it, or where they are installed.
Result<std::string> find_plugin_dir(const std::string& executable_dir);

}  // namespace quorate::ctl
