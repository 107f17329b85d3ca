// SPDX-License-Identifier: Apache-2.0
#include "config/feature_gates.h"

#include <gtest/gtest.h>

namespace quorate::config {
namespace {

FeatureGates parsed(std::string_view text) {
    const Result<FeatureGates> gates = FeatureGates::parse(text);
    EXPECT_TRUE(gates.has_value()) << text;
    return gates.has_value() ? *gates : FeatureGates();
}

TEST(FeatureGates, DefaultsAreEtcds) {
    const FeatureGates gates = parsed("");
    EXPECT_TRUE(gates.enabled(Feature::kFastLeaseKeepAlive));
    EXPECT_TRUE(gates.enabled(Feature::kTxnModeWriteWithSharedBuffer));
    EXPECT_FALSE(gates.enabled(Feature::kCompactHashCheck));
    EXPECT_FALSE(gates.enabled(Feature::kLeaseCheckpoint));
}

TEST(FeatureGates, NamedOnes) {
    const FeatureGates gates = parsed(" LeaseCheckpoint = true , FastLeaseKeepAlive=false");
    EXPECT_TRUE(gates.enabled(Feature::kLeaseCheckpoint));
    EXPECT_FALSE(gates.enabled(Feature::kFastLeaseKeepAlive));
}

TEST(FeatureGates, WholeStagesYieldToNames) {
    const FeatureGates alpha = parsed("PriorityRequest=false,AllAlpha=true");
    EXPECT_FALSE(alpha.enabled(Feature::kPriorityRequest));
    EXPECT_TRUE(alpha.enabled(Feature::kCompactHashCheck));
    EXPECT_TRUE(alpha.enabled(Feature::kFastLeaseKeepAlive));
    const FeatureGates beta = parsed("AllBeta=false");
    EXPECT_FALSE(beta.enabled(Feature::kFastLeaseKeepAlive));
    EXPECT_FALSE(beta.enabled(Feature::kCompactHashCheck));
}

TEST(FeatureGates, TableIsInTheOrderOfTheEnum) {
    for (size_t i = 0; i < kFeatureCount; ++i) {
        EXPECT_EQ(static_cast<size_t>(feature_table()[i].feature), i);
        EXPECT_TRUE(i == 0 || feature_table()[i - 1].name < feature_table()[i].name);
    }
}

}  // namespace
}  // namespace quorate::config
