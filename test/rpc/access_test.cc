// SPDX-License-Identifier: Apache-2.0
#include "rpc/access.h"

#include "health.pb.h"
#include "rpc.pb.h"
#include "v3election.pb.h"
#include "v3lock.pb.h"

#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <string>

namespace quorate::rpc {
namespace {

TEST(Access, KnowsEveryMethodThereIs) {
    int methods = 0;
    for (const auto* file : {etcdserverpb::RangeRequest::descriptor()->file(),
                             v3lockpb::LockRequest::descriptor()->file(),
                             v3electionpb::LeaderRequest::descriptor()->file(),
                             grpc::health::v1::HealthCheckRequest::descriptor()->file()}) {
        for (int i = 0; i < file->service_count(); ++i) {
            const auto* service = file->service(i);
            for (int j = 0; j < service->method_count(); ++j) {
                const std::string path =
                    "/" + service->full_name() + "/" + service->method(j)->name();
                EXPECT_NE(access_of(path), Access::kNobody) << path;
                ++methods;
            }
        }
    }
    EXPECT_EQ(methods, 52);
}

TEST(Access, DeniesWhatNobodyListed) {
    EXPECT_EQ(access_of("/etcdserverpb.KV/Steal"), Access::kNobody);
    EXPECT_EQ(access_of(""), Access::kNobody);
}

// CVE-2026-33413: methods that anybody could call.
TEST(Access, Cve202633413MaintenanceAndMembershipAreRoots) {
    for (const char* path :
         {"/etcdserverpb.Maintenance/Defragment", "/etcdserverpb.Maintenance/Hash",
          "/etcdserverpb.Maintenance/HashKV", "/etcdserverpb.Maintenance/Snapshot",
          "/etcdserverpb.Maintenance/MoveLeader", "/etcdserverpb.Maintenance/Downgrade",
          "/etcdserverpb.Cluster/MemberRemove", "/etcdserverpb.Cluster/MemberUpdate",
          "/etcdserverpb.Cluster/MemberPromote", "/etcdserverpb.KV/Compact",
          "/etcdserverpb.Auth/UserList", "/etcdserverpb.Auth/RoleList"}) {
        EXPECT_EQ(access_of(path), Access::kRoot) << path;
    }
    // Looks at its URLs first, and then asks for root by itself.
    EXPECT_EQ(access_of("/etcdserverpb.Cluster/MemberAdd"), Access::kByRequest);
    for (const char* path : {"/etcdserverpb.Cluster/MemberList", "/etcdserverpb.Lease/LeaseGrant",
                             "/etcdserverpb.Maintenance/Status"}) {
        EXPECT_EQ(access_of(path), Access::kUser) << path;
    }
}

}  // namespace
}  // namespace quorate::rpc
