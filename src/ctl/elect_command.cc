// SPDX-License-Identifier: Apache-2.0
#include "ctl/commands.h"
#include "ctl/go_text.h"
#include "ctl/job.h"
#include "ctl/key_print.h"
#include "ctl/lease_keeper.h"
#include "ctl/methods.h"
#include "ctl/queue_key.h"
#include "ctl/watch_stream.h"

#include <optional>
#include <string>
#include <utility>

namespace quorate::ctl {
namespace {

using etcdserverpb::RangeRequest;
using etcdserverpb::RangeResponse;

constexpr int64_t kSessionTtl_s = 60;

constexpr FlagSpec kElectFlags[] = {
    {"listen", FlagKind::kSwitch, "false", "observation mode", 'l'},
};

Exit campaign(Job& job, Client& client, Interrupts& interrupts) {
    auto session = Session::start(client, kSessionTtl_s, job.deadline_ns());
    if (!session) {
        return session.error();
    }
    QueueKey candidate(client, **session, job.operands()[0],
                       job.flags().duration_ns("command-timeout"));
    Status s = candidate.enter(job.operands()[1]);
    if (s.ok()) {
        s = candidate.wait_turn(interrupts);
    }
    if (!s.ok()) {
        return {ExitCode::kError, s};
    }
    const auto key = candidate.read();
    if (!key) {
        return key.error();
    }
    if (Exit exit = print_range(job.printer(), *key); !exit.ok()) {
        static_cast<void>(candidate.leave());
        return exit;
    }
    while (!(*session)->expired()) {
        pollfd signals{interrupts.fd(), POLLIN, 0};
        wait_with(client, **session, kNever_ns, {&signals, 1});
        if (signals.revents != 0 && interrupts.take() != 0) {
            return candidate.leave();
        }
    }
    return {ExitCode::kError, "elect: session expired"};
}

// Prints whoever leads, and each new word of theirs.
class Observer {
  public:
    Observer(Job& job, Client& client, Interrupts& interrupts)
        : job_(job), client_(client), interrupts_(interrupts), prefix_(job.operands()[0] + "/") {}

    Exit run() {
        while (true) {
            const auto leader = find();
            if (!leader) {
                return leader.error();
            }
            Exit exit = leader->kvs_size() == 0 ? wait_for_leader(leader->header().revision())
                                                : follow(*leader);
            if (!exit.ok() || interrupted_) {
                return exit;
            }
        }
    }

  private:
    // The oldest candidate.
    Result<RangeResponse> find() {
        RangeRequest request;
        request.set_key(prefix_);
        request.set_range_end(prefix_end(prefix_));
        request.set_limit(1);
        request.set_sort_target(RangeRequest::CREATE);
        request.set_sort_order(RangeRequest::ASCEND);
        auto response = client_.call<RangeResponse>(methods::kRange, request, job_.deadline_ns());
        if (response) {
            response->clear_more();
            response->clear_count();
        }
        return response;
    }

    // The next message of a watch; none when it is over.
    std::optional<etcdserverpb::WatchResponse> next(WatchStream& stream) {
        while (true) {
            if (auto item = stream.take()) {
                return std::move(item->response);
            }
            if (!stream.failure().ok()) {
                return std::nullopt;
            }
            pollfd signals{interrupts_.fd(), POLLIN, 0};
            client_.waiter().wait(stream.next_try_ns(), {&signals, 1});
            if (signals.revents != 0 && interrupts_.take() != 0) {
                interrupted_ = true;
                return std::nullopt;
            }
        }
    }

    Exit lost() const {
        return interrupted_ ? Exit() : Exit(ExitCode::kError, "elect: observer lost");
    }

    Exit wait_for_leader(int64_t revision) {
        WatchStream stream(client_);
        etcdserverpb::WatchCreateRequest create;
        create.set_key(prefix_);
        create.set_range_end(prefix_end(prefix_));
        create.set_start_revision(revision);
        stream.add(create);
        while (const auto response = next(stream)) {
            if (response->canceled()) {
                return lost();
            }
            for (const auto& event : response->events()) {
                if (event.type() == mvccpb::Event::PUT) {
                    return {};
                }
            }
        }
        return lost();
    }

    Exit print(const etcdserverpb::ResponseHeader& header, const mvccpb::KeyValue& kv) {
        RangeResponse shown;
        *shown.mutable_header() = header;
        *shown.add_kvs() = kv;
        return print_range(job_.printer(), shown);
    }

    // Until the leader's key is gone.
    Exit follow(const RangeResponse& leader) {
        if (Exit exit = print(leader.header(), leader.kvs(0)); !exit.ok()) {
            return exit;
        }
        WatchStream stream(client_);
        etcdserverpb::WatchCreateRequest create;
        create.set_key(leader.kvs(0).key());
        create.set_start_revision(leader.header().revision() + 1);
        stream.add(create);
        while (const auto response = next(stream)) {
            if (response->canceled()) {
                return lost();
            }
            for (const auto& event : response->events()) {
                if (event.type() == mvccpb::Event::DELETE) {
                    return {};
                }
                if (Exit exit = print(response->header(), event.kv()); !exit.ok()) {
                    return exit;
                }
            }
        }
        return lost();
    }

    Job& job_;
    Client& client_;
    Interrupts& interrupts_;
    const Bytes prefix_;
    bool interrupted_ = false;
};

Exit check_operands(const Job& job) {
    const size_t count = job.operands().size();
    const bool listen = job.flags().on("listen");
    if (count != 1 && count != 2) {
        return bad_arguments(
            "elect takes one election name argument and an optional proposal argument");
    }
    if (count == 1 && !listen) {
        return bad_arguments("no proposal argument but -l not set");
    }
    if (count == 2 && listen) {
        return bad_arguments("proposal given but -l is set");
    }
    return {};
}

Exit run_elect(Job& job) {
    if (Exit exit = check_operands(job); !exit.ok()) {
        return exit;
    }
    const auto options = job.options();  // may ask on the terminal, where Ctrl-C still ends us
    if (!options) {
        return options.error();
    }
    Interrupts interrupts;
    const auto client = job.client();
    if (!client) {
        return client.error();
    }
    return job.flags().on("listen") ? Observer(job, **client, interrupts).run()
                                    : campaign(job, **client, interrupts);
}

const Command kCommands[] = {
    {"elect", "<election-name> [proposal]", "Observes and participates in leader election",
     Section::kConcurrency, run_elect, kElectFlags,
     "With a proposal: leads as soon as it is elected, until it is interrupted. With -l: prints\n"
     "who leads, and each change."},
};

}  // namespace

const std::span<const Command> kElectCommands = kCommands;

}  // namespace quorate::ctl
