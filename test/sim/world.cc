// SPDX-License-Identifier: Apache-2.0
#include "sim/world.h"

#include "base/errors.h"
#include "cluster/member.h"
#include "sim/linearizability.h"
#include "sim/revision_check.h"

#include <algorithm>
#include <cstdio>

namespace quorate::sim {
namespace {

constexpr int64_t kMillisecond_ns = 1'000'000;
constexpr int64_t kSecond_ns = 1000 * kMillisecond_ns;
constexpr int64_t kDriftMax_permille = 30;
// How long peace may take to bring everything right, before that is a finding.
constexpr int64_t kPeaceMax_ns = 120 * kSecond_ns;
constexpr int64_t kLeaseTime_ns = 25 * kSecond_ns;

}  // namespace

World::World(const WorldOptions& options)
    : options_(options),
      random_(options.seed, "world"),
      scheduler_(options.seed),
      loops_(scheduler_, options.seed,
             [this](const Process* process, log::Level level, const std::string& text) {
                 log_line(process, level, text);
             }),
      network_(scheduler_, loops_, options.seed),
      peer_network_(scheduler_, loops_, options.seed),
      observer_(scheduler_) {
    loops_.set_latency(4 + random_.below(12));
    network_.weather.busy_permille = random_.below(50);
    peer_network_.on_sent = [this](Member& from, const raft::Message& message) {
        follow_promises(from, message);
    };
    make_members();
    const Surroundings surroundings{scheduler_, network_, members_, options.seed,
                                    options.compactions};
    int64_t id = 0;
    for (int64_t i = 0; i < options.kv_clients; ++i) {
        kv_clients_.push_back(std::make_unique<KvClient>(surroundings, ++id, history_));
    }
    for (int64_t i = 0; i < options.watchers; ++i) {
        watchers_.push_back(std::make_unique<WatchClient>(surroundings, ++id));
    }
    for (int64_t i = 0; i < options.lease_holders; ++i) {
        lease_holders_.push_back(std::make_unique<LeaseHolder>(surroundings, ++id, history_));
    }
    history_.leases_expire = options.lease_holders > 0;
    if (options.spares > 0) {
        administrator_ = std::make_unique<Administrator>(
            surroundings, Administrator::Hands{[this](Member& member) { start(member); },
                                               [this](Member& member) {
                                                   trace(member.name() + " is retired");
                                                   member.retire();
                                               }});
    }
}

// A world that ends with a violation is left as it is: what its processes would do in their
// destructors is no part of it.
World::~World() = default;

void World::make_members() {
    std::string cluster;
    for (uint64_t i = 1; i <= options_.members; ++i) {
        const std::string name = "m" + std::to_string(i);
        cluster += (i == 1 ? "" : ",") + name + "=http://" + name + ":2380";
    }
    // The shorter, the more elections there are, and the later a late message is.
    const uint64_t heartbeat_ms = 100 >> random_.below(4);
    Rng gathering(options_.seed, "gathering");
    for (uint64_t i = 1; i <= options_.members + options_.spares; ++i) {
        MemberOptions member;
        member.name = "m" + std::to_string(i);
        member.founder = i <= options_.members;
        member.initial_cluster =
            member.founder ? cluster
                           : cluster + "," + member.name + "=http://" + member.name + ":2380";
        member.arguments = {"--snapshot-count=" + std::to_string(10 + random_.below(300)),
                            "--snapshot-catchup-entries=" + std::to_string(5 + random_.below(200)),
                            "--heartbeat-interval=" + std::to_string(heartbeat_ms),
                            "--election-timeout=" + std::to_string(10 * heartbeat_ms),
                            "--watch-progress-notify-interval=2s"};
        member.drift_permille = random_.between(-kDriftMax_permille, kDriftMax_permille);
        member.wal_segment_bytes = uint64_t{32 * 1024} << random_.below(4);
        // Clients here have few requests under way; a leader's proposals are to gather all the
        // same.
        member.gather_entries = 1 << gathering.below(5);
        member.wrap_disk = options_.wrap_disk;
        if (options_.spares > 0) {
            // Its rules want members connected for seconds, and there is no such thing here.
            member.arguments.push_back("--strict-reconfig-check=false");
        }
        if (options_.members + options_.spares > 1) {
            member.make_client = [this](Member& of) { return peer_network_.client_of(of); };
        }
        members_.push_back(std::make_unique<Member>(scheduler_, loops_, member, options_.seed));
        Member& made = *members_.back();
        peer_network_.add(made);
        made.on_end = [this, &made](const std::string& why) { member_ended(made, why); };
        made.after_turn = [this, &made] { after_turn(made); };
    }
}

void World::start_actors() {
    for (const auto& member : members_) {
        start(*member);
    }
    for (const auto& client : kv_clients_) {
        client->start();
    }
    for (const auto& watcher : watchers_) {
        watcher->start();
    }
    for (const auto& holder : lease_holders_) {
        holder->start();
    }
    if (administrator_ != nullptr) {
        administrator_->start();
    }
}

bool World::all_in_service(const std::function<bool(Member&)>& condition) const {
    return std::all_of(members_.begin(), members_.end(), [&](const auto& member) {
        return member->stage() != Member::Stage::kInService || condition(*member);
    });
}

WorldCounts World::run() {
    try {
        start_actors();
        const int64_t trouble_ns = options_.trouble_ms * kMillisecond_ns;
        for (const Fault& fault : plan_faults({options_.seed, members_.size(), trouble_ns})) {
            if (!options_.without.contains(fault.number) &&
                !options_.without_kinds.contains(static_cast<uint64_t>(fault.kind))) {
                ++counts_.faults;
                scheduler_.at(fault.at_ns, [this, fault] { begin(fault); });
            }
        }
        scheduler_.run_until(trouble_ns);
        make_peace();
        check();
    } catch (const Violation& violation) {
        throw Violation(std::string(violation.what()) + context());
    }
    counts_.steps = scheduler_.steps();
    counts_.turns = loops_.turns();
    counts_.simulated_ns = scheduler_.now_ns();
    counts_.digest = digest_;
    return counts_;
}

std::string World::context() const {
    return "\n  at " + std::to_string(scheduler_.now_ns() / 1000) + " us, step " +
           std::to_string(scheduler_.steps());
}

void World::trace(const std::string& text) const {
    if (options_.trace) {
        std::printf("%12lld us  %s\n", static_cast<long long>(scheduler_.now_ns() / 1000),
                    text.c_str());
        std::fflush(stdout);
    }
}

void World::log_line(const Process* process, log::Level level, const std::string& text) {
    trace((process == nullptr ? "" : process->name + ": ") + text);
    for (const char c : text) {
        digest(static_cast<uint8_t>(c));
    }
    if (level == log::Level::kError && peace_) {
        throw Violation("an error in peace: " + text);
    }
}

void World::start(Member& member) {
    starting_.erase(&member);
    if (member.is_up() || member.stage() == Member::Stage::kUnused ||
        (member.stage() == Member::Stage::kRetired && member.says_it_was_removed())) {
        return;
    }
    ++counts_.runs;
    const Status started = member.start();
    if (!started.ok()) {
        trace(member.name() + " does not start: " + started.message());
        if (started.is(errors::kForeignData) && is_leaving(member)) {
            return;
        }
        if (peace_ || member.disk().crashed()) {
            // A disk that fails while the log is opened; peace has none of that.
            if (peace_) {
                throw Violation(member.name() + " does not start: " + started.message());
            }
            member.power_cut();
            return;
        }
        start_later(member, 100 * kMillisecond_ns);
    }
}

// Whether it may say that it was removed. Who asked for that may not have heard of it yet.
bool World::is_leaving(const Member& member) const {
    return member.stage() == Member::Stage::kRetired ||
           (administrator_ != nullptr && !administrator_->has_settled());
}

void World::start_later(Member& member, int64_t delay_ns) {
    if (starting_.insert(&member).second) {
        scheduler_.after(delay_ns, [this, &member] {
            if (starting_.contains(&member)) {
                start(member);
            }
        });
    }
}

void World::member_ended(Member& member, const std::string& why) {
    trace(member.name() + " ended: " + why);
    network_.member_ended(member);
    peer_network_.member_ended(member);
    if (dies_in_write_.erase(&member) > 0) {
        member.power_cut();
        return;
    }
    member.engine().mend();
    if (member.says_it_was_removed() && is_leaving(member)) {
        return;
    }
    start_later(member, random_.skewed(kMillisecond_ns, 12));
}

void World::after_turn(Member& member) {
    if (!member.is_up()) {
        return;
    }
    observer_.look(member);
    // Election safety (Raft §5.2).
    const node::NodeStatus& status = member.node().status();
    if (status.leads()) {
        const auto [it, is_new] = leaders_.try_emplace(status.term.load(), &member);
        if (it->second != &member) {
            throw Violation("two leaders in term " + std::to_string(it->first) + ": " +
                            member.name() + " and " + it->second->name());
        }
    }
    if (member.disk().crashed()) {
        member.kill();  // its disk is gone; member_ended() does the rest
    }
}

void World::make_peace() {
    trace("peace");
    peace_ = true;
    dies_in_write_.clear();
    awaited_promises_.clear();
    network_.weather.lost_permille = 0;
    network_.weather.latency_log2_max = 3;
    network_.cut.clear();
    peer_network_.cut.clear();
    peer_network_.weather = {};
    peer_network_.old_answers = 0;
    loops_.set_latency(5);
    for (const auto& member : members_) {
        member->disk().set_capacity(UINT64_MAX);
        member->disk().fail_sync_at(0);
        member->disk().crash_at_change(0);
        member->engine().mend();
        if (member->is_up()) {
            member->process().held_until_ns = 0;
            member->process().slow.clear();
        } else {
            start(*member);
        }
    }
    for (const auto& client : kv_clients_) {
        client->stop();
    }
    for (const auto& holder : lease_holders_) {
        holder->stop();
    }
    if (administrator_ != nullptr) {
        administrator_->stop();
        run_until("it is clear who the members are",
                  [this] { return administrator_->has_settled(); });
    }
    run_until("all members are ready",
              [this] { return all_in_service([](Member& member) { return member.is_ready(); }); });
    // Those who were removed hear of it from whom they know, and go.
    run_until("removed members end", [this] {
        return std::none_of(members_.begin(), members_.end(), [this](const auto& member) {
            return member->stage() == Member::Stage::kRetired && member->is_up() &&
                   knows_anybody_in_service(*member);
        });
    });
    peace_since_ns_ = scheduler_.now_ns();
    scheduler_.run_until(scheduler_.now_ns() + kLeaseTime_ns);
    for (const auto& client : kv_clients_) {
        client->read_at_the_end();
    }
    run_until("clients can read", [this] {
        return std::all_of(kv_clients_.begin(), kv_clients_.end(),
                           [](const auto& client) { return client->has_read(); });
    });
}

// One that was away while everybody it knows was removed too may stay up for ever, and that is
// right. Those who are members now have no address of it, and it has none of theirs, so nobody can
// tell it; and it must not conclude from silence that it was removed: a partition looks just the
// same, and the members on its small side would go one after the other. It does no harm. To lead it
// would need a majority of the members it knows, and one of any such majority holds the entries
// that removed them.
bool World::knows_anybody_in_service(Member& member) {
    const auto list = member.node().members();
    const auto& known = list->members.empty() ? member.node().identity().members : list->members;
    return std::any_of(known.begin(), known.end(), [this](const cluster::Member& one) {
        return std::any_of(members_.begin(), members_.end(), [&](const auto& other) {
            return other->stage() == Member::Stage::kInService && other->is_up() &&
                   other->node().identity().member_id == one.id;
        });
    });
}

void World::run_until(const std::string& what, const std::function<bool()>& condition) {
    const int64_t end_ns = scheduler_.now_ns() + kPeaceMax_ns;
    while (!condition()) {
        if (scheduler_.now_ns() >= end_ns) {
            throw Violation("peace does not bring it about that " + what);
        }
        scheduler_.run_until(scheduler_.now_ns() + 100 * kMillisecond_ns);
    }
}

void World::check() {
    const int64_t revision = observer_.revision();
    // Watchers that lost their connection in trouble come back and are brought up to date.
    run_until("watchers see everything", [this, revision] {
        for (const auto& watcher : watchers_) {
            if (!watcher->has_reached(revision)) {
                watcher->ask_for_progress();
            }
        }
        return std::all_of(watchers_.begin(), watchers_.end(), [revision](const auto& watcher) {
            return watcher->has_reached(revision);
        });
    });
    run_until("members agree", [this, revision] {
        return all_in_service([revision](Member& member) {
            return member.is_ready() && member.node().store().current_revision() == revision;
        });
    });
    for (const auto& member : members_) {
        if (member->stage() == Member::Stage::kInService) {
            observer_.compare_state(*member);
        }
    }
    check_membership();
    history_.changes = observer_.changes();
    for (const Call& call : history_.calls) {
        ++counts_.calls;
        counts_.unanswered += call.answered() ? 0u : 1u;
        digest(static_cast<uint64_t>(call.revision));
        digest(static_cast<uint64_t>(call.end_ns));
    }
    counts_.revisions = static_cast<uint64_t>(revision);
    for (const std::string& finding : check_revisions(history_)) {
        throw Violation("not linearizable: " + finding);
    }
    const Linearizability searched = check_linearizability(history_);
    for (const std::string& finding : searched.findings) {
        throw Violation("not linearizable: " + finding);
    }
    counts_.undecided = searched.undecided.size();
    check_watches();
    check_leases();
}

// Everybody has the same list, and those who run are those on it.
void World::check_membership() {
    counts_.changes = administrator_ == nullptr ? 0 : administrator_->changes();
    const auto list_of = [](Member& member) {
        std::string text;
        for (const cluster::Member& one : member.node().members()->members) {
            text += " " + cluster::format_id(one.id) + (one.is_learner ? "?" : "") + "=" +
                    (one.peer_urls.empty() ? "" : one.peer_urls[0]);
        }
        return text;
    };
    std::string first;
    for (const auto& member : members_) {
        if (member->stage() == Member::Stage::kRetired && member->is_up() &&
            member->node().status().leads()) {
            throw Violation(member->name() + " leads, although it was removed");
        }
        if (member->stage() != Member::Stage::kInService) {
            continue;
        }
        const std::string list = list_of(*member);
        first = first.empty() ? list : first;
        if (list != first) {
            throw Violation("members do not agree who they are:" + first + " and, for " +
                            member->name() + "," + list);
        }
        if (member->says_it_was_removed()) {
            throw Violation(member->name() + " was a member and ended as if it were none");
        }
    }
}

void World::check_watches() {
    int64_t compacted = 0;
    for (const auto& client : kv_clients_) {
        compacted = std::max(compacted, client->newest_compaction());
    }
    for (const auto& watcher : watchers_) {
        WatchRecord record = watcher->record();
        record.complete_to = observer_.revision();
        record.compact_revision = compacted;
        counts_.events += record.items.size();
        for (const std::string& finding : check_watch(record, history_.changes)) {
            throw Violation(finding);
        }
    }
}

void World::check_leases() {
    std::map<std::string, std::pair<bool, int64_t>> last;  // whether it is there, since when
    for (const Change& change : history_.changes) {
        last[change.kv.key] = {!change.deletion, observer_.seen_ns(change.kv.mod_revision)};
    }
    LeaseLimits limits;
    limits.drift_max = static_cast<double>(kDriftMax_permille) / 1000;
    limits.peace_since_ns = peace_since_ns_;
    limits.end_ns = scheduler_.now_ns();
    limits.resolution_ns = 2 * kMillisecond_ns;
    limits.grace_ns = 3 * kSecond_ns;
    for (const auto& holder : lease_holders_) {
        for (const auto& [key, record] : holder->records()) {
            const auto it = last.find(key);
            if (it == last.end()) {
                continue;  // nothing ever hung on it
            }
            LeaseRecord seen = record;
            if (!it->second.first) {
                seen.gone_ns = it->second.second;
            }
            ++counts_.leases;
            for (const std::string& finding : check_lease(seen, limits)) {
                throw Violation(finding);
            }
        }
    }
}

}  // namespace quorate::sim
