// SPDX-License-Identifier: Apache-2.0
#include "ctl/call_transport.h"

#include "base/errors.h"
#include "config/load.h"
#include "transport/plugin_transport.h"

namespace quorate::ctl {

Result<std::unique_ptr<CallTransport>> CallTransport::open(const std::string& plugin_dir) {
    std::unique_ptr<CallTransport> opened(new CallTransport(plugin_dir));
    const auto plugin = opened->loader_.load("transport", "http");
    if (!plugin) {
        return plugin.error();
    }
    auto transport = transport::open_plugin_transport(**plugin, {{"threads", "1"}}, *opened);
    if (!transport) {
        return transport.error();
    }
    opened->transport_ = std::move(transport).value();
    if (opened->transport_->client() == nullptr) {
        return Status(errors::kPlugin, "the transport plugin in " + plugin_dir + " makes no calls");
    }
    if (Status s = opened->transport_->start(); !s.ok()) {
        return s;
    }
    return opened;
}

CallTransport::~CallTransport() {
    if (transport_ != nullptr) {
        transport_->stop(0);
    }
}

Result<std::string> find_plugin_dir(const std::string& executable_dir) {
    config::Inputs inputs;
    inputs.executable_dir = executable_dir;
    const auto loaded = config::load(inputs);
    if (!loaded) {
        return loaded.error();
    }
    return loaded->config.plugins.dir;
}

}  // namespace quorate::ctl
