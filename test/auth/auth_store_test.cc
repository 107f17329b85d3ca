// SPDX-License-Identifier: Apache-2.0
#include "auth/auth_store.h"

#include "base/errors.h"
#include "storage/mem_backend.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace quorate::auth {
namespace {

constexpr ByteView kToTheEnd("\0", 1);

class AuthStoreTest : public testing::Test {
  protected:
    // Writes what the change has left in the batch, as a turn of the apply loop does.
    template <typename Change>
    Status run(Change change) {
        Status done = change();
        EXPECT_TRUE(backend_.write(batch_, storage::Durability::kBuffered).ok());
        batch_.clear();
        store_.check_invariants();
        return done;
    }

    Status add_user(const std::string& name, const std::string& hash = "h") {
        return run([&] { return store_.add_user({name, hash, {}, false}, batch_); });
    }
    Status add_role(const std::string& name) {
        return run([&] { return store_.add_role(name, batch_); });
    }
    Status grant(const std::string& user, const std::string& role) {
        return run([&] { return store_.grant_role(user, role, batch_); });
    }
    Status permit(const std::string& role, Permission permission) {
        return run([&] { return store_.grant_permission(role, permission, batch_); });
    }
    Status enable() {
        return run([&] { return store_.enable(batch_); });
    }
    // A root with all rights, and authentication on.
    void make_root_and_enable() {
        ASSERT_TRUE(add_user("root").ok());
        ASSERT_TRUE(grant("root", "root").ok());
        ASSERT_TRUE(enable().ok());
    }
    uint64_t revision() const { return store_.rules().revision; }
    const UserEntry& user(const std::string& name) const { return *store_.rules().find_user(name); }

    Status restore(AuthStore& other) {
        const auto view = backend_.view();
        EXPECT_TRUE(view.has_value());
        return other.restore(**view);
    }

    storage::MemBackend backend_;
    storage::WriteBatch batch_;
    AuthStore store_;
};

TEST_F(AuthStoreTest, BeginsOffAtRevisionOne) {
    EXPECT_FALSE(store_.enabled());
    EXPECT_EQ(revision(), 1u);
    AuthStore restored;
    EXPECT_TRUE(restore(restored).ok());
    EXPECT_EQ(restored.rules().revision, 1u);
}

TEST_F(AuthStoreTest, EnablingNeedsRootWithItsRole) {
    EXPECT_TRUE(enable().is(errors::kRootUserNotExist));
    ASSERT_TRUE(add_user("root").ok());
    EXPECT_TRUE(enable().is(errors::kRootRoleNotExist));
    ASSERT_TRUE(grant("root", "root").ok());  // the role need not be there
    const uint64_t before = revision();
    EXPECT_TRUE(enable().ok());
    EXPECT_TRUE(enable().ok());
    EXPECT_EQ(revision(), before);
    run([&] {
        store_.disable(batch_);
        return Status();
    }).ok();
    EXPECT_FALSE(store_.enabled());
    EXPECT_EQ(revision(), before + 1);
}

TEST_F(AuthStoreTest, EachChangeRaisesTheRevisionAndNoRefusalDoes) {
    ASSERT_TRUE(add_user("alice").ok());
    EXPECT_EQ(revision(), 2u);
    EXPECT_TRUE(add_user("alice").is(errors::kUserAlreadyExist));
    EXPECT_TRUE(add_user("").is(errors::kUserEmpty));
    EXPECT_TRUE(
        add_user(std::string(AuthStore::kNameBytesMax + 1, 'x')).is(errors::kInvalidAuthMgmt));
    EXPECT_TRUE(add_role("").is(errors::kRoleEmpty));
    EXPECT_TRUE(grant("alice", "r").is(errors::kRoleNotFound));
    EXPECT_TRUE(grant("bob", "r").is(errors::kUserNotFound));
    EXPECT_EQ(revision(), 2u);
    ASSERT_TRUE(add_role("r").ok());
    EXPECT_TRUE(add_role("r").is(errors::kRoleAlreadyExist));
    ASSERT_TRUE(grant("alice", "r").ok());
    EXPECT_EQ(revision(), 4u);
    EXPECT_TRUE(grant("alice", "r").ok());  // has it already
    EXPECT_EQ(revision(), 4u);
    ASSERT_TRUE(run([&] { return store_.change_password("alice", "new", batch_); }).ok());
    EXPECT_EQ(user("alice").user.password_hash, "new");
    ASSERT_TRUE(run([&] { return store_.revoke_role("alice", "r", batch_); }).ok());
    EXPECT_TRUE(
        run([&] { return store_.revoke_role("alice", "r", batch_); }).is(errors::kRoleNotGranted));
    ASSERT_TRUE(run([&] { return store_.delete_user("alice", batch_); }).ok());
    EXPECT_TRUE(run([&] { return store_.delete_user("alice", batch_); }).is(errors::kUserNotFound));
    EXPECT_TRUE(run([&] {
                    return store_.change_password("alice", "x", batch_);
                }).is(errors::kUserNotFound));
    EXPECT_EQ(revision(), 7u);
}

TEST_F(AuthStoreTest, RolesSetWhatTheirUsersMay) {
    ASSERT_TRUE(add_user("alice").ok());
    ASSERT_TRUE(add_role("r").ok());
    ASSERT_TRUE(grant("alice", "r").ok());
    EXPECT_FALSE(user("alice").may_read({"a", {}}));
    ASSERT_TRUE(permit("r", {Grant::kRead, "a", "c"}).ok());
    ASSERT_TRUE(permit("r", {Grant::kReadWrite, "c", "d"}).ok());
    EXPECT_TRUE(user("alice").may_read({"a", "d"}));
    EXPECT_FALSE(user("alice").may_write({"a", {}}));
    EXPECT_TRUE(user("alice").may_write({"c", "d"}));
    // The same span again replaces what it gives.
    ASSERT_TRUE(permit("r", {Grant::kWrite, "a", "c"}).ok());
    EXPECT_FALSE(user("alice").may_read({"a", {}}));
    EXPECT_EQ(store_.rules().find_role("r")->permissions.size(), 2u);
    EXPECT_TRUE(run([&] {
                    return store_.revoke_permission("r", {"a", "b"}, batch_);
                }).is(errors::kPermissionNotGranted));
    ASSERT_TRUE(run([&] { return store_.revoke_permission("r", {"a", "c"}, batch_); }).ok());
    EXPECT_FALSE(user("alice").may_write({"a", {}}));
    ASSERT_TRUE(run([&] { return store_.delete_role("r", batch_); }).ok());
    EXPECT_FALSE(user("alice").may_read({"c", {}}));
    EXPECT_TRUE(user("alice").user.roles.empty());
}

TEST_F(AuthStoreTest, PermissionsNeedKeys) {
    ASSERT_TRUE(add_role("r").ok());
    EXPECT_TRUE(permit("r", {Grant::kRead, "", {}}).is(errors::kInvalidAuthMgmt));
    EXPECT_TRUE(permit("r", {Grant::kRead, "b", "a"}).is(errors::kInvalidAuthMgmt));
    EXPECT_TRUE(permit("r", {Grant::kRead, "b", "b"}).is(errors::kInvalidAuthMgmt));
    EXPECT_TRUE(permit("r", {Grant::kRead, "b", Bytes(kToTheEnd)}).ok());
    EXPECT_TRUE(permit("none", {Grant::kRead, "b", {}}).is(errors::kRoleNotFound));
}

TEST_F(AuthStoreTest, WhileEnabledRootStays) {
    ASSERT_TRUE(add_role("root").ok());
    make_root_and_enable();
    EXPECT_TRUE(
        run([&] { return store_.delete_user("root", batch_); }).is(errors::kInvalidAuthMgmt));
    EXPECT_TRUE(
        run([&] { return store_.delete_role("root", batch_); }).is(errors::kInvalidAuthMgmt));
    EXPECT_TRUE(run([&] {
                    return store_.revoke_role("root", "root", batch_);
                }).is(errors::kInvalidAuthMgmt));
    ASSERT_TRUE(run([&] {
                    store_.disable(batch_);
                    return Status();
                }).ok());
    EXPECT_TRUE(run([&] { return store_.delete_role("root", batch_); }).ok());
    EXPECT_FALSE(user("root").is_root);
}

TEST_F(AuthStoreTest, LogsInByNameAndRevision) {
    make_root_and_enable();
    ASSERT_TRUE(add_user("alice").ok());
    const Rules& rules = store_.rules();
    EXPECT_TRUE(rules.log_in({"", 0}).error().is(errors::kUserEmpty));
    EXPECT_TRUE(rules.log_in({"alice", revision() - 1}).error().is(errors::kAuthOldRevision));
    EXPECT_TRUE(rules.log_in({"nobody", revision()}).error().is(errors::kPermissionDenied));
    ASSERT_TRUE(rules.log_in({"alice", revision()}).has_value());
    EXPECT_TRUE(rules.check_root({"", 0}).is(errors::kUserEmpty));
    EXPECT_TRUE(rules.check_root({"alice", revision()}).is(errors::kPermissionDenied));
    EXPECT_TRUE(rules.check_root({"gone", revision()}).is(errors::kPermissionDenied));
    EXPECT_TRUE(rules.check_root({"root", 0}).ok());
}

TEST_F(AuthStoreTest, AUserWithoutPasswordGetsNone) {
    ASSERT_TRUE(run([&] { return store_.add_user({"cn", {}, {}, true}, batch_); }).ok());
    ASSERT_TRUE(run([&] { return store_.change_password("cn", "h", batch_); }).ok());
    EXPECT_EQ(user("cn").user.password_hash, "");
    EXPECT_TRUE(user("cn").user.no_password);
}

TEST_F(AuthStoreTest, ComesBackFromTheEngine) {
    ASSERT_TRUE(add_user("alice", "secret").ok());
    ASSERT_TRUE(add_user("bob").ok());
    ASSERT_TRUE(add_role("r").ok());
    ASSERT_TRUE(permit("r", {Grant::kRead, "a", "c"}).ok());
    ASSERT_TRUE(grant("alice", "r").ok());
    make_root_and_enable();
    ASSERT_TRUE(run([&] { return store_.delete_user("bob", batch_); }).ok());

    AuthStore restored;
    ASSERT_TRUE(restore(restored).ok());
    restored.check_invariants();
    EXPECT_TRUE(restored.enabled());
    EXPECT_EQ(restored.rules().revision, revision());
    EXPECT_EQ(restored.rules().users.size(), 2u);
    EXPECT_EQ(restored.rules().find_user("alice")->user, user("alice").user);
    EXPECT_TRUE(restored.rules().find_user("alice")->may_read({"a", "c"}));
    EXPECT_TRUE(restored.rules().find_user("root")->is_root);
    EXPECT_EQ(*restored.rules().find_role("r"), *store_.rules().find_role("r"));
    // And goes on: what is new gets a row of its own.
    ASSERT_TRUE(restored.add_user({"carol", "h", {}, false}, batch_).ok());
    restored.check_invariants();
}

TEST_F(AuthStoreTest, MissesRowsThatAreGone) {
    ASSERT_TRUE(add_user("alice").ok());
    storage::WriteBatch loss;
    loss.erase(storage::id_key(storage::Table::kUsers, user("alice").id));
    ASSERT_TRUE(backend_.write(loss, storage::Durability::kBuffered).ok());
    AuthStore restored;
    EXPECT_TRUE(restore(restored).is(errors::kDamaged));
}

TEST_F(AuthStoreTest, RefusesRowsThatAreNone) {
    ASSERT_TRUE(add_user("alice").ok());
    storage::WriteBatch damage;
    damage.put(storage::id_key(storage::Table::kUsers, user("alice").id), "what");
    ASSERT_TRUE(backend_.write(damage, storage::Durability::kBuffered).ok());
    AuthStore restored;
    EXPECT_TRUE(restore(restored).is(errors::kDamaged));
}

// Members give ids to rows by themselves; what they compare must not depend on them.
TEST_F(AuthStoreTest, TheDigestDependsOnContentAlone) {
    ASSERT_TRUE(add_user("x").ok());
    ASSERT_TRUE(run([&] { return store_.delete_user("x", batch_); }).ok());
    ASSERT_TRUE(add_user("alice").ok());
    ASSERT_TRUE(add_user("bob").ok());
    AuthStore other;
    storage::WriteBatch elsewhere;
    ASSERT_TRUE(other.add_user({"y", "h", {}, false}, elsewhere).ok());
    ASSERT_TRUE(other.add_user({"bob", "h", {}, false}, elsewhere).ok());
    ASSERT_TRUE(other.delete_user("y", elsewhere).ok());
    ASSERT_TRUE(other.add_user({"alice", "h", {}, false}, elsewhere).ok());
    const auto view = backend_.view();
    const auto row = (*view)->get(storage::kAuthKey);
    ASSERT_TRUE(row.has_value() && row->has_value());
    EXPECT_NE(other.rules().find_user("bob")->id, user("bob").id);
    EXPECT_EQ(Bytes(elsewhere.ops().back().value), **row);
}

TEST(AuthRows, AreReadBackOrRefused) {
    const User user{"alice", std::string("h\0h", 3), {"a", "b"}, true};
    EXPECT_EQ(decode_user(encode_user(user)), user);
    const Role role{"r", {{Grant::kReadWrite, "k", std::string("\0", 1)}, {Grant::kRead, "z", ""}}};
    EXPECT_EQ(decode_role(encode_role(role)), role);
    for (size_t cut = 0; cut < encode_user(user).size(); ++cut) {
        EXPECT_FALSE(decode_user(ByteView(encode_user(user)).substr(0, cut)).has_value());
    }
    for (size_t cut = 0; cut < encode_role(role).size(); ++cut) {
        EXPECT_FALSE(decode_role(ByteView(encode_role(role)).substr(0, cut)).has_value());
    }
    EXPECT_FALSE(decode_user(encode_user(user) + "x").has_value());
    EXPECT_FALSE(decode_role(encode_role(role) + "x").has_value());
    const auto settings = decode_settings(encode_settings({true, 9, 77}));
    ASSERT_TRUE(settings.has_value());
    EXPECT_TRUE(settings->enabled);
    EXPECT_EQ(settings->revision, 9u);
    EXPECT_EQ(settings->digest, 77u);
    EXPECT_FALSE(decode_settings(encode_settings({true, 9}))->digest.has_value());
    EXPECT_FALSE(decode_settings("\x02").has_value());
    EXPECT_FALSE(decode_settings(encode_settings({true, 9, 77}) + "x").has_value());
}

}  // namespace
}  // namespace quorate::auth
