// SPDX-License-Identifier: Apache-2.0
#include "raft/random_network.h"

#include "raft/describe.h"

#include <algorithm>
#include <utility>

namespace quorate::raft {

namespace {

// More than this in flight and the rest is lost, as in a switch.
constexpr size_t kNetworkMax = 400;

void require(bool condition, const std::string& what) {
    if (!condition) {
        throw Violation(what);
    }
}

}  // namespace

void Properties::leads(uint64_t term, MemberId leader) {
    const auto [it, is_new] = leaders_.try_emplace(term, leader);
    require(it->second == leader, "election safety: two leaders in term " + std::to_string(term));
}

void Properties::writes(const Entry& entry, uint64_t previous_term) {
    const Written now{previous_term, Bytes(entry.data())};
    const auto [it, is_new] = written_.try_emplace({entry.id.index, entry.id.term}, now);
    require(it->second.previous_term == now.previous_term && it->second.data == now.data,
            "log matching: two entries " + describe(entry.id));
}

void Properties::commits(EntryId id, uint64_t in_term) {
    const auto [it, is_new] = committed_.try_emplace(id.index, Committed{id.term, in_term});
    require(it->second.term == id.term,
            "state machine safety: two committed entries at " + std::to_string(id.index) +
                ", terms " + std::to_string(it->second.term) + " and " + std::to_string(id.term));
    it->second.in_term = std::min(it->second.in_term, in_term);
}

void Properties::check_complete(const Raft& leader) const {
    for (const auto& [index, committed] : committed_) {
        if (index > leader.log_start().index && committed.in_term < leader.term()) {
            require(leader.term_at(index) == committed.term,
                    "leader completeness: leader of term " + std::to_string(leader.term()) +
                        " lacks entry " + describe(EntryId{committed.term, index}));
        }
    }
}

void Properties::reaches(const StateMachine& state) {
    const auto [it, is_new] = states_.try_emplace(state.last.index, state);
    require(it->second == state,
            "state machine safety: two states at " + std::to_string(state.last.index));
}

RandomNetwork::RandomNetwork(const Options& options) : options_(options), random_(options.seed) {
    Configuration configuration;
    for (MemberId id = 1; id <= options.first_members; ++id) {
        configuration.voters.push_back(id);
    }
    // Every seed has a climate of its own: what is rare in one is common in another.
    weather_.tick = 5 + below(25);
    weather_.client = below(30);
    weather_.ready = 20 + below(60);
    weather_.sync = 5 + below(70);
    weather_.apply = 5 + below(70);
    weather_.house = below(6);
    weather_.in_order = below(100);
    weather_.lost = below(15);
    weather_.twice = below(8);
    weather_.deliveries = 1 + below(6);
    weather_.campaign = chance(50) ? below(10) : below(150);
    weather_.crash = chance(50) ? below(10) : below(60);
    weather_.restart = 20 + below(400);
    weather_.cut = below(60);
    Config config;
    config.election_ticks = 6;
    config.heartbeat_ticks = 2;
    config.pre_vote = chance(70);
    config.check_quorum = chance(70);
    config.append_bytes_max = 60 + below(400);
    config.inflight_messages_max = 1 + static_cast<uint32_t>(below(8));
    config.inflight_bytes_max = 100 + below(2000);
    config.uncommitted_bytes_max = 4000;
    config.applying_bytes_max = 60 + below(1000);
    config.pending_reads_max = 20;
    for (MemberId id = 1; id <= options.all_members; ++id) {
        config.self = id;
        config.seed = random_.next();
        hosts_.try_emplace(id, config,
                           id <= options.first_members ? new_cluster(configuration) : Restored{});
        known_committed_[id] = host(id).raft().committed();
    }
}

void RandomNetwork::run() {
    for (uint64_t step = 0; step < options_.steps; ++step) {
        disturb();
        work(1 + below(options_.all_members));
        for (uint64_t i = 0; i < weather_.deliveries; ++i) {
            deliver_one();
        }
    }
    make_peace();
    run_until_agreed();
}

void RandomNetwork::disturb() {
    const MemberId id = 1 + below(options_.all_members);
    if (permille(weather_.cut)) {
        cut_network();
    }
    if (host(id).is_up() && permille(weather_.crash)) {
        crash(id);
    } else if (!host(id).is_up() && permille(weather_.restart)) {
        restart(id);
    }
}

void RandomNetwork::work(MemberId id) {
    if (!host(id).is_up()) {
        return;
    }
    if (chance(weather_.tick)) {
        tick(id);
    }
    if (permille(weather_.campaign)) {
        host(id).raft().campaign();
        observe(id);
    }
    if (chance(weather_.client)) {
        client(id);
    }
    if (chance(weather_.ready)) {
        take_ready(id);
    }
    if (chance(weather_.sync)) {
        sync(id);
    }
    if (chance(weather_.apply)) {
        apply(id);
    }
    if (chance(weather_.house)) {
        keep_house(id);
    }
}

void RandomNetwork::client(MemberId id) {
    Raft& raft = host(id).raft();
    if (chance(60)) {
        std::vector<Payload> payloads;
        for (uint64_t i = 0; i <= below(3); ++i) {
            payloads.push_back(
                payload(std::to_string(next_payload_++) + std::string(below(40), 'x')));
        }
        (void)raft.propose(std::move(payloads)).has_value();
    }
    if (chance(20)) {
        const uint64_t request = next_request_++;
        if (raft.read_index(request).ok()) {
            reads_[request] = {id, properties_.last_committed()};
        }
    }
    if (chance(3)) {
        change_membership(id);
    }
    if (chance(2) && raft.transfer_leadership(1 + below(options_.all_members)).ok()) {
        ++counts_.transfers;
    }
    observe(id);
}

void RandomNetwork::change_membership(MemberId id) {
    ConfChange change;
    if (!chance(30)) {
        for (uint64_t i = 0; i <= below(3); ++i) {
            change.steps.push_back(
                {static_cast<ConfChangeType>(below(3)), 1 + below(options_.all_members)});
        }
        change.transition = static_cast<ConfChangeTransition>(below(3));
    }
    if (host(id).raft().propose_conf_change(change, payload(describe(change)))) {
        ++counts_.conf_changes;
    }
}

void RandomNetwork::keep_house(MemberId id) {
    if (chance(50)) {
        host(id).make_checkpoint();
    }
    if (chance(50)) {
        const uint64_t last = host(id).checkpoint().last.index;
        const uint64_t kept = below(20);
        if (last > host(id).raft().log_start().index + kept) {
            host(id).compact(last - kept);
        }
    }
    if (chance(10)) {
        host(id).raft().report_unreachable(1 + below(options_.all_members));
    }
    observe(id);
}

void RandomNetwork::deliver_one() {
    if (network_.empty()) {
        return;
    }
    const size_t at = peace_ || chance(weather_.in_order) ? 0 : below(network_.size());
    if (!peace_ && chance(weather_.twice)) {
        hand_over(Envelope(network_[at]));
        return;
    }
    Envelope envelope = std::move(network_[at]);
    network_.erase(network_.begin() + static_cast<std::ptrdiff_t>(at));
    if (!peace_ && chance(weather_.lost)) {
        report(envelope, {false});
        return;
    }
    hand_over(std::move(envelope));
}

void RandomNetwork::cut_network() {
    cut_.clear();
    if (chance(40)) {
        return;
    }
    const bool one_way = chance(20);
    std::set<MemberId> side;
    for (const auto& [id, host] : hosts_) {
        if (chance(50)) {
            side.insert(id);
        }
    }
    for (const auto& [from, host] : hosts_) {
        for (const auto& [to, other] : hosts_) {
            const bool crosses = side.contains(from) != side.contains(to);
            if (crosses && (!one_way || side.contains(from))) {
                cut_.insert({from, to});
            }
        }
    }
}

void RandomNetwork::make_peace() {
    peace_ = true;
    cut_.clear();
    for (auto& [id, host] : hosts_) {
        if (!host.is_up()) {
            restart(id);
        }
    }
}

void RandomNetwork::run_until_agreed() {
    for (int round = 0; round < 2000; ++round) {
        for (const auto& [id, host] : hosts_) {
            tick(id);
            for (int i = 0; i < 3; ++i) {
                take_ready(id);
                while (host.writes_pending() > 0) {
                    sync(id);
                }
                while (host.applies_pending() > 0) {
                    apply(id);
                }
            }
        }
        while (!network_.empty()) {
            deliver_one();
        }
        if (round % 20 == 19) {
            for (auto& [id, host] : hosts_) {
                if (host.raft().role() == Role::kLeader && all_agree()) {
                    return;
                }
                if (host.raft().role() == Role::kLeader) {
                    (void)host.raft().propose(payload("peace")).has_value();
                }
            }
        }
    }
    std::string text = "no agreement in peace";
    for (const auto& [id, host] : hosts_) {
        const Raft& raft = host.raft();
        text += "\n" + std::to_string(id) + ": " + std::string(describe(raft.role())) +
                " term=" + std::to_string(raft.term()) +
                " last=" + describe(EntryId{raft.term_at(raft.last_index()), raft.last_index()}) +
                " committed=" + std::to_string(raft.committed()) +
                " applied=" + std::to_string(raft.applied()) + " " + describe(raft.configuration());
        for (const auto& [member, other] : hosts_) {
            if (const Progress* progress = raft.progress(member); progress != nullptr) {
                text += "\n  " + std::to_string(member) + ": " + describe(*progress);
            }
        }
    }
    throw Violation(text);
}

bool RandomNetwork::all_agree() const {
    const ModelHost* leader = nullptr;
    for (const auto& [id, host] : hosts_) {
        if (host.raft().role() == Role::kLeader &&
            (leader == nullptr || host.raft().term() > leader->raft().term())) {
            leader = &host;
        }
    }
    if (leader == nullptr || leader->raft().applied() != leader->raft().last_index() ||
        leader->raft().last_index() < properties_.last_committed()) {
        return false;
    }
    for (const auto& [id, host] : hosts_) {
        if (is_member(leader->raft().configuration(), id) && host.state() != leader->state()) {
            return false;
        }
    }
    return true;
}

void RandomNetwork::tick(MemberId id) {
    host(id).raft().tick();
    observe(id);
}

void RandomNetwork::take_ready(MemberId id) {
    ModelHost& host = this->host(id);
    if (!host.raft().has_ready()) {
        return;
    }
    ModelHost::Turn turn = host.take_ready();
    for (const Entry& entry : turn.ready.entries) {
        properties_.writes(entry, host.raft().term_at(entry.id.index - 1));
    }
    if (turn.ready.snapshot.has_value()) {
        ++counts_.snapshots;
    }
    for (const ReadState& read : turn.ready.read_states) {
        const auto it = reads_.find(read.request_id);
        require(it != reads_.end(), "an answer to a read that nobody asked for");
        require(it->second.member == id, "an answer to another member's read");
        require(read.index >= it->second.floor, "linearizable read: index " +
                                                    std::to_string(read.index) + " below " +
                                                    std::to_string(it->second.floor));
        ++counts_.reads;
    }
    send(std::move(turn.sent));
    observe(id);
}

void RandomNetwork::sync(MemberId id) {
    if (host(id).writes_pending() > 0) {
        send(host(id).sync());
        observe(id);
    }
}

void RandomNetwork::apply(MemberId id) {
    if (host(id).applies_pending() > 0) {
        host(id).apply();
        properties_.reaches(host(id).state());
        observe(id);
    }
}

void RandomNetwork::crash(MemberId id) {
    ++counts_.crashes;
    // Some of what was under way may have reached the disk.
    while (host(id).writes_pending() > 0 && chance(30)) {
        host(id).sync();
    }
    host(id).crash();
}

void RandomNetwork::restart(MemberId id) {
    host(id).restart(random_.next());
    known_committed_[id] = host(id).raft().committed();
    observe(id);
}

void RandomNetwork::hand_over(Envelope&& envelope) {
    const MemberId to = envelope.message.to;
    if (cut_.contains({envelope.message.from, to}) || !host(to).is_up()) {
        report(envelope, {false});
        return;
    }
    report(envelope, {true});
    const std::string text = describe(envelope.message);
    const Status status = host(to).receive(std::move(envelope));
    require(status.ok(), "refused " + text + ": " + status.message());
    observe(to);
}

void RandomNetwork::report(const Envelope& envelope, Raft::SnapshotOutcome outcome) {
    ModelHost& sender = host(envelope.message.from);
    if (envelope.data.has_value() && sender.is_up()) {
        sender.raft().report_snapshot(envelope.message.to, outcome);
    }
}

void RandomNetwork::send(std::vector<Envelope>&& envelopes) {
    for (Envelope& envelope : envelopes) {
        if (network_.size() < kNetworkMax) {
            network_.push_back(std::move(envelope));
        } else {
            report(envelope, {false});
        }
    }
}

void RandomNetwork::observe(MemberId id) {
    const Raft& raft = host(id).raft();
    raft.check_invariants();
    uint64_t& known = known_committed_[id];
    require(raft.committed() >= known, "the commit index went back");
    for (uint64_t index = std::max(known, raft.log_start().index) + 1; index <= raft.committed();
         ++index) {
        properties_.commits({raft.term_at(index), index}, raft.term());
        ++counts_.committed;
    }
    known = raft.committed();
    if (raft.role() == Role::kLeader) {
        properties_.leads(raft.term(), id);
        properties_.check_complete(raft);
    }
}

}  // namespace quorate::raft
