// SPDX-License-Identifier: Apache-2.0
//
// etcd's feature gates: --feature-gates A=true,B=false. A gate set by name wins over AllAlpha and
// AllBeta, whatever the order. Values, any thread.
#pragma once

#include "base/status.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace quorate::config {

enum class Feature : uint8_t {
    kCompactHashCheck,
    kFastLeaseKeepAlive,
    kInitialCorruptCheck,
    kLeaseCheckpoint,
    kLeaseCheckpointPersist,
    kPriorityRequest,
    kSetMemberLocalAddr,
    kStopGrpcServiceOnDefrag,
    kTxnModeWriteWithSharedBuffer,
};
inline constexpr size_t kFeatureCount = 9;

// In upper case, as etcd_server_feature_enabled labels it.
enum class FeatureStage : uint8_t { kAlpha, kBeta };

struct FeatureInfo {
    Feature feature;
    std::string_view name;
    FeatureStage stage;
    bool enabled_by_default;
    // Why switching it changes nothing here; empty: it does what it does in etcd.
    std::string_view no_effect = {};
};

// In the order of Feature, which is by name.
const std::array<FeatureInfo, kFeatureCount>& feature_table();

class FeatureGates {
  public:
    FeatureGates();
    // An empty text leaves the defaults. Fails with errors::kConfig naming the gate.
    static Result<FeatureGates> parse(std::string_view text);

    bool enabled(Feature feature) const { return enabled_[static_cast<size_t>(feature)]; }
    // What was said for all gates of a stage, which an explicit gate overrides.
    bool all_alpha() const { return all_alpha_; }
    bool all_beta() const { return all_beta_; }

  private:
    bool all_alpha_ = false;
    bool all_beta_ = false;
    std::array<bool, kFeatureCount> enabled_;
};

}  // namespace quorate::config
