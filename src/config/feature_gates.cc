// SPDX-License-Identifier: Apache-2.0
#include "config/feature_gates.h"

#include "base/errors.h"
#include "config/values.h"

#include <optional>

namespace quorate::config {

namespace {

constexpr std::array<FeatureInfo, kFeatureCount> kTable = {{
    {Feature::kCompactHashCheck, "CompactHashCheck", FeatureStage::kAlpha, false,
     "members always compare the hash of their states"},
    {Feature::kFastLeaseKeepAlive, "FastLeaseKeepAlive", FeatureStage::kBeta, true,
     "a renewal never waits for what is not applied"},
    {Feature::kInitialCorruptCheck, "InitialCorruptCheck", FeatureStage::kAlpha, false},
    {Feature::kLeaseCheckpoint, "LeaseCheckpoint", FeatureStage::kAlpha, false},
    {Feature::kLeaseCheckpointPersist, "LeaseCheckpointPersist", FeatureStage::kAlpha, false},
    {Feature::kPriorityRequest, "PriorityRequest", FeatureStage::kAlpha, false},
    {Feature::kSetMemberLocalAddr, "SetMemberLocalAddr", FeatureStage::kAlpha, false},
    {Feature::kStopGrpcServiceOnDefrag, "StopGRPCServiceOnDefrag", FeatureStage::kAlpha, false,
     "a defragmentation keeps nobody waiting"},
    {Feature::kTxnModeWriteWithSharedBuffer, "TxnModeWriteWithSharedBuffer", FeatureStage::kBeta,
     true, "it chooses between two buffers of etcd's"},
}};

struct Wanted {
    std::array<std::optional<bool>, kFeatureCount> by_name;
    std::optional<bool> all_alpha;
    std::optional<bool> all_beta;
};

std::optional<bool>* find(Wanted& wanted, std::string_view name) {
    if (name == "AllAlpha") {
        return &wanted.all_alpha;
    }
    if (name == "AllBeta") {
        return &wanted.all_beta;
    }
    for (const FeatureInfo& info : kTable) {
        if (info.name == name) {
            return &wanted.by_name[static_cast<size_t>(info.feature)];
        }
    }
    return nullptr;
}

Status note_one(Wanted& wanted, std::string_view part) {
    const size_t equals = part.find('=');
    const std::string_view name = trim(part.substr(0, equals));
    if (equals == std::string_view::npos) {
        return {errors::kConfig, "missing bool value for " + std::string(name)};
    }
    std::optional<bool>* slot = find(wanted, name);
    if (slot == nullptr) {
        return {errors::kConfig, "unrecognized feature gate: " + std::string(name)};
    }
    const Result<bool> value = to_bool(trim(part.substr(equals + 1)));
    if (!value) {
        return {errors::kConfig, "the value of " + std::string(name) + " must be true or false"};
    }
    *slot = *value;
    return {};
}

}  // namespace

const std::array<FeatureInfo, kFeatureCount>& feature_table() {
    return kTable;
}

FeatureGates::FeatureGates() {
    for (const FeatureInfo& info : kTable) {
        enabled_[static_cast<size_t>(info.feature)] = info.enabled_by_default;
    }
}

Result<FeatureGates> FeatureGates::parse(std::string_view text) {
    Wanted wanted;
    for (const std::string& part : split_list(text)) {
        if (Status s = note_one(wanted, part); !s.ok()) {
            return s;
        }
    }
    FeatureGates gates;
    gates.all_alpha_ = wanted.all_alpha.value_or(false);
    gates.all_beta_ = wanted.all_beta.value_or(false);
    for (const FeatureInfo& info : kTable) {
        const auto index = static_cast<size_t>(info.feature);
        const std::optional<bool>& all =
            info.stage == FeatureStage::kAlpha ? wanted.all_alpha : wanted.all_beta;
        gates.enabled_[index] = wanted.by_name[index].value_or(all.value_or(gates.enabled_[index]));
    }
    return gates;
}

}  // namespace quorate::config
