// SPDX-License-Identifier: Apache-2.0
//
// The one list of errors. The first part is etcd's own table: names, codes and texts are the wire
// interface, since clients turn the text back into a typed error. The second part is what goes out
// without etcd's prefix, and what only our own logs and start-up messages show.
#pragma once

#include "base/status.h"

namespace quorate::errors {

inline constexpr ErrorDef kEmptyKey{Code::kInvalidArgument, "etcdserver: key is not provided"};
inline constexpr ErrorDef kKeyNotFound{Code::kInvalidArgument, "etcdserver: key not found"};
inline constexpr ErrorDef kValueProvided{Code::kInvalidArgument, "etcdserver: value is provided"};
inline constexpr ErrorDef kLeaseProvided{Code::kInvalidArgument, "etcdserver: lease is provided"};
inline constexpr ErrorDef kTooManyOps{Code::kInvalidArgument,
                                      "etcdserver: too many operations in txn request"};
inline constexpr ErrorDef kDuplicateKey{Code::kInvalidArgument,
                                        "etcdserver: duplicate key given in txn request"};
inline constexpr ErrorDef kInvalidClientAPIVersion{Code::kInvalidArgument,
                                                   "etcdserver: invalid client api version"};
inline constexpr ErrorDef kInvalidSortOption{Code::kInvalidArgument,
                                             "etcdserver: invalid sort option"};
inline constexpr ErrorDef kCompacted{Code::kOutOfRange,
                                     "etcdserver: mvcc: required revision has been compacted"};
inline constexpr ErrorDef kFutureRev{Code::kOutOfRange,
                                     "etcdserver: mvcc: required revision is a future revision"};
inline constexpr ErrorDef kNoSpace{Code::kResourceExhausted,
                                   "etcdserver: mvcc: database space exceeded"};
inline constexpr ErrorDef kLeaseNotFound{Code::kNotFound, "etcdserver: requested lease not found"};
inline constexpr ErrorDef kLeaseExist{Code::kFailedPrecondition,
                                      "etcdserver: lease already exists"};
inline constexpr ErrorDef kLeaseTTLTooLarge{Code::kOutOfRange, "etcdserver: too large lease TTL"};
inline constexpr ErrorDef kWatchCanceled{Code::kCanceled, "etcdserver: watch canceled"};
inline constexpr ErrorDef kMemberExist{Code::kFailedPrecondition,
                                       "etcdserver: member ID already exist"};
inline constexpr ErrorDef kPeerURLExist{Code::kFailedPrecondition,
                                        "etcdserver: Peer URLs already exists"};
inline constexpr ErrorDef kMemberNotEnoughStarted{
    Code::kFailedPrecondition,
    "etcdserver: re-configuration failed due to not enough started members"};
inline constexpr ErrorDef kMemberBadURLs{Code::kInvalidArgument,
                                         "etcdserver: given member URLs are invalid"};
inline constexpr ErrorDef kMemberNotFound{Code::kNotFound, "etcdserver: member not found"};
inline constexpr ErrorDef kMemberNotLearner{Code::kFailedPrecondition,
                                            "etcdserver: can only promote a learner member"};
inline constexpr ErrorDef kLearnerNotReady{
    Code::kFailedPrecondition,
    "etcdserver: can only promote a learner member which is in sync with leader"};
inline constexpr ErrorDef kTooManyLearners{Code::kFailedPrecondition,
                                           "etcdserver: too many learner members in cluster"};
inline constexpr ErrorDef kClusterIDMismatch{Code::kFailedPrecondition,
                                             "etcdserver: cluster ID mismatch"};
inline constexpr ErrorDef kRequestTooLarge{Code::kInvalidArgument,
                                           "etcdserver: request is too large"};
inline constexpr ErrorDef kRequestTooManyRequests{Code::kResourceExhausted,
                                                  "etcdserver: too many requests"};
inline constexpr ErrorDef kRootUserNotExist{Code::kFailedPrecondition,
                                            "etcdserver: root user does not exist"};
inline constexpr ErrorDef kRootRoleNotExist{Code::kFailedPrecondition,
                                            "etcdserver: root user does not have root role"};
inline constexpr ErrorDef kUserAlreadyExist{Code::kFailedPrecondition,
                                            "etcdserver: user name already exists"};
inline constexpr ErrorDef kUserEmpty{Code::kInvalidArgument, "etcdserver: user name is empty"};
inline constexpr ErrorDef kUserNotFound{Code::kFailedPrecondition,
                                        "etcdserver: user name not found"};
inline constexpr ErrorDef kRoleAlreadyExist{Code::kFailedPrecondition,
                                            "etcdserver: role name already exists"};
inline constexpr ErrorDef kRoleNotFound{Code::kFailedPrecondition,
                                        "etcdserver: role name not found"};
inline constexpr ErrorDef kRoleEmpty{Code::kInvalidArgument, "etcdserver: role name is empty"};
inline constexpr ErrorDef kAuthFailed{
    Code::kInvalidArgument, "etcdserver: authentication failed, invalid user ID or password"};
inline constexpr ErrorDef kPermissionNotGiven{Code::kInvalidArgument,
                                              "etcdserver: permission not given"};
inline constexpr ErrorDef kPermissionDenied{Code::kPermissionDenied,
                                            "etcdserver: permission denied"};
inline constexpr ErrorDef kRoleNotGranted{Code::kFailedPrecondition,
                                          "etcdserver: role is not granted to the user"};
inline constexpr ErrorDef kPermissionNotGranted{
    Code::kFailedPrecondition, "etcdserver: permission is not granted to the role"};
inline constexpr ErrorDef kAuthNotEnabled{Code::kFailedPrecondition,
                                          "etcdserver: authentication is not enabled"};
inline constexpr ErrorDef kInvalidAuthToken{Code::kUnauthenticated,
                                            "etcdserver: invalid auth token"};
inline constexpr ErrorDef kInvalidAuthMgmt{Code::kInvalidArgument,
                                           "etcdserver: invalid auth management"};
inline constexpr ErrorDef kAuthOldRevision{Code::kInvalidArgument,
                                           "etcdserver: revision of auth store is old"};
inline constexpr ErrorDef kNoLeader{Code::kUnavailable, "etcdserver: no leader"};
inline constexpr ErrorDef kNotLeader{Code::kFailedPrecondition, "etcdserver: not leader"};
inline constexpr ErrorDef kLeaderChanged{Code::kUnavailable, "etcdserver: leader changed"};
inline constexpr ErrorDef kNotCapable{Code::kFailedPrecondition, "etcdserver: not capable"};
inline constexpr ErrorDef kStopped{Code::kUnavailable, "etcdserver: server stopped"};
inline constexpr ErrorDef kTimeout{Code::kUnavailable, "etcdserver: request timed out"};
inline constexpr ErrorDef kTimeoutDueToLeaderFail{
    Code::kUnavailable, "etcdserver: request timed out, possibly due to previous leader failure"};
inline constexpr ErrorDef kTimeoutDueToConnectionLost{
    Code::kUnavailable, "etcdserver: request timed out, possibly due to connection lost"};
inline constexpr ErrorDef kTimeoutWaitAppliedIndex{
    Code::kUnavailable,
    "etcdserver: request timed out, waiting for the applied index took too long"};
inline constexpr ErrorDef kUnhealthy{Code::kUnavailable, "etcdserver: unhealthy cluster"};
inline constexpr ErrorDef kTimeoutLeaderTransfer{
    Code::kUnknown, "etcdserver: request timed out, leader transfer took too long"};
inline constexpr ErrorDef kCorrupt{Code::kDataLoss, "etcdserver: corrupt cluster"};
inline constexpr ErrorDef kNotSupportedForLearner{Code::kFailedPrecondition,
                                                  "etcdserver: rpc not supported for learner"};
inline constexpr ErrorDef kBadLeaderTransferee{Code::kFailedPrecondition,
                                               "etcdserver: bad leader transferee"};
inline constexpr ErrorDef kWrongDowngradeVersionFormat{
    Code::kInvalidArgument, "etcdserver: wrong downgrade target version format"};
inline constexpr ErrorDef kInvalidDowngradeTargetVersion{
    Code::kInvalidArgument, "etcdserver: invalid downgrade target version"};
inline constexpr ErrorDef kClusterVersionUnavailable{
    Code::kFailedPrecondition, "etcdserver: cluster version not found during downgrade"};
inline constexpr ErrorDef kDowngradeInProcess{
    Code::kFailedPrecondition, "etcdserver: cluster has a downgrade job in progress"};
inline constexpr ErrorDef kNoInflightDowngrade{Code::kFailedPrecondition,
                                               "etcdserver: no inflight downgrade job"};
inline constexpr ErrorDef kCanceled{Code::kCanceled, "etcdserver: request canceled"};
inline constexpr ErrorDef kDeadlineExceeded{Code::kDeadlineExceeded,
                                            "etcdserver: context deadline exceeded"};

// Seen on the wire without a place in etcd's table.
inline constexpr ErrorDef kContextCanceled{Code::kCanceled, "context canceled"};
inline constexpr ErrorDef kContextDeadline{Code::kDeadlineExceeded, "context deadline exceeded"};
inline constexpr ErrorDef kWatchRangeEmpty{Code::kInvalidArgument, "mvcc: watcher range is empty"};
inline constexpr ErrorDef kWatchDuplicateId{Code::kInvalidArgument,
                                            "mvcc: duplicate watch ID provided on the WatchStream"};
inline constexpr ErrorDef kStreamCustomSort{Code::kUnimplemented,
                                            "RangeStream does not support custom sort orders"};
inline constexpr ErrorDef kStreamRevisionFilter{Code::kUnimplemented,
                                                "RangeStream does not support revision filters"};

// Without a text of their own: the detail is the whole message.
inline constexpr ErrorDef kUnknown{Code::kUnknown, ""};
inline constexpr ErrorDef kInvalidArgument{Code::kInvalidArgument, ""};
inline constexpr ErrorDef kNotFound{Code::kNotFound, ""};
inline constexpr ErrorDef kInternal{Code::kInternal, ""};
inline constexpr ErrorDef kUnimplemented{Code::kUnimplemented, ""};
inline constexpr ErrorDef kUnavailable{Code::kUnavailable, ""};
inline constexpr ErrorDef kResourceExhausted{Code::kResourceExhausted, ""};

// Never sent to a client: disk, configuration and plugins.
inline constexpr ErrorDef kIo{Code::kInternal, "i/o error"};
inline constexpr ErrorDef kDiskFull{Code::kResourceExhausted, "no space left on device"};
inline constexpr ErrorDef kFileNotFound{Code::kNotFound, "no such file or directory"};
inline constexpr ErrorDef kDamaged{Code::kDataLoss, "damaged data"};
inline constexpr ErrorDef kNewerFormat{Code::kFailedPrecondition, "written by a newer version"};
inline constexpr ErrorDef kForeignData{Code::kFailedPrecondition, "data of another cluster"};
inline constexpr ErrorDef kConfChangeRefused{Code::kFailedPrecondition,
                                             "membership change refused"};
inline constexpr ErrorDef kBadRaftMessage{Code::kInvalidArgument, "malformed raft message"};
inline constexpr ErrorDef kConfig{Code::kInvalidArgument, ""};
inline constexpr ErrorDef kUsage{Code::kInvalidArgument, ""};  // the command line
inline constexpr ErrorDef kAddress{Code::kUnavailable, ""};    // can't be listened on
inline constexpr ErrorDef kPlugin{Code::kFailedPrecondition, ""};

}  // namespace quorate::errors
