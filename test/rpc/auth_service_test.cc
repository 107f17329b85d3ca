// SPDX-License-Identifier: Apache-2.0
//
// A whole lone member with its services, asked through the router as the transport does, with a
// token provider that is plain to see through.
#include "rpc/auth_service.h"

#include "auth/fake_tokens.h"
#include "base/errors.h"
#include "config/load.h"
#include "node/recording_channel.h"
#include "rpc/http_access.h"
#include "rpc/http_service.h"
#include "rpc/kv_service.h"
#include "rpc/lease_service.h"
#include "rpc/login.h"
#include "rpc/maintenance_service.h"
#include "rpc/quota.h"
#include "rpc/watch_service.h"
#include "storage/mem_backend.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>
#include <string>

namespace quorate::rpc {
namespace {

using node::RecordingChannel;
using transport::CallInfo;
using transport::Reply;

class AuthServiceTest : public testing::Test {
  protected:
    explicit AuthServiceTest(auth::FakeTokens::Kind kind = auth::FakeTokens::Kind::kInstalled,
                             bool by_certificate = false)
        : fs_(make_posix_file_system()), tokens_(kind) {
        std::string name =
            (std::filesystem::temp_directory_path() / "quorate-auth-XXXXXX").string();
        dir_ = mkdtemp(name.data());
        config::Inputs inputs;
        inputs.arguments = {"--name=n", "--data-dir=" + dir_ + "/data"};
        auto loaded = config::load(inputs);
        EXPECT_TRUE(loaded.has_value()) << loaded.error().message();
        config_ = std::move(loaded->config);
        config_.security.client.client_cert_auth = by_certificate;
        paths_ = node::data_paths(config_);
        start();
    }
    ~AuthServiceTest() override {
        stop();
        std::filesystem::remove_all(dir_);
    }

    void start() {
        metrics_ = std::make_unique<metrics::Registry>();
        router_ = std::make_unique<Router>(*metrics_, clock_);
        const auto identity = node::derive_identity(config_);
        ASSERT_TRUE(identity.has_value());
        ASSERT_TRUE(node::prepare_data_dir(*fs_, paths_).ok());
        auto node = node::Node::open(config_, *identity, paths_,
                                     {*fs_, clock_, *metrics_, backend_, tokens_, [] {}, false});
        ASSERT_TRUE(node.has_value()) << node.error().message();
        node_ = std::move(node).value();
        login_ = std::make_unique<Login>(*node_);
        router_->set_login(*login_);
        quota_ = std::make_unique<Quota>(*node_);
        kv_ = std::make_unique<KvService>(*node_, *quota_);
        lease_ = std::make_unique<LeaseService>(*node_, *quota_, *login_);
        watch_ = std::make_unique<WatchService>(*node_, *login_);
        maintenance_ = std::make_unique<MaintenanceService>(*node_);
        auth_ = std::make_unique<AuthService>(*node_);
        kv_->register_methods(*router_);
        lease_->register_methods(*router_);
        watch_->register_methods(*router_);
        maintenance_->register_methods(*router_);
        auth_->register_methods(*router_);
        auth_->start([] {});
        ASSERT_TRUE(node_->start().ok());
    }

    void stop() {
        if (auth_ != nullptr) {
            auth_->stop();
            node_->stop();
        }
        router_.reset();
        auth_.reset();
        maintenance_.reset();
        watch_.reset();
        lease_.reset();
        kv_.reset();
        quota_.reset();
        login_.reset();
        node_.reset();
    }

    // One unary call.
    template <typename Request>
    Status call(const std::string& path, const Request& request) {
        RecordingChannel channel;
        CallInfo info{};
        info.protocol = transport::Protocol::kGrpc;
        const std::string full = "/etcdserverpb." + path;
        info.path = full;
        info.tls_common_name = common_name_;
        if (!token_.empty()) {
            info.headers = {{"token", token_}};
        }
        const auto made = router_->on_call(info, Reply(&channel));
        if (made != nullptr) {
            made->on_message(request.SerializeAsString());
        }
        channel.wait();
        answer_ = channel.message;
        return channel.status;
    }

    Status put(const std::string& key) {
        etcdserverpb::PutRequest request;
        request.set_key(key);
        return call("KV/Put", request);
    }
    Status get(const std::string& key, const std::string& end = "") {
        etcdserverpb::RangeRequest request;
        request.set_key(key);
        request.set_range_end(end);
        return call("KV/Range", request);
    }
    Status add_user(const std::string& name, const std::string& password) {
        etcdserverpb::AuthUserAddRequest request;
        request.set_name(name);
        request.set_password(password);
        return call("Auth/UserAdd", request);
    }
    Status grant_role(const std::string& user, const std::string& role) {
        etcdserverpb::AuthUserGrantRoleRequest request;
        request.set_user(user);
        request.set_role(role);
        return call("Auth/UserGrantRole", request);
    }
    Status log_in(const std::string& name, const std::string& password) {
        token_.clear();
        etcdserverpb::AuthenticateRequest request;
        request.set_name(name);
        request.set_password(password);
        Status done = call("Auth/Authenticate", request);
        if (done.ok()) {
            etcdserverpb::AuthenticateResponse response;
            EXPECT_TRUE(response.ParseFromString(answer_));
            EXPECT_NE(response.header().member_id(), 0u);
            token_ = response.token();
        }
        return done;
    }
    // root with the password "r", alice with "a", who may do all to the keys from "a" to "b".
    void enable() {
        ASSERT_TRUE(add_user("root", "r").ok());
        ASSERT_TRUE(grant_role("root", "root").ok());
        ASSERT_TRUE(add_user("alice", "a").ok());
        etcdserverpb::AuthRoleAddRequest role;
        role.set_name("r");
        ASSERT_TRUE(call("Auth/RoleAdd", role).ok());
        etcdserverpb::AuthRoleGrantPermissionRequest permission;
        permission.set_name("r");
        permission.mutable_perm()->set_permtype(authpb::Permission::READWRITE);
        permission.mutable_perm()->set_key("a");
        permission.mutable_perm()->set_range_end("b");
        ASSERT_TRUE(call("Auth/RoleGrantPermission", permission).ok());
        ASSERT_TRUE(grant_role("alice", "r").ok());
        ASSERT_TRUE(call("Auth/AuthEnable", etcdserverpb::AuthEnableRequest()).ok());
    }

    std::string dir_;
    std::unique_ptr<FileSystem> fs_;
    SystemClock clock_;
    config::Config config_;
    node::DataPaths paths_;
    storage::MemBackend backend_;
    auth::FakeTokens tokens_;
    std::unique_ptr<metrics::Registry> metrics_;
    std::unique_ptr<node::Node> node_;
    std::unique_ptr<Login> login_;
    std::unique_ptr<Router> router_;
    std::unique_ptr<Quota> quota_;
    std::unique_ptr<KvService> kv_;
    std::unique_ptr<LeaseService> lease_;
    std::unique_ptr<WatchService> watch_;
    std::unique_ptr<MaintenanceService> maintenance_;
    std::unique_ptr<AuthService> auth_;
    std::string token_;
    std::string common_name_;
    Bytes answer_;
};

TEST_F(AuthServiceTest, LogsInAndServesByRights) {
    EXPECT_TRUE(log_in("root", "r").is(errors::kAuthNotEnabled));
    ASSERT_TRUE(put("b").ok());
    enable();
    EXPECT_TRUE(put("b").is(errors::kUserEmpty));
    EXPECT_TRUE(get("b").is(errors::kUserEmpty));
    EXPECT_TRUE(log_in("alice", "wrong").is(errors::kAuthFailed));
    EXPECT_TRUE(log_in("bob", "a").is(errors::kAuthFailed));
    ASSERT_TRUE(log_in("alice", "a").ok());
    EXPECT_TRUE(put("ab").ok());
    EXPECT_TRUE(put("b").is(errors::kPermissionDenied));
    EXPECT_TRUE(get("ab").ok());
    EXPECT_TRUE(get("a", "b").ok());
    EXPECT_TRUE(get("a", "c").is(errors::kPermissionDenied));
    ASSERT_TRUE(log_in("root", "r").ok());
    EXPECT_TRUE(get("a", "c").ok());
    token_ = "made up";
    EXPECT_TRUE(put("ab").is(errors::kInvalidAuthToken));
    EXPECT_TRUE(get("ab").is(errors::kInvalidAuthToken));
    // What is wrong with the request comes first, as in etcd.
    EXPECT_TRUE(put("").is(errors::kEmptyKey));
    // A login needs no token that holds.
    EXPECT_TRUE(log_in("alice", "a").ok());
}

TEST_F(AuthServiceTest, MethodsAskForWhatTheTableSays) {
    enable();
    const etcdserverpb::StatusRequest status;
    const etcdserverpb::HashRequest hash;
    const etcdserverpb::AuthUserListRequest list;
    const etcdserverpb::AuthStatusRequest auth_status;
    EXPECT_TRUE(call("Maintenance/Status", status).is(errors::kUserEmpty));
    EXPECT_TRUE(call("Maintenance/Hash", hash).is(errors::kUserEmpty));
    EXPECT_TRUE(call("Auth/AuthStatus", auth_status).ok());
    ASSERT_TRUE(log_in("alice", "a").ok());
    EXPECT_TRUE(call("Maintenance/Status", status).ok());
    EXPECT_TRUE(call("Maintenance/Hash", hash).is(errors::kPermissionDenied));
    EXPECT_TRUE(call("Auth/UserList", list).is(errors::kPermissionDenied));
    EXPECT_TRUE(add_user("bob", "b").is(errors::kPermissionDenied));
    etcdserverpb::AlarmRequest alarm;
    EXPECT_TRUE(call("Maintenance/Alarm", alarm).ok());
    alarm.set_action(etcdserverpb::AlarmRequest::ACTIVATE);
    alarm.set_alarm(etcdserverpb::NOSPACE);
    EXPECT_TRUE(call("Maintenance/Alarm", alarm).is(errors::kPermissionDenied));
    ASSERT_TRUE(log_in("root", "r").ok());
    EXPECT_TRUE(call("Maintenance/Hash", hash).ok());
    ASSERT_TRUE(call("Auth/UserList", list).ok());
    etcdserverpb::AuthUserListResponse users;
    ASSERT_TRUE(users.ParseFromString(answer_));
    EXPECT_EQ(users.users_size(), 2);
    ASSERT_TRUE(call("Auth/AuthStatus", auth_status).ok());
    etcdserverpb::AuthStatusResponse response;
    ASSERT_TRUE(response.ParseFromString(answer_));
    EXPECT_TRUE(response.enabled());
    EXPECT_EQ(response.authrevision(), 7u);
    EXPECT_NE(metrics_->expose().find("etcd_debugging_auth_revision 7\n"), std::string::npos);
}

TEST_F(AuthServiceTest, AnswersForRootsRoleAndItsOwn) {
    enable();
    ASSERT_TRUE(log_in("alice", "a").ok());
    etcdserverpb::AuthRoleGetRequest get_role;
    get_role.set_role("r");
    ASSERT_TRUE(call("Auth/RoleGet", get_role).ok());
    etcdserverpb::AuthRoleGetResponse role;
    ASSERT_TRUE(role.ParseFromString(answer_));
    ASSERT_EQ(role.perm_size(), 1);
    EXPECT_EQ(role.perm(0).key(), "a");
    get_role.set_role("root");
    EXPECT_TRUE(call("Auth/RoleGet", get_role).is(errors::kPermissionDenied));
    ASSERT_TRUE(log_in("root", "r").ok());
    EXPECT_TRUE(call("Auth/RoleGet", get_role).is(errors::kRoleNotFound));
    etcdserverpb::AuthRoleAddRequest add_role;
    add_role.set_name("root");
    ASSERT_TRUE(call("Auth/RoleAdd", add_role).ok());
    ASSERT_TRUE(call("Auth/RoleGet", get_role).ok());
    ASSERT_TRUE(role.ParseFromString(answer_));
    ASSERT_EQ(role.perm_size(), 1);
    EXPECT_EQ(role.perm(0).key(), "");
    EXPECT_EQ(role.perm(0).range_end(), std::string(1, '\0'));
}

TEST_F(AuthServiceTest, PasswordsAreHashedOrComeHashed) {
    enable();
    ASSERT_TRUE(log_in("root", "r").ok());
    etcdserverpb::AuthUserAddRequest request;
    request.set_name("hashed");
    request.set_hashedpassword("aGFzaCBvZiBwdw==");  // "hash of pw"
    EXPECT_TRUE(call("Auth/UserAdd", request).ok());
    request.set_name("broken");
    request.set_hashedpassword("***");
    EXPECT_EQ(call("Auth/UserAdd", request).code(), Code::kInvalidArgument);
    request.Clear();
    request.set_name("certified");
    request.mutable_options()->set_no_password(true);
    EXPECT_TRUE(call("Auth/UserAdd", request).ok());
    EXPECT_TRUE(add_user("empty", "").ok());
    EXPECT_TRUE(add_user("", "x").is(errors::kUserEmpty));
    EXPECT_TRUE(log_in("hashed", "pw").ok());
    EXPECT_TRUE(log_in("empty", "").ok());
    const Status refused = log_in("certified", "x");
    EXPECT_EQ(refused.code(), Code::kUnknown);
    EXPECT_EQ(refused.message(),
              "auth: authentication failed, password was given for no password user");
}

TEST_F(AuthServiceTest, ANewPasswordEndsTokens) {
    enable();
    ASSERT_TRUE(log_in("alice", "a").ok());
    const std::string alice = token_;
    ASSERT_TRUE(log_in("root", "r").ok());
    etcdserverpb::AuthUserChangePasswordRequest request;
    request.set_name("alice");
    request.set_password("new");
    ASSERT_TRUE(call("Auth/UserChangePassword", request).ok());
    token_ = alice;
    EXPECT_TRUE(get("ab").is(errors::kInvalidAuthToken));
    EXPECT_TRUE(log_in("alice", "a").is(errors::kAuthFailed));
    EXPECT_TRUE(log_in("alice", "new").ok());
}

TEST_F(AuthServiceTest, AStreamIsJudgedRequestByRequest) {
    enable();
    ASSERT_TRUE(log_in("alice", "a").ok());
    etcdserverpb::LeaseGrantRequest grant;
    grant.set_id(5);
    grant.set_ttl(60);
    ASSERT_TRUE(call("Lease/LeaseGrant", grant).ok());
    etcdserverpb::LeaseLeasesRequest leases;
    EXPECT_TRUE(call("Lease/LeaseLeases", leases).ok());
    etcdserverpb::LeaseKeepAliveRequest renew;
    renew.set_id(5);

    RecordingChannel channel;
    CallInfo info{};
    info.protocol = transport::Protocol::kGrpc;
    info.path = "/etcdserverpb.Lease/LeaseKeepAlive";
    info.headers = {{"token", token_}};
    const auto stream = router_->on_call(info, Reply(&channel));
    ASSERT_NE(stream, nullptr);
    tokens_.forget_all();
    stream->on_message(renew.SerializeAsString());
    channel.wait();
    EXPECT_TRUE(channel.status.is(errors::kInvalidAuthToken));
}

TEST_F(AuthServiceTest, RangesStreamByRights) {
    enable();
    ASSERT_TRUE(log_in("alice", "a").ok());
    etcdserverpb::RangeRequest request;
    request.set_key("a");
    request.set_range_end("b");
    EXPECT_TRUE(call("KV/RangeStream", request).ok());
    request.set_range_end("c");
    EXPECT_TRUE(call("KV/RangeStream", request).is(errors::kPermissionDenied));
    token_.clear();
    EXPECT_TRUE(call("KV/RangeStream", request).is(errors::kUserEmpty));
}

TEST_F(AuthServiceTest, HoldsAfterARestart) {
    enable();
    stop();
    start();
    EXPECT_TRUE(get("ab").is(errors::kUserEmpty));
    EXPECT_TRUE(log_in("alice", "a").ok());
}

TEST_F(AuthServiceTest, CountsWhatItRefuses) {
    enable();
    ASSERT_TRUE(log_in("alice", "a").ok());
    ASSERT_TRUE(put("b").is(errors::kPermissionDenied));
    EXPECT_NE(metrics_->expose().find("grpc_server_handled_total{grpc_code=\"PermissionDenied\","
                                      "grpc_method=\"Put\",grpc_service=\"etcdserverpb.KV\","
                                      "grpc_type=\"unary\"} 1\n"),
              std::string::npos);
}

class CertificateTest : public AuthServiceTest {
  protected:
    CertificateTest() : AuthServiceTest(auth::FakeTokens::Kind::kInstalled, true) {}
};

TEST_F(CertificateTest, TheCertificatesNameLogsInWithoutAToken) {
    enable();
    EXPECT_TRUE(put("ab").is(errors::kUserEmpty));
    common_name_ = "alice";
    EXPECT_TRUE(put("ab").ok());
    EXPECT_TRUE(put("b").is(errors::kPermissionDenied));
    common_name_ = "stranger";
    EXPECT_TRUE(put("ab").is(errors::kPermissionDenied));
    common_name_ = "alice";
    ASSERT_TRUE(log_in("root", "r").ok());
    EXPECT_TRUE(put("b").ok());  // the token goes before the certificate
}

// Keeps the HTTP status of an answer.
struct HttpChannel final : Reply::Channel {
    transport::SendResult send(ByteView bytes) override {
        body += bytes;
        return transport::SendResult::kOk;
    }
    void respond(uint32_t http_status, const std::vector<transport::Header>&) override {
        status = http_status;
    }
    void finish(const Status&) override {}
    void reply(ByteView bytes) override { send(bytes); }
    void hold(bool) override {}
    uint32_t status = 0;
    std::string body;
};

TEST_F(CertificateTest, TheGatewayTakesNoCertificatesName) {
    HttpService pages(*node_);
    HttpAccess access({{}, {}, true, true}, clock_, pages, *router_, *login_);
    access.register_handler(*router_);
    const auto ask = [&](ByteView name) {
        CallInfo info{};
        info.protocol = transport::Protocol::kHttp;
        info.method = "POST";
        info.path = "/v3/auth/nothing";
        info.tls_common_name = name;
        HttpChannel channel;
        const auto call = router_->on_call(info, Reply(&channel));
        return channel.status;
    };
    EXPECT_EQ(ask("alice"), 404u);
    enable();
    EXPECT_EQ(ask("alice"), 400u);
    EXPECT_EQ(ask(""), 404u);
}

TEST_F(AuthServiceTest, NamesOfCertificatesThatNobodyDemandsAreNothing) {
    enable();
    common_name_ = "alice";
    EXPECT_TRUE(put("ab").is(errors::kUserEmpty));
}

class SignedTokenTest : public AuthServiceTest {
  protected:
    SignedTokenTest() : AuthServiceTest(auth::FakeTokens::Kind::kSigned) {}
};

TEST_F(SignedTokenTest, HoldsForItsRevision) {
    enable();
    ASSERT_TRUE(log_in("alice", "a").ok());
    ASSERT_TRUE(put("ab").ok());
    const std::string alice = token_;
    ASSERT_TRUE(log_in("root", "r").ok());
    ASSERT_TRUE(add_user("carol", "c").ok());
    token_ = alice;
    EXPECT_TRUE(put("ab").is(errors::kAuthOldRevision));
    EXPECT_TRUE(get("ab").is(errors::kAuthOldRevision));
    ASSERT_TRUE(log_in("alice", "a").ok());
    EXPECT_TRUE(put("ab").ok());
}

TEST(PasswordPool, TurnsAwayWhatWouldWaitTooLong) {
    PasswordPool pool;
    std::atomic<size_t> ran{0};
    size_t taken = 0;
    // Before the start nothing runs, so all of them wait.
    for (size_t i = 0; i < PasswordPool::kTasksMax + 3; ++i) {
        if (pool.run([&ran] { ran.fetch_add(1); })) {
            ++taken;
        }
    }
    EXPECT_EQ(taken, PasswordPool::kTasksMax);
    std::promise<void> all;
    std::atomic<bool> told{false};
    pool.start([&] {
        if (ran.load() == PasswordPool::kTasksMax && !told.exchange(true)) {
            all.set_value();
        }
    });
    all.get_future().wait();
    EXPECT_TRUE(pool.run([] {}));
    pool.stop();
}

}  // namespace
}  // namespace quorate::rpc
