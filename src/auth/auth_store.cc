// SPDX-License-Identifier: Apache-2.0
#include "auth/auth_store.h"

#include "base/assert.h"
#include "base/errors.h"

#include <algorithm>
#include <functional>
#include <tuple>
#include <utility>
#include <vector>

namespace quorate::auth {
namespace {

using storage::Table;

uint64_t digest_of(Table table, ByteView row) {
    return row_digest(static_cast<char>(table), row);
}

// The row's bytes are the whole of it: the id in its key only tells rows apart, and may be another
// on each member.
Bytes row_of(const UserEntry& entry) {
    return encode_user(entry.user);
}
Bytes row_of(const RoleEntry& entry) {
    return encode_role(entry.role);
}

bool has(const std::vector<std::string>& sorted, ByteView name) {
    return std::binary_search(sorted.begin(), sorted.end(), name, std::less<>());
}

// Works out what the user's roles give. A role that is gone gives nothing.
std::shared_ptr<const UserEntry> make_entry(const Rules& rules, uint64_t id, User user) {
    auto entry = std::make_shared<UserEntry>();
    entry->id = id;
    entry->user = std::move(user);
    entry->is_root = has(entry->user.roles, kRootRole);
    std::vector<KeySpan> reads;
    std::vector<KeySpan> writes;
    for (const std::string& name : entry->user.roles) {
        const Role* const role = rules.find_role(name);
        if (role == nullptr) {
            continue;
        }
        for (const Permission& permission : role->permissions) {
            if (permission.grant != Grant::kWrite) {
                reads.push_back(permission.span());
            }
            if (permission.grant != Grant::kRead) {
                writes.push_back(permission.span());
            }
        }
    }
    entry->reads = KeySet(reads);
    entry->writes = KeySet(writes);
    return entry;
}

std::vector<Permission>::iterator place_of(Role& role, const KeySpan& span) {
    return std::lower_bound(role.permissions.begin(), role.permissions.end(), span,
                            [](const Permission& permission, const KeySpan& at) {
                                return std::tuple(ByteView(permission.key),
                                                  ByteView(permission.range_end)) <
                                       std::tuple(at.key, at.end);
                            });
}

bool is_at(const Role& role, std::vector<Permission>::const_iterator place, const KeySpan& span) {
    return place != role.permissions.end() && ByteView(place->key) == span.key &&
           ByteView(place->range_end) == span.end;
}

Status damaged(ByteView what) {
    return {errors::kDamaged, "auth: " + std::string(what)};
}

Status for_each_row(storage::View& view, Table table,
                    const std::function<Status(uint64_t id, ByteView row)>& visit) {
    const auto [lo, hi] = storage::table_range(table);
    auto cursor = view.scan({lo, hi}, storage::Direction::kForward);
    if (!cursor) {
        return cursor.error();
    }
    while (true) {
        const auto pair = cursor.value()->next();
        if (!pair) {
            return pair.error();
        }
        if (!pair->has_value()) {
            return {};
        }
        const auto id = storage::parse_id_key(table, (*pair)->key);
        if (!id) {
            return damaged("a row has a key of another form");
        }
        if (Status s = visit(*id, (*pair)->value); !s.ok()) {
            return s;
        }
    }
}

}  // namespace

// One change on its way: the rules to be, and the rows that make them last. Nothing of the store is
// touched before commit().
class AuthStore::Change {
  public:
    Change(AuthStore& store, storage::WriteBatch& batch)
        : store_(store),
          batch_(batch),
          rules_(std::make_shared<Rules>(*store.rules_)),
          digest_(store.digest_) {}

    Rules& rules() { return *rules_; }

    void put_user(uint64_t id, User user) {
        auto entry = make_entry(*rules_, id, std::move(user));
        const std::string name = entry->user.name;
        put(Table::kUsers, rules_->users, name, std::move(entry));
    }
    void erase_user(const UserEntry& entry) {
        erase(Table::kUsers, rules_->users, entry.id, entry.user.name);
    }

    // With all users who have the role.
    void put_role(uint64_t id, Role role) {
        const std::string name = role.name;
        put(Table::kRoles, rules_->roles, name,
            std::make_shared<const RoleEntry>(RoleEntry{id, std::move(role)}));
        refresh_users(name);
    }
    void erase_role(uint64_t id, const std::string& name) {
        erase(Table::kRoles, rules_->roles, id, name);
        std::vector<std::shared_ptr<const UserEntry>> holders;
        for (const auto& [user_name, entry] : rules_->users) {
            if (has(entry->user.roles, name)) {
                holders.push_back(entry);
            }
        }
        for (const auto& entry : holders) {
            User user = entry->user;
            std::erase(user.roles, name);
            put_user(entry->id, std::move(user));
        }
    }

    void commit() {
        ++rules_->revision;
        commit_same_revision();
    }
    void commit_same_revision() {
        batch_.put(storage::kAuthKey,
                   encode_settings({rules_->enabled, rules_->revision, digest_}));
        store_.digest_ = digest_;
        store_.rules_ = std::move(rules_);
    }

  private:
    template <typename Entry>
    void put(Table table, Rules::ByName<Entry>& entries, const std::string& name,
             std::shared_ptr<const Entry> entry) {
        const Bytes row = row_of(*entry);
        batch_.put(storage::id_key(table, entry->id), row);
        digest_ += digest_of(table, row);
        std::shared_ptr<const Entry>& place = entries[name];
        if (place != nullptr) {
            digest_ -= digest_of(table, row_of(*place));
        }
        place = std::move(entry);
    }

    template <typename Entry>
    void erase(Table table, Rules::ByName<Entry>& entries, uint64_t id, const std::string& name) {
        const auto it = entries.find(name);
        batch_.erase(storage::id_key(table, id));
        digest_ -= digest_of(table, row_of(*it->second));
        entries.erase(it);
    }

    // Their rows stay as they are.
    void refresh_users(ByteView role) {
        for (auto& [name, entry] : rules_->users) {
            if (has(entry->user.roles, role)) {
                entry = make_entry(*rules_, entry->id, entry->user);
            }
        }
    }

    AuthStore& store_;
    storage::WriteBatch& batch_;
    std::shared_ptr<Rules> rules_;
    uint64_t digest_;
};

AuthStore::AuthStore() : rules_(std::make_shared<const Rules>()) {}

Status AuthStore::restore_settings(storage::View& view, Settings& settings) {
    const auto row = view.get(storage::kAuthKey);
    if (!row) {
        return row.error();
    }
    if (!row->has_value()) {
        return {};
    }
    const auto decoded = decode_settings(**row);
    if (!decoded) {
        return damaged("whether authentication is enabled can't be read");
    }
    settings = *decoded;
    return {};
}

Status AuthStore::restore(storage::View& view) {
    Settings settings;
    if (Status s = restore_settings(view, settings); !s.ok()) {
        return s;
    }
    auto rules = std::make_shared<Rules>();
    rules->enabled = settings.enabled;
    rules->revision = settings.revision;
    uint64_t digest = 0;
    next_user_id_ = 1;
    next_role_id_ = 1;
    Status s = for_each_row(view, Table::kRoles, [&](uint64_t id, ByteView row) -> Status {
        auto role = decode_role(row);
        if (!role || rules->roles.contains(role->name)) {
            return damaged("role " + std::to_string(id) + " can't be read");
        }
        digest += digest_of(Table::kRoles, row);
        next_role_id_ = std::max(next_role_id_, id + 1);
        const std::string name = role->name;
        rules->roles[name] = std::make_shared<const RoleEntry>(RoleEntry{id, *std::move(role)});
        return {};
    });
    if (!s.ok()) {
        return s;
    }
    s = for_each_row(view, Table::kUsers, [&](uint64_t id, ByteView row) -> Status {
        auto user = decode_user(row);
        if (!user || rules->users.contains(user->name)) {
            return damaged("user " + std::to_string(id) + " can't be read");
        }
        digest += digest_of(Table::kUsers, row);
        next_user_id_ = std::max(next_user_id_, id + 1);
        const std::string name = user->name;
        rules->users[name] = make_entry(*rules, id, *std::move(user));
        return {};
    });
    if (!s.ok()) {
        return s;
    }
    if (settings.digest && *settings.digest != digest) {
        return damaged(
            "users and roles are not those that were written; restore this member from "
            "a snapshot, or empty its data directory and let it join again");
    }
    digest_ = digest;
    rules_ = std::move(rules);
    return {};
}

Status AuthStore::enable(storage::WriteBatch& batch) {
    if (rules_->enabled) {
        return {};
    }
    const UserEntry* const root = rules_->find_user(kRootUser);
    if (root == nullptr) {
        return errors::kRootUserNotExist;
    }
    if (!root->is_root) {
        return errors::kRootRoleNotExist;
    }
    Change change(*this, batch);
    change.rules().enabled = true;
    change.commit_same_revision();
    return {};
}

void AuthStore::disable(storage::WriteBatch& batch) {
    if (!rules_->enabled) {
        return;
    }
    Change change(*this, batch);
    change.rules().enabled = false;
    change.commit();
}

Status AuthStore::add_user(User user, storage::WriteBatch& batch) {
    QUORATE_ASSERT(user.roles.empty());
    if (user.name.empty()) {
        return errors::kUserEmpty;
    }
    if (rules_->find_user(user.name) != nullptr) {
        return errors::kUserAlreadyExist;
    }
    if (user.name.size() > kNameBytesMax) {
        return errors::kInvalidAuthMgmt;
    }
    Change change(*this, batch);
    change.put_user(next_user_id_++, std::move(user));
    change.commit();
    return {};
}

Status AuthStore::delete_user(ByteView name, storage::WriteBatch& batch) {
    if (rules_->enabled && name == kRootUser) {
        return errors::kInvalidAuthMgmt;
    }
    const UserEntry* const entry = rules_->find_user(name);
    if (entry == nullptr) {
        return errors::kUserNotFound;
    }
    Change change(*this, batch);
    change.erase_user(*entry);
    change.commit();
    return {};
}

Status AuthStore::change_password(ByteView name, Bytes hash, storage::WriteBatch& batch) {
    const UserEntry* const entry = rules_->find_user(name);
    if (entry == nullptr) {
        return errors::kUserNotFound;
    }
    Change change(*this, batch);
    if (!entry->user.no_password) {
        User user = entry->user;
        user.password_hash = std::move(hash);
        change.put_user(entry->id, std::move(user));
    }
    change.commit();
    return {};
}

Status AuthStore::grant_role(ByteView user_name, ByteView role, storage::WriteBatch& batch) {
    const UserEntry* const entry = rules_->find_user(user_name);
    if (entry == nullptr) {
        return errors::kUserNotFound;
    }
    // The role root may do all by its name alone.
    if (role != kRootRole && rules_->find_role(role) == nullptr) {
        return errors::kRoleNotFound;
    }
    if (has(entry->user.roles, role)) {
        return {};
    }
    User user = entry->user;
    const auto place = std::lower_bound(user.roles.begin(), user.roles.end(), role, std::less<>());
    user.roles.insert(place, std::string(role));
    Change change(*this, batch);
    change.put_user(entry->id, std::move(user));
    change.commit();
    return {};
}

Status AuthStore::revoke_role(ByteView user_name, ByteView role, storage::WriteBatch& batch) {
    if (rules_->enabled && user_name == kRootUser && role == kRootRole) {
        return errors::kInvalidAuthMgmt;
    }
    const UserEntry* const entry = rules_->find_user(user_name);
    if (entry == nullptr) {
        return errors::kUserNotFound;
    }
    if (!has(entry->user.roles, role)) {
        return errors::kRoleNotGranted;
    }
    User user = entry->user;
    std::erase(user.roles, role);
    Change change(*this, batch);
    change.put_user(entry->id, std::move(user));
    change.commit();
    return {};
}

Status AuthStore::add_role(ByteView name, storage::WriteBatch& batch) {
    if (name.empty()) {
        return errors::kRoleEmpty;
    }
    if (rules_->find_role(name) != nullptr) {
        return errors::kRoleAlreadyExist;
    }
    if (name.size() > kNameBytesMax) {
        return errors::kInvalidAuthMgmt;
    }
    Change change(*this, batch);
    change.put_role(next_role_id_++, {std::string(name), {}});
    change.commit();
    return {};
}

Status AuthStore::delete_role(ByteView name, storage::WriteBatch& batch) {
    if (rules_->enabled && name == kRootRole) {
        return errors::kInvalidAuthMgmt;
    }
    const auto it = rules_->roles.find(name);
    if (it == rules_->roles.end()) {
        return errors::kRoleNotFound;
    }
    Change change(*this, batch);
    change.erase_role(it->second->id, it->first);
    change.commit();
    return {};
}

Status AuthStore::grant_permission(ByteView role_name, Permission permission,
                                   storage::WriteBatch& batch) {
    if (permission.key.empty() || permission.span().is_empty()) {
        return errors::kInvalidAuthMgmt;
    }
    const auto it = rules_->roles.find(role_name);
    if (it == rules_->roles.end()) {
        return errors::kRoleNotFound;
    }
    Role role = it->second->role;
    const auto place = place_of(role, permission.span());
    if (is_at(role, place, permission.span())) {
        place->grant = permission.grant;
    } else {
        role.permissions.insert(place, std::move(permission));
    }
    Change change(*this, batch);
    change.put_role(it->second->id, std::move(role));
    change.commit();
    return {};
}

Status AuthStore::revoke_permission(ByteView role_name, const KeySpan& span,
                                    storage::WriteBatch& batch) {
    const auto it = rules_->roles.find(role_name);
    if (it == rules_->roles.end()) {
        return errors::kRoleNotFound;
    }
    Role role = it->second->role;
    const auto place = place_of(role, span);
    if (!is_at(role, place, span)) {
        return errors::kPermissionNotGranted;
    }
    role.permissions.erase(place);
    Change change(*this, batch);
    change.put_role(it->second->id, std::move(role));
    change.commit();
    return {};
}

void AuthStore::check_invariants() const {
    uint64_t digest = 0;
    for (const auto& [name, entry] : rules_->roles) {
        QUORATE_ASSERT(entry->role.name == name);
        QUORATE_ASSERT(entry->id < next_role_id_);
        digest += digest_of(Table::kRoles, row_of(*entry));
    }
    for (const auto& [name, entry] : rules_->users) {
        QUORATE_ASSERT(entry->user.name == name);
        QUORATE_ASSERT(entry->id < next_user_id_);
        QUORATE_ASSERT(std::is_sorted(entry->user.roles.begin(), entry->user.roles.end()));
        entry->reads.check_invariants();
        entry->writes.check_invariants();
        digest += digest_of(Table::kUsers, row_of(*entry));
    }
    QUORATE_ASSERT(digest == digest_);
}

}  // namespace quorate::auth
