// SPDX-License-Identifier: Apache-2.0
#include "cluster/membership.h"

#include "base/assert.h"
#include "base/errors.h"
#include "cluster/member_codec.h"
#include "storage/schema.h"

#include <algorithm>
#include <utility>

namespace quorate::cluster {
namespace {

std::vector<Member>::iterator place_of(List& list, uint64_t id) {
    return std::lower_bound(list.members.begin(), list.members.end(), id,
                            [](const Member& member, uint64_t key) { return member.id < key; });
}

Member* find_in(List& list, uint64_t id) {
    const auto place = place_of(list, id);
    return place != list.members.end() && place->id == id ? &*place : nullptr;
}

// Whether somebody else is reached at one of the URLs.
bool is_url_taken(const List& list, const Member& candidate) {
    for (const Member& member : list.members) {
        if (member.id == candidate.id) {
            continue;
        }
        for (const std::string& url : candidate.peer_urls) {
            if (std::find(member.peer_urls.begin(), member.peer_urls.end(), url) !=
                member.peer_urls.end()) {
                return true;
            }
        }
    }
    return false;
}

Status damaged(const char* table, ByteView key) {
    return {errors::kDamaged, std::string(table) + " table: row of " + std::to_string(key.size()) +
                                  " key bytes can't be read"};
}

}  // namespace

const Member* List::find(uint64_t id) const {
    const auto place =
        std::lower_bound(members.begin(), members.end(), id,
                         [](const Member& member, uint64_t key) { return member.id < key; });
    return place != members.end() && place->id == id ? &*place : nullptr;
}

size_t List::learners() const {
    return static_cast<size_t>(std::count_if(
        members.begin(), members.end(), [](const Member& member) { return member.is_learner; }));
}

size_t List::voters() const {
    return members.size() - learners();
}

Membership::Membership() : list_(std::make_shared<const List>()) {}

Status Membership::restore(storage::View& view) {
    List list;
    const auto visit = [&](storage::Table table, auto&& take) -> Status {
        const auto [lo, hi] = storage::table_range(table);
        const auto cursor = view.scan({lo, hi}, storage::Direction::kForward);
        if (!cursor) {
            return cursor.error();
        }
        while (true) {
            const auto pair = (*cursor)->next();
            if (!pair) {
                return pair.error();
            }
            if (!pair->has_value()) {
                return {};
            }
            if (Status s = take((*pair)->key, (*pair)->value); !s.ok()) {
                return s;
            }
        }
    };
    Status read = visit(storage::Table::kMembers, [&](ByteView key, ByteView value) -> Status {
        auto member = decode_member(value);
        const auto id = storage::parse_id_key(storage::Table::kMembers, key);
        if (!member || !id || member->id != *id) {
            return damaged("member", key);
        }
        list.members.push_back(std::move(*member));
        return {};
    });
    if (read.ok()) {
        read = visit(storage::Table::kRemovedMembers, [&](ByteView key, ByteView) -> Status {
            const auto id = storage::parse_id_key(storage::Table::kRemovedMembers, key);
            if (!id) {
                return damaged("removed member", key);
            }
            list.removed.insert(*id);
            return {};
        });
    }
    if (!read.ok()) {
        return read;
    }
    const auto version = view.get(storage::kClusterVersionKey);
    if (!version) {
        return version.error();
    }
    list.cluster_version = version->value_or("");
    const auto downgrade = view.get(storage::kDowngradeKey);
    if (!downgrade) {
        return downgrade.error();
    }
    list.downgrade_target = downgrade->value_or("");
    show(std::move(list));
    const auto floor = view.get(storage::kConfFloorKey);
    if (!floor) {
        return floor.error();
    }
    ignored_until_ = floor->has_value() ? storage::decode_u64(**floor).value_or(0) : 0;
    return {};
}

void Membership::ignore_changes_until(uint64_t index, storage::WriteBatch& batch) {
    ignored_until_ = index;
    batch.put(storage::kConfFloorKey, storage::encode_u64(index));
}

void Membership::reset(const std::vector<Member>& members, storage::WriteBatch& batch) {
    List list = *list_;
    for (const Member& member : list.members) {
        batch.erase(storage::id_key(storage::Table::kMembers, member.id));
    }
    list.members = members;
    std::sort(list.members.begin(), list.members.end(),
              [](const Member& a, const Member& b) { return a.id < b.id; });
    for (const Member& member : list.members) {
        store(member, batch);
    }
    show(std::move(list));
}

Status Membership::check_change(const List& list, const Change& change) {
    const Member* known = list.find(change.member.id);
    switch (change.kind) {
        case ChangeKind::kAdd:
        case ChangeKind::kAddLearner:
            if (known != nullptr || list.removed.contains(change.member.id)) {
                return errors::kMemberExist;
            }
            return is_url_taken(list, change.member) ? Status(errors::kPeerURLExist) : Status();
        case ChangeKind::kPromote:
            if (known == nullptr) {
                return errors::kMemberNotFound;
            }
            return known->is_learner ? Status() : Status(errors::kMemberNotLearner);
        case ChangeKind::kRemove:
            return known != nullptr ? Status() : Status(errors::kMemberNotFound);
        case ChangeKind::kUpdate:
            if (known == nullptr) {
                return errors::kMemberNotFound;
            }
            return is_url_taken(list, change.member) ? Status(errors::kPeerURLExist) : Status();
    }
    return {errors::kInternal, "unknown membership change"};
}

void Membership::apply(const Change& change, storage::WriteBatch& batch) {
    QUORATE_ASSERT(check(change).ok());
    List list = *list_;
    const uint64_t id = change.member.id;
    switch (change.kind) {
        case ChangeKind::kAdd:
        case ChangeKind::kAddLearner: {
            Member member = change.member;
            member.is_learner = change.kind == ChangeKind::kAddLearner;
            store(member, batch);
            list.members.insert(place_of(list, id), std::move(member));
            break;
        }
        case ChangeKind::kPromote: {
            Member& member = *find_in(list, id);
            member.is_learner = false;
            store(member, batch);
            break;
        }
        case ChangeKind::kUpdate: {
            Member& member = *find_in(list, id);
            member.peer_urls = change.member.peer_urls;
            store(member, batch);
            break;
        }
        case ChangeKind::kRemove:
            batch.erase(storage::id_key(storage::Table::kMembers, id));
            batch.put(storage::id_key(storage::Table::kRemovedMembers, id), ByteView());
            list.members.erase(place_of(list, id));
            list.removed.insert(id);
            break;
    }
    show(std::move(list));
}

bool Membership::publish(const Member& member, storage::WriteBatch& batch) {
    List list = *list_;
    Member* known = find_in(list, member.id);
    if (known == nullptr ||
        (known->name == member.name && known->client_urls == member.client_urls &&
         known->server_version == member.server_version)) {
        return false;
    }
    known->name = member.name;
    known->server_version = member.server_version;
    known->client_urls = member.client_urls;
    store(*known, batch);
    show(std::move(list));
    return true;
}

bool Membership::set_cluster_version(const std::string& version, storage::WriteBatch& batch) {
    if (list_->cluster_version == version) {
        return false;
    }
    List list = *list_;
    list.cluster_version = version;
    batch.put(storage::kClusterVersionKey, version);
    show(std::move(list));
    return true;
}

void Membership::set_downgrade(const std::string& target, storage::WriteBatch& batch) {
    List list = *list_;
    list.downgrade_target = target;
    if (target.empty()) {
        batch.erase(storage::kDowngradeKey);
    } else {
        batch.put(storage::kDowngradeKey, target);
    }
    show(std::move(list));
}

void Membership::store(const Member& member, storage::WriteBatch& batch) {
    batch.put(storage::id_key(storage::Table::kMembers, member.id), encode_member(member));
}

}  // namespace quorate::cluster
