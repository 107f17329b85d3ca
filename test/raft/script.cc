// SPDX-License-Identifier: Apache-2.0
#include "raft/script.h"

#include "raft/describe.h"

#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace quorate::raft {

namespace {

std::vector<MemberId> ids(const std::string& text) {
    std::vector<MemberId> members;
    std::istringstream in(text);
    std::string id;
    while (std::getline(in, id, ',')) {
        members.push_back(std::stoull(id));
    }
    return members;
}

MessageBody parse_body(const std::string& type, uint64_t first, uint64_t second, uint64_t commit) {
    if (type == "HeartbeatResponse") {
        return HeartbeatResponse{first};
    }
    if (type == "HeartbeatRequest") {
        return HeartbeatRequest{first, 0};
    }
    if (type == "AppendResponse") {
        return AppendResponse{first};
    }
    if (type == "AppendReject") {
        return AppendReject{first, {second, first}};
    }
    if (type == "AppendRequest") {
        return AppendRequest{{second, first}, commit, {}};
    }
    if (type == "VoteRequest") {
        return VoteRequest{VoteKind::kVote, {second, first}, {}, false};
    }
    if (type == "PreVoteRequest") {
        return VoteRequest{VoteKind::kPreVote, {second, first}, {}, false};
    }
    if (type == "VoteResponse") {
        return VoteResponse{VoteKind::kVote, true, {}};
    }
    if (type == "SnapshotRequest") {
        return SnapshotRequest{{{second, first}, {.voters = {1, 2, 3}}}};
    }
    if (type == "TermNotice") {
        return TermNotice{};
    }
    if (type == "TimeoutNow") {
        return TimeoutNow{};
    }
    throw std::invalid_argument("no such message: " + type);
}

}  // namespace

uint64_t Script::Arguments::number(const std::string& key, uint64_t otherwise) const {
    const auto it = named.find(key);
    return it == named.end() ? otherwise : std::stoull(it->second);
}

bool Script::Arguments::off(const std::string& key) const {
    const auto it = named.find(key);
    return it != named.end() && it->second == "off";
}

std::string Script::Arguments::rest(size_t position) const {
    std::string text;
    for (size_t i = position; i < plain.size(); ++i) {
        text += (i > position ? " " : "") + plain[i];
    }
    return text;
}

std::string Script::run(const std::string& line) {
    output_.clear();
    indent_.clear();
    Arguments arguments;
    std::istringstream in(line);
    std::string word;
    while (in >> word) {
        const size_t equals = word.find('=');
        if (equals == std::string::npos) {
            arguments.plain.push_back(word);
        } else {
            arguments.named[word.substr(0, equals)] = word.substr(equals + 1);
        }
    }
    const bool quiet = arguments.plain.at(0) == "quiet";
    if (quiet) {
        arguments.plain.erase(arguments.plain.begin());
    }
    if (!run_cluster(arguments) && !run_node(arguments)) {
        throw std::invalid_argument("no such command: " + line);
    }
    return quiet ? std::string() : std::move(output_);
}

bool Script::run_cluster(const Arguments& arguments) {
    const std::string& command = arguments.plain.at(0);
    if (command == "nodes") {
        nodes(arguments);
    } else if (command == "join") {
        join(arguments);
    } else if (command == "tick") {
        tick(arguments);
    } else if (command == "propose") {
        propose(arguments);
    } else if (command == "deliver") {
        deliver(arguments);
    } else if (command == "drop") {
        drop(arguments);
    } else if (command == "inject") {
        inject(arguments);
    } else if (command == "stabilize") {
        stabilize(arguments);
    } else if (command == "network") {
        for (const Envelope& envelope : network_) {
            print(describe(envelope.message));
        }
    } else if (command == "apply-by-itself") {
        apply_by_itself_ = arguments.plain.at(1) == "on";
    } else {
        return false;
    }
    return true;
}

bool Script::run_node(const Arguments& arguments) {
    const std::string& command = arguments.plain.at(0);
    const MemberId id = arguments.number(1);
    if (command == "ready") {
        ready(id);
    } else if (command == "sync") {
        sync(id);
    } else if (command == "apply") {
        apply(id);
    } else if (command == "campaign") {
        host(id).raft().campaign();
    } else if (command == "propose-conf") {
        const ConfChange change = parse_conf_change(arguments.rest(2));
        const auto entry = host(id).raft().propose_conf_change(change, payload(describe(change)));
        print_result(entry.error());
    } else if (command == "read") {
        print_result(host(id).raft().read_index(arguments.number(2)));
    } else if (command == "transfer") {
        print_result(host(id).raft().transfer_leadership(arguments.number(2)));
    } else if (command == "unreachable") {
        host(id).raft().report_unreachable(arguments.number(2));
    } else if (command == "report-snapshot") {
        host(id).raft().report_snapshot(arguments.number(2),
                                        {arguments.plain.at(3) == "delivered"});
    } else if (command == "compact") {
        host(id).make_checkpoint();
        host(id).compact(arguments.number(2));
    } else if (command == "checkpoint") {
        host(id).make_checkpoint();
    } else if (command == "crash") {
        host(id).crash();
    } else if (command == "restart") {
        host(id).restart(id);
    } else if (command == "status") {
        status(id);
    } else if (command == "log") {
        log(id);
    } else {
        return false;
    }
    return true;
}

void Script::nodes(const Arguments& arguments) {
    hosts_.clear();
    network_.clear();
    config_ = Config{};
    apply_by_itself_ = true;
    Configuration configuration;
    const uint64_t voters = arguments.number(1);
    const uint64_t learners = arguments.number("learners", 0);
    for (MemberId id = 1; id <= voters; ++id) {
        configuration.voters.push_back(id);
    }
    for (MemberId id = voters + 1; id <= voters + learners; ++id) {
        configuration.learners.push_back(id);
    }
    config_.election_ticks = static_cast<uint32_t>(arguments.number("election_ticks", 10));
    config_.heartbeat_ticks = static_cast<uint32_t>(arguments.number("heartbeat_ticks", 1));
    config_.pre_vote = !arguments.off("pre_vote");
    config_.check_quorum = !arguments.off("check_quorum");
    config_.append_bytes_max = arguments.number("append_bytes", config_.append_bytes_max);
    config_.inflight_messages_max =
        static_cast<uint32_t>(arguments.number("inflight_messages", 256));
    config_.inflight_bytes_max = arguments.number("inflight_bytes", config_.inflight_bytes_max);
    config_.uncommitted_bytes_max =
        arguments.number("uncommitted_bytes", config_.uncommitted_bytes_max);
    config_.applying_bytes_max = arguments.number("applying_bytes", config_.applying_bytes_max);
    config_.pending_reads_max = static_cast<uint32_t>(arguments.number("pending_reads", 64));
    for (MemberId id = 1; id <= voters + learners; ++id) {
        config_.self = id;
        config_.seed = id;
        hosts_.try_emplace(id, config_, new_cluster(configuration));
    }
}

void Script::join(const Arguments& arguments) {
    config_.self = arguments.number(1);
    config_.seed = config_.self;
    hosts_.try_emplace(config_.self, config_, Restored{});
}

void Script::tick(const Arguments& arguments) {
    const uint64_t count = arguments.plain.size() > 2 ? arguments.number(2) : 1;
    for (uint64_t i = 0; i < count; ++i) {
        host(arguments.number(1)).raft().tick();
    }
}

void Script::propose(const Arguments& arguments) {
    std::vector<Payload> payloads;
    for (size_t i = 2; i < arguments.plain.size(); ++i) {
        payloads.push_back(payload(arguments.plain[i]));
    }
    if (const uint64_t bytes = arguments.number("bytes", 0); bytes > 0) {
        payloads.push_back(payload(std::string(bytes, 'x')));
    }
    const auto first = host(arguments.number(1)).raft().propose(std::move(payloads));
    print(first ? "first " + describe(*first) : first.error().message());
}

void Script::ready(MemberId id) {
    ModelHost::Turn turn = host(id).take_ready();
    const Ready& ready = turn.ready;
    print("ready " + std::to_string(id) +
          (ready.number == 0 ? "" : " write " + std::to_string(ready.number)));
    indent_ += "  ";
    if (ready.soft_state.has_value()) {
        print(describe(*ready.soft_state));
    }
    if (ready.snapshot.has_value()) {
        print("write snapshot " + describe(*ready.snapshot));
    }
    for (const Entry& entry : ready.entries) {
        print("write " + describe(entry));
    }
    if (ready.hard_state.has_value()) {
        print("write " + describe(*ready.hard_state));
    }
    for (const Envelope& envelope : turn.sent) {
        print("send " + describe(envelope.message));
    }
    for (const Message& message : ready.messages_after_persist) {
        print("hold " + describe(message));
    }
    for (const ReadState& read_state : ready.read_states) {
        print("read " + describe(read_state));
    }
    for (const Entry& entry : ready.committed) {
        print("commit " + describe(entry));
    }
    send(std::move(turn.sent));
    if (apply_by_itself_) {
        while (host(id).applies_pending() > 0) {
            apply(id);
        }
    }
    indent_.clear();
}

void Script::sync(MemberId id) {
    if (host(id).writes_pending() == 0) {
        print("nothing to sync");
        return;
    }
    std::vector<Envelope> released = host(id).sync();
    print("synced " + std::to_string(id));
    for (const Envelope& envelope : released) {
        print("  send " + describe(envelope.message));
    }
    send(std::move(released));
}

void Script::apply(MemberId id) {
    if (host(id).applies_pending() == 0) {
        print("nothing to apply");
        return;
    }
    const Configuration before = host(id).state().configuration;
    host(id).apply();
    if (host(id).state().configuration != before) {
        print("configuration " + describe(host(id).state().configuration));
    }
}

void Script::deliver(const Arguments& arguments) {
    const uint64_t most = arguments.number("count", UINT64_MAX);
    std::vector<Envelope> chosen;
    for (auto it = network_.begin(); it != network_.end() && chosen.size() < most;) {
        if (matches(arguments, it->message)) {
            chosen.push_back(std::move(*it));
            it = network_.erase(it);
        } else {
            ++it;
        }
    }
    if (chosen.empty()) {
        print("nothing to deliver");
    }
    if (arguments.plain.back() == "backwards") {
        std::reverse(chosen.begin(), chosen.end());
    }
    const bool twice = arguments.plain.back() == "twice";
    for (Envelope& envelope : chosen) {
        if (twice) {
            hand_over(Envelope(envelope));
        }
        hand_over(std::move(envelope));
    }
}

void Script::drop(const Arguments& arguments) {
    uint64_t left = arguments.number("count", UINT64_MAX);
    for (auto it = network_.begin(); it != network_.end();) {
        if (left > 0 && matches(arguments, it->message)) {
            --left;
            print("lost " + describe(it->message));
            it = network_.erase(it);
        } else {
            ++it;
        }
    }
}

void Script::inject(const Arguments& arguments) {
    const uint64_t index = arguments.number("index", 0);
    Message message;
    message.from = arguments.number("from", 0);
    message.to = arguments.number("to", 0);
    message.term = arguments.number("term", 0);
    message.body = parse_body(arguments.plain.at(1), index, arguments.number("entry_term", 0),
                              arguments.number("commit", 0));
    // In a heartbeat's answer the number is the round.
    hand_over(Envelope{std::move(message), std::nullopt});
}

void Script::stabilize(const Arguments& arguments) {
    std::vector<MemberId> among;
    for (const auto& [id, host] : hosts_) {
        among.push_back(id);
    }
    if (arguments.plain.size() > 1) {
        among = ids(arguments.plain[1]);
    }
    const auto is_among = [&](MemberId id) {
        return std::find(among.begin(), among.end(), id) != among.end() && hosts_.at(id).is_up();
    };
    for (bool busy = true; busy;) {
        busy = false;
        for (const MemberId id : among) {
            while (is_among(id) && host(id).raft().has_ready()) {
                ready(id);
                busy = true;
            }
        }
        for (const MemberId id : among) {
            while (is_among(id) && host(id).writes_pending() > 0) {
                sync(id);
                busy = true;
            }
        }
        std::deque<Envelope> travelling = std::exchange(network_, {});
        for (Envelope& envelope : travelling) {
            if (is_among(envelope.message.to) && is_among(envelope.message.from)) {
                hand_over(std::move(envelope));
                busy = true;
            } else {
                network_.push_back(std::move(envelope));
            }
        }
    }
}

void Script::status(MemberId id) {
    const Raft& raft = host(id).raft();
    std::ostringstream out;
    out << id << ": " << describe(raft.role()) << " term=" << raft.term() << " vote=" << raft.vote()
        << " leader=" << raft.leader()
        << " last=" << describe(EntryId{raft.term_at(raft.last_index()), raft.last_index()})
        << " stable=" << raft.stable_index() << " committed=" << raft.committed()
        << " applied=" << raft.applied();
    print(out.str());
    print("  " + describe(raft.configuration()));
    for (const auto& [member, other] : hosts_) {
        if (const Progress* progress = raft.progress(member); progress != nullptr && member != id) {
            print("  " + std::to_string(member) + ": " + describe(*progress));
        }
    }
    if (raft.transfer_target() != kNobody) {
        print("  transfer to " + std::to_string(raft.transfer_target()));
    }
}

void Script::log(MemberId id) {
    const Raft& raft = host(id).raft();
    std::string text = std::to_string(id) + ": start " + describe(raft.log_start()) + " |";
    for (uint64_t index = raft.log_start().index + 1; index <= raft.last_index(); ++index) {
        text += " " + describe(EntryId{raft.term_at(index), index});
    }
    print(text);
}

bool Script::matches(const Arguments& arguments, const Message& message) const {
    const uint64_t to = arguments.number("to", message.to);
    const uint64_t from = arguments.number("from", message.from);
    if (message.to != to || message.from != from) {
        return false;
    }
    const auto type = arguments.named.find("type");
    return type == arguments.named.end() ||
           describe(message).find(" " + type->second) != std::string::npos;
}

void Script::hand_over(Envelope&& envelope) {
    print(describe(envelope.message));
    const Status status = host(envelope.message.to).receive(std::move(envelope));
    if (!status.ok()) {
        print("  refused: " + status.message());
    }
}

void Script::send(std::vector<Envelope>&& envelopes) {
    for (Envelope& envelope : envelopes) {
        network_.push_back(std::move(envelope));
    }
}

void Script::print(std::string_view text) {
    output_ += indent_;
    output_ += text;
    output_ += '\n';
}

void Script::print_result(const Status& status) {
    if (!status.ok()) {
        print(status.message());
    }
}

ModelHost& Script::host(MemberId id) {
    ModelHost& host = hosts_.at(id);
    return host;
}

}  // namespace quorate::raft
