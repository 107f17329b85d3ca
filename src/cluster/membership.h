// SPDX-License-Identifier: Apache-2.0
//
// Who the members are, as of what is applied: changed by committed entries alone, so all members
// agree. Every change goes into the caller's batch and survives restarts in the member tables.
// The raft configuration follows from it: changes are made one at a time, so it is never joint.
// Thread: apply loop; a List that was handed out: any.
#pragma once

#include "base/status.h"
#include "cluster/member.h"
#include "storage/backend.h"

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace quorate::cluster {

enum class ChangeKind : uint8_t {
    kAdd = 1,
    kAddLearner = 2,
    kPromote = 3,  // a learner becomes a voter
    kRemove = 4,
    kUpdate = 5,  // other peer URLs
};

struct Change {
    ChangeKind kind = ChangeKind::kAdd;
    Member member;  // kPromote, kRemove: the id alone; kUpdate: id and peer URLs
};

// The state at one moment; never changed once it is published.
struct List {
    std::vector<Member> members;  // by id
    std::set<uint64_t> removed;
    std::string cluster_version;   // "3.7.0"; empty until a leader has set it
    std::string downgrade_target;  // "3.6.0" while a downgrade is under way

    const Member* find(uint64_t id) const;
    size_t voters() const;
    size_t learners() const;
};

class Membership {
  public:
    Membership();

    // errors::kDamaged names the row that can't be read.
    Status restore(storage::View& view);
    // The first members of a new cluster, and who is left by --force-new-cluster.
    void reset(const std::vector<Member>& members, storage::WriteBatch& batch);

    // --force-new-cluster: changes in log entries up to `index` are those of a cluster that is
    // gone.
    void ignore_changes_until(uint64_t index, storage::WriteBatch& batch);
    uint64_t changes_ignored_until() const { return ignored_until_; }

    // Whether the change fits; the same answer on every member. Errors: kMemberExist,
    // kPeerURLExist, kMemberNotFound, kMemberNotLearner.
    Status check(const Change& change) const { return check_change(*list_, change); }
    // check() was ok.
    void apply(const Change& change, storage::WriteBatch& batch);
    // A member that has started tells its name, client URLs and version. False: nothing is new.
    bool publish(const Member& member, storage::WriteBatch& batch);
    bool set_cluster_version(const std::string& version, storage::WriteBatch& batch);
    // Begins a downgrade to "3.6.0", or ends the one there is with an empty text.
    void set_downgrade(const std::string& target, storage::WriteBatch& batch);

    const List& list() const { return *list_; }
    // For whoever reads on other threads.
    std::shared_ptr<const List> snapshot() const { return list_; }

    static Status check_change(const List& list, const Change& change);

  private:
    static void store(const Member& member, storage::WriteBatch& batch);
    void show(List&& list) { list_ = std::make_shared<const List>(std::move(list)); }

    std::shared_ptr<const List> list_;
    uint64_t ignored_until_ = 0;
};

}  // namespace quorate::cluster
