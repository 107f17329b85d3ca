// SPDX-License-Identifier: Apache-2.0
#include "rpc/peer_service.h"

#include "base/errors.h"
#include "base/log.h"
#include "cluster/member.h"
#include "config/version.h"
#include "node/peer_link.h"
#include "peer.pb.h"
#include "rpc/http_service.h"
#include "rpc/http_target.h"
#include "rpc/parse.h"
#include "wire/member_change.h"
#include "wire/peer_message.h"

#include <charconv>
#include <memory>
#include <utility>

namespace quorate::rpc {
namespace {

using node::LinkHeaders;
using transport::Reply;

constexpr ByteView kPrefix = "/quorate.peer.Peer/";

uint64_t parse_id(ByteView text) {
    uint64_t id = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id, 16);
    return error == std::errc() && end == text.data() + text.size() ? id : 0;
}

void append_json_text(Bytes& out, ByteView text) {
    out += '"';
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
        }
        if (static_cast<unsigned char>(c) >= 0x20) {
            out += c;
        }
    }
    out += '"';
}

void append_json_list(Bytes& out, const std::vector<std::string>& texts) {
    out += '[';
    for (size_t i = 0; i < texts.size(); ++i) {
        out += i == 0 ? "" : ",";
        append_json_text(out, texts[i]);
    }
    out += ']';
}

Bytes members_json(const cluster::List& list) {
    Bytes out = "[";
    for (const cluster::Member& member : list.members) {
        out += out.size() == 1 ? "{\"id\":" : ",{\"id\":";
        out += std::to_string(member.id) + ",\"peerURLs\":";
        append_json_list(out, member.peer_urls);
        out += member.is_learner ? ",\"isLearner\":true" : "";
        out += ",\"name\":";
        append_json_text(out, member.name);
        out += ",\"clientURLs\":";
        append_json_list(out, member.client_urls);
        out += "}";
    }
    return out + "]\n";
}

}  // namespace

// A stream of messages from one peer. It says once that they are taken, and nothing else.
class PeerService::MessagesCall final : public transport::Call {
  public:
    MessagesCall(node::Node& node, uint64_t from, Reply reply)
        : node_(node),
          from_(from),
          reply_(std::move(reply)),
          received_(node.metrics().counter("etcd_network_peer_received_bytes_total",
                                           "The total number of bytes received from peers.",
                                           {{"From", cluster::format_id(from)}})),
          failures_(node.metrics().counter("etcd_network_peer_received_failures_total",
                                           "The total number of receive failures from peers.",
                                           {{"From", cluster::format_id(from)}})) {
        static_cast<void>(reply_.send(peer::SnapshotDone().SerializeAsString()));
    }

    void on_message(ByteView message) override {
        if (!reply_) {
            return;
        }
        received_.add(message.size());
        if (const auto members = node_.members(); members != members_) {
            members_ = members;
            if (members->removed.contains(from_)) {
                reply_.finish({errors::kUnavailable, std::string(node::kRemovedText)});
                return;
            }
        }
        auto decoded = wire::decode_peer_message(message);
        if (!decoded || wire::sender_of(*decoded) != from_) {
            failures_.add();
            reply_.finish(decoded ? Status(errors::kBadRaftMessage, "a message of another member")
                                  : decoded.error());
            return;
        }
        if (!node_.deliver(std::move(decoded).value())) {
            failures_.add();  // Raft sends it again
        }
    }

    void on_half_close() override { end(); }
    void on_cancel(transport::CancelReason) override { end(); }

  private:
    void end() {
        if (reply_) {
            reply_.finish({});
        }
    }

    node::Node& node_;
    const uint64_t from_;
    Reply reply_;
    std::shared_ptr<const cluster::List> members_;  // as of the last look
    metrics::Counter& received_;
    metrics::Counter& failures_;
};

class PeerService::UnaryCall final : public transport::Call {
  public:
    UnaryCall(const UnaryHandler& handler, Reply reply)
        : handler_(handler), reply_(std::move(reply)) {}

    void on_message(ByteView message) override {
        if (reply_) {
            handler_(message, std::move(reply_));
        }
    }
    void on_half_close() override {
        if (reply_) {
            reply_.finish({errors::kInternal, "the call ended without a request message"});
        }
    }
    void on_cancel(transport::CancelReason) override {
        if (reply_) {
            reply_.finish(errors::kContextCanceled);
        }
    }

  private:
    const UnaryHandler& handler_;
    Reply reply_;
};

class PeerService::HttpCall final : public transport::Call {
  public:
    HttpCall(const PeerService& service, const transport::CallInfo& info, Reply reply)
        : service_(service),
          method_(info.method),
          path_(info.path.substr(0, info.path.find('?'))),
          reply_(std::move(reply)) {}

    void on_message(ByteView) override {
        if (reply_) {
            service_.http(method_, path_, std::move(reply_));
        }
    }
    void on_cancel(transport::CancelReason) override {
        if (reply_) {
            reply_.finish(errors::kContextCanceled);
        }
    }

  private:
    const PeerService& service_;
    const Bytes method_;
    const Bytes path_;
    Reply reply_;
};

PeerService::PeerService(node::Node& node, node::SnapshotReceiver& snapshots)
    : node_(node),
      snapshots_(snapshots),
      rejected_(node.metrics().counter("quorate_peer_calls_rejected_total",
                                       "Calls on the peer address that did not fit.")) {
    add_unary("Members", [this](ByteView, Reply reply) { members(std::move(reply)); });
    add_unary("StateHash", [this](ByteView, Reply reply) {
        reply.reply(node::encode_checkpoints(node_.state_hash().checkpoints()));
    });
    add_unary(std::string(node::kPingMethod), [](ByteView, Reply reply) { reply.reply({}); });
    add_unary("Hash", [this](ByteView message, Reply reply) { hash(message, std::move(reply)); });
}

void PeerService::add_unary(const std::string& name, UnaryHandler handler) {
    unary_.emplace(std::string(kPrefix) + name, std::move(handler));
}

Result<uint64_t> PeerService::check_caller(const transport::CallInfo& info) const {
    const node::Identity& identity = node_.identity();
    const ByteView protocol = info.header(LinkHeaders::kProtocol);
    if (protocol != LinkHeaders::kProtocolVersion) {
        return Status(errors::kUnavailable,
                      "peers speak protocol " + std::string(LinkHeaders::kProtocolVersion) +
                          " here, the caller speaks \"" + std::string(protocol) +
                          "\"; run versions that are at most one minor apart");
    }
    const ByteView cluster = info.header(LinkHeaders::kCluster);
    if (cluster != cluster::format_id(identity.cluster_id)) {
        return Status(errors::kClusterIDMismatch,
                      "this is member " + cluster::format_id(identity.member_id) + " of cluster " +
                          cluster::format_id(identity.cluster_id) + " with the token \"" +
                          identity.cluster_token + "\", the caller is of cluster " +
                          std::string(cluster) +
                          "; give all members the same --initial-cluster and "
                          "--initial-cluster-token, and empty the --data-dir of one that was "
                          "started with others");
    }
    const uint64_t from = parse_id(info.header(LinkHeaders::kFrom));
    if (node_.members()->removed.contains(from)) {
        return Status(errors::kUnavailable, std::string(node::kRemovedText));
    }
    const ByteView to = info.header(LinkHeaders::kTo);
    if (from == 0 || to != cluster::format_id(identity.member_id)) {
        return Status(errors::kUnavailable,
                      "this is member " + cluster::format_id(identity.member_id) +
                          ", the caller means " + std::string(to) +
                          "; a peer URL leads to another member than its own");
    }
    return from;
}

std::unique_ptr<transport::Call> PeerService::on_call(const transport::CallInfo& info,
                                                      Reply reply) {
    if (info.protocol == transport::Protocol::kHttp) {
        return std::make_unique<HttpCall>(*this, info, std::move(reply));
    }
    const bool for_strangers = info.path == "/quorate.peer.Peer/Members";
    const auto from = for_strangers ? Result<uint64_t>(0) : check_caller(info);
    if (!from) {
        rejected_.add();
        log::warn("rejected connection on peer endpoint",
                  {{"remote-addr", info.peer}, log::Field(from.error())});
        reply.finish(from.error());
        return nullptr;
    }
    if (info.path == "/quorate.peer.Peer/Messages") {
        meet_stranger(*from, info.header(LinkHeaders::kFromUrls));
        return std::make_unique<MessagesCall>(node_, *from, std::move(reply));
    }
    if (info.path == "/quorate.peer.Peer/Snapshot") {
        return snapshots_.open(std::move(reply));
    }
    const auto handler = unary_.find(info.path);
    if (handler == unary_.end()) {
        reply.finish({errors::kUnimplemented, "unknown method " + std::string(info.path)});
        return nullptr;
    }
    return std::make_unique<UnaryCall>(handler->second, std::move(reply));
}

// Whoever passed the checks is a member; if it is none here, this member is behind.
void PeerService::meet_stranger(uint64_t from, ByteView urls) {
    if (node_.members()->find(from) != nullptr || urls.empty()) {
        return;
    }
    cluster::Member stranger;
    stranger.id = from;
    stranger.peer_urls = node::split_urls(urls);
    // Dropped when the loop is too busy: the stranger opens two streams, and again after each loss.
    static_cast<void>(node_.run_on_raft(
        [stranger = std::move(stranger)](node::RaftLoop& loop) { loop.peers().meet(stranger); }));
}

void PeerService::members(Reply reply) const {
    const auto list = node_.members();
    peer::MembersResponse response;
    response.set_cluster_id(node_.identity().cluster_id);
    for (const cluster::Member& member : list->members) {
        wire::to_proto(member, *response.add_members());
    }
    for (const uint64_t id : list->removed) {
        response.add_removed(id);
    }
    response.set_server_version(std::string(config::kEtcdVersion));
    response.set_cluster_version(list->cluster_version);
    reply.reply(response.SerializeAsString());
}

void PeerService::hash(ByteView message, Reply reply) {
    peer::HashRequest request;
    if (Status s = parse(message, request); !s.ok()) {
        reply.finish(s);
        return;
    }
    auto shared = std::make_shared<Reply>(std::move(reply));
    const bool taken = node_.run_in_pool([this, shared, revision = request.revision()] {
        const auto hash = node_.store().hash_kv(revision);
        if (!hash) {
            shared->finish(hash.error());
            return;
        }
        peer::HashResponse response;
        response.set_current_revision(hash->current_revision);
        response.set_compact_revision(hash->compact_revision);
        response.set_hash(hash->hash);
        shared->reply(response.SerializeAsString());
    });
    if (!taken) {
        shared->finish(errors::kRequestTooManyRequests);
    }
}

void PeerService::http(ByteView method, ByteView path, Reply reply) const {
    constexpr ByteView kText = "text/plain; charset=utf-8";
    if (path != "/version" && path != "/members") {
        reply.respond(404, {{"content-type", kText}, kNoSniffing});
        reply.reply("404 page not found\n");
    } else if (method != "GET") {
        reply.respond(405, {{"allow", "GET"}, {"content-type", kText}, kNoSniffing});
        reply.reply("Method Not Allowed\n");
    } else if (path == "/version") {
        reply.respond(200, {{"content-type", "application/json"}});
        reply.reply(version_page(*node_.members()));
    } else {
        const std::string cluster = cluster::format_id(node_.identity().cluster_id);
        reply.respond(200, {{"content-type", "application/json"}, {"x-etcd-cluster-id", cluster}});
        reply.reply(members_json(*node_.members()));
    }
}

}  // namespace quorate::rpc
