// SPDX-License-Identifier: Apache-2.0
//
// The client ability of a transport plugin, as a Client.
#pragma once

#include "plugin/abi/transport_client.h"
#include "plugin/plugin.h"
#include "transport/client.h"

#include <memory>
#include <string>
#include <vector>

namespace quorate::transport {

class PluginClient final : public Client {
  public:
    // Null when the plugin has no such ability. `plugin` outlives the client, and so does
    // `transport`, the plugin's handle.
    static Result<std::unique_ptr<PluginClient>> create(const plugin::Plugin& plugin,
                                                        quorate_transport* transport);

    Result<std::unique_ptr<Connection>> dial(const DialOptions& options) override;

  private:
    PluginClient(const plugin::Plugin& plugin, const quorate_transport_client_interface& calls,
                 quorate_transport* transport)
        : plugin_(plugin), calls_(calls), transport_(transport) {}

    const plugin::Plugin& plugin_;
    const quorate_transport_client_interface calls_;
    quorate_transport* const transport_;
};

// `tls` and what it refers to outlive the result. Null for null.
class AbiTls {
  public:
    explicit AbiTls(const Tls* tls);
    AbiTls(const AbiTls&) = delete;
    AbiTls& operator=(const AbiTls&) = delete;
    const quorate_tls* get() const { return tls_.size == 0 ? nullptr : &tls_; }

  private:
    static std::string lines(const std::vector<std::string>& list);

    quorate_tls tls_{};
    std::string allowed_common_names_;
    std::string allowed_host_names_;
    std::string cipher_suites_;
};

}  // namespace quorate::transport
