// SPDX-License-Identifier: Apache-2.0
//
// A state machine on the mem engine, fed with commands as if they came out of the log.
#pragma once

#include "apply/applier.h"
#include "auth/fake_tokens.h"
#include "base/errors.h"
#include "command.pb.h"
#include "storage/mem_backend.h"
#include "wire/command.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace quorate::apply {

class ApplyTest : public testing::Test {
  protected:
    ApplyTest() : store_(open_store(backend_)), lessor_({}), applier_({1, 2}, metrics_) {
        lessor_.promote(0, 0);
    }

    static std::unique_ptr<mvcc::Store> open_store(storage::Backend& backend) {
        auto store = mvcc::Store::open(backend, {});
        EXPECT_TRUE(store.has_value());
        return std::move(store).value();
    }

    // Applies one request and writes its batch, as a turn of the loop does.
    template <typename Request>
    Outcome run(wire::CommandKind kind, const Request& request, const wire::Origin& origin = {}) {
        raft::Entry entry;
        entry.id = {.term = 1, .index = ++index_};
        entry.payload = std::make_shared<const Bytes>(
            wire::encode_command(index_, origin, kind, request.SerializeAsString()));
        State state = this->state();
        Outcome outcome = applier_.apply(state, entry, 7);
        EXPECT_TRUE(backend_.write(batch_, storage::Durability::kBuffered).ok());
        batch_.clear();
        store_->engine_has(store_->current_revision());
        store_->check_invariants();
        lessor_.check_invariants();
        auth_.check_invariants();
        return outcome;
    }

    State state() {
        return {*store_, lessor_, alarms_, membership_, auth_, tokens_, batch_, now_ms_};
    }

    template <typename Response>
    static Response parsed(const Outcome& outcome) {
        Response response;
        EXPECT_TRUE(outcome.status.ok()) << outcome.status.message();
        EXPECT_TRUE(response.ParseFromString(outcome.response));
        return response;
    }

    Outcome put(const std::string& key, const std::string& value, int64_t lease = 0) {
        etcdserverpb::PutRequest request;
        request.set_key(key);
        request.set_value(value);
        request.set_lease(lease);
        return run(wire::CommandKind::kPut, request);
    }

    Outcome grant(int64_t id, int64_t ttl = 60) {
        etcdserverpb::LeaseGrantRequest request;
        request.set_id(id);
        request.set_ttl(ttl);
        return run(wire::CommandKind::kLeaseGrant, request);
    }

    // The value of a key now; "(none)" when it does not exist.
    std::string value(const std::string& key) {
        mvcc::RangeQuery query;
        query.range = {key, {}};
        const auto result = store_->range(query);
        EXPECT_TRUE(result.has_value());
        if (result->kvs.empty()) {
            return "(none)";
        }
        mvccpb::KeyValue kv;
        EXPECT_TRUE(kv.ParseFromArray(result->kvs[0].bytes.data(),
                                      static_cast<int>(result->kvs[0].bytes.size())));
        return kv.value();
    }

    metrics::Registry metrics_;
    storage::MemBackend backend_;
    std::unique_ptr<mvcc::Store> store_;
    lease::Lessor lessor_;
    AlarmStore alarms_;
    cluster::Membership membership_;
    auth::AuthStore auth_;
    auth::FakeTokens tokens_;
    storage::WriteBatch batch_;
    Applier applier_;
    uint64_t index_ = 0;
    int64_t now_ms_ = 0;
};

}  // namespace quorate::apply
