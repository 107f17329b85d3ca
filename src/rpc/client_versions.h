// SPDX-License-Identifier: Apache-2.0
//
// Counts calls by the API version that their clients name. Clients choose the text, so only so many
// versions are told apart; the rest is counted together. Any thread; known versions take no lock.
#pragma once

#include "base/bytes.h"
#include "base/metrics.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <mutex>

namespace quorate::rpc {

class ClientVersions {
  public:
    static constexpr size_t kVersionsMax = 32;
    static constexpr size_t kVersionBytesMax = 32;

    explicit ClientVersions(metrics::Registry& metrics);

    enum class Kind : uint8_t { kUnary, kStream };
    // `version`: UTF-8; empty when the client names none.
    void count(Kind kind, ByteView version);

  private:
    struct Version {
        Bytes name;
        metrics::Counter* unary = nullptr;
        metrics::Counter* stream = nullptr;
    };

    Version& find(ByteView name);
    void fill(Version& version, ByteView name);

    metrics::Registry& metrics_;
    std::mutex mutex_;                            // whoever adds one
    std::array<Version, kVersionsMax> versions_;  // constant below known_
    std::atomic<size_t> known_{0};
    Version others_;
};

}  // namespace quorate::rpc
