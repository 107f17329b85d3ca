// SPDX-License-Identifier: Apache-2.0
#include "ctl/job.h"

#include <algorithm>
#include <utility>

namespace quorate::ctl {

Job::~Job() = default;

int64_t Job::deadline_ns() const {
    return now_ns() + std::max(flags().duration_ns("command-timeout"), kMillisecond_ns);
}

Result<ClientOptions> Job::options() {
    if (options_ == nullptr) {
        auto options = client_options(flags());
        if (!options) {
            return options;
        }
        options_ = std::make_unique<ClientOptions>(std::move(*options));
    }
    return *options_;
}

Result<CallTransport*> Job::transport() {
    if (transport_ == nullptr) {
        std::string dir = flags().text("plugin-dir");
        if (dir.empty()) {
            auto found = find_plugin_dir(executable_dir_);
            if (!found) {
                return found.error();
            }
            dir = std::move(*found);
        }
        auto opened = CallTransport::open(dir);
        if (!opened) {
            return opened.error();
        }
        transport_ = std::move(opened).value();
    }
    return transport_.get();
}

Result<std::unique_ptr<Client>> Job::connect(ClientOptions options) {
    const auto ready = transport();
    if (!ready) {
        return ready.error();
    }
    return Client::create(**ready, std::move(options));
}

Result<Client*> Job::client() {
    if (client_ == nullptr) {
        auto wanted = options();
        if (!wanted) {
            return wanted.error();
        }
        auto connected = connect(std::move(*wanted));
        if (!connected) {
            return connected.error();
        }
        client_ = std::move(connected).value();
    }
    return client_.get();
}

}  // namespace quorate::ctl
