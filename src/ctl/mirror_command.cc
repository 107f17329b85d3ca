// SPDX-License-Identifier: Apache-2.0
#include "ctl/commands.h"
#include "ctl/go_text.h"
#include "ctl/job.h"
#include "ctl/methods.h"
#include "ctl/watch_stream.h"
#include "rpc.pb.h"

#include <algorithm>
#include <string>
#include <utility>

namespace quorate::ctl {
namespace {

using etcdserverpb::RangeRequest;
using etcdserverpb::RangeResponse;
using etcdserverpb::TxnRequest;
using etcdserverpb::TxnResponse;

constexpr int64_t kPageKeys = 1000;
constexpr size_t kTxnBytes = 512 * 1024;
constexpr int64_t kReport_ns = 30 * kSecond_ns;

constexpr FlagSpec kMirrorFlags[] = {
    {"prefix", FlagKind::kText, "", "Key-value prefix to mirror"},
    {"rev", FlagKind::kInt, "0", "Specify the kv revision to start to mirror"},
    {"max-txn-ops", FlagKind::kCount, "128",
     "Maximum number of operations permitted in a transaction during syncing updates."},
    {"dest-prefix", FlagKind::kText, "",
     "destination prefix to mirror a prefix to a different prefix in the destination cluster"},
    {"no-dest-prefix", FlagKind::kSwitch, "false",
     "mirror key-values to the root of the destination cluster"},
    {"dest-cert", FlagKind::kText, "",
     "Identify secure client using this TLS certificate file for the destination cluster"},
    {"dest-key", FlagKind::kText, "", "Identify secure client using this TLS key file"},
    {"dest-cacert", FlagKind::kText, "",
     "Verify certificates of TLS enabled secure servers using this CA bundle"},
    {"dest-insecure-transport", FlagKind::kSwitch, "true",
     "Disable transport security for client connections"},
    {"dest-user", FlagKind::kText, "",
     "Destination username[:password] for authentication (prompt if password is not supplied)"},
    {"dest-password", FlagKind::kText, "",
     "Destination password for authentication (--dest-user must then not include one)"},
};

class Mirror {
  public:
    Mirror(Job& job, Client& from, Client& to)
        : job_(job),
          from_(from),
          to_(to),
          prefix_(job.flags().text("prefix")),
          txn_ops_max_(static_cast<int>(
              std::clamp<int64_t>(job.flags().number("max-txn-ops"), 1, INT32_MAX))) {
        if (!job.flags().on("no-dest-prefix")) {
            const std::string& other = job.flags().text("dest-prefix");
            dest_prefix_ = other.empty() ? prefix_ : other;
        }
    }

    // Ends only when it can't go on.
    Status run() {
        revision_ = std::max<int64_t>(job_.flags().number("rev") - 1, 0);
        if (revision_ == 0) {
            if (Status s = copy_all(); !s.ok()) {
                return s;
            }
        }
        return follow();
    }

  private:
    Bytes renamed(const Bytes& key) const { return dest_prefix_ + key.substr(prefix_.size()); }

    // Everything as it was at one revision, page by page.
    Status copy_all() {
        RangeRequest request;
        request.set_key(prefix_.empty() ? Bytes(1, '\0') : prefix_);
        request.set_range_end(prefix_end(prefix_));
        request.set_limit(kPageKeys);
        while (true) {
            const auto page =
                from_.call<RangeResponse>(methods::kRange, request, job_.deadline_ns());
            if (!page) {
                return page.error();
            }
            if (revision_ == 0) {
                revision_ = page->header().revision();
                request.set_revision(revision_);
            }
            TxnRequest txn;
            for (const auto& kv : page->kvs()) {
                // Nothing says that these belong together, so the size of a request decides, too.
                if (txn.ByteSizeLong() + kv.ByteSizeLong() > kTxnBytes) {
                    if (Status s = commit(txn); !s.ok()) {
                        return s;
                    }
                }
                add_put(txn, kv);
                if (Status s = commit_if_full(txn); !s.ok()) {
                    return s;
                }
            }
            if (Status s = commit(txn); !s.ok() || !page->more()) {
                return s;
            }
            request.set_key(page->kvs(page->kvs_size() - 1).key() + Bytes(1, '\0'));
        }
    }

    void add_put(TxnRequest& txn, const mvccpb::KeyValue& kv) {
        auto& put = *txn.add_success()->mutable_request_put();
        put.set_key(renamed(kv.key()));
        put.set_value(kv.value());
        ++total_;
    }

    Status commit_if_full(TxnRequest& txn) {
        return txn.success_size() >= txn_ops_max_ ? commit(txn) : Status();
    }

    // The transaction is empty again afterwards.
    Status commit(TxnRequest& txn) {
        if (txn.success_size() == 0) {
            return {};
        }
        const Status s = to_.call<TxnResponse>(methods::kTxn, txn, job_.deadline_ns()).error();
        txn.Clear();
        return s;
    }

    // What was one revision there is one transaction here.
    Status apply(const etcdserverpb::WatchResponse& response) {
        TxnRequest txn;
        int64_t revision = 0;
        for (const auto& event : response.events()) {
            if (event.kv().mod_revision() != revision) {
                if (Status s = commit(txn); !s.ok()) {
                    return s;
                }
            }
            revision = event.kv().mod_revision();
            if (event.type() == mvccpb::Event::PUT) {
                add_put(txn, event.kv());
            } else {
                txn.add_success()->mutable_request_delete_range()->set_key(
                    renamed(event.kv().key()));
                ++total_;
            }
            if (Status s = commit_if_full(txn); !s.ok()) {
                return s;
            }
        }
        return commit(txn);
    }

    Status follow() {
        WatchStream stream(from_);
        etcdserverpb::WatchCreateRequest create;
        create.set_key(prefix_.empty() ? Bytes(1, '\0') : prefix_);
        create.set_range_end(prefix_end(prefix_));
        create.set_start_revision(revision_ + 1);
        stream.add(create);
        int64_t report_ns = now_ns() + kReport_ns;
        while (true) {
            if (const auto item = stream.next(report_ns)) {
                if (item->response.canceled()) {
                    return {errors::kUnavailable, cancel_text(item->response)};
                }
                if (Status s = apply(item->response); !s.ok()) {
                    return s;
                }
            }
            if (!stream.failure().ok()) {
                return stream.failure();
            }
            if (now_ns() >= report_ns) {
                Printer::say(std::to_string(total_) + "\n");
                report_ns = now_ns() + kReport_ns;
            }
        }
    }

    Job& job_;
    Client& from_;
    Client& to_;
    const Bytes prefix_;
    const int txn_ops_max_;
    Bytes dest_prefix_;
    int64_t revision_ = 0;
    int64_t total_ = 0;
};

Result<ClientOptions> destination(Job& job) {
    auto options = job.options();
    if (!options) {
        return options;
    }
    const Flags& flags = job.flags();
    options->endpoints = split_list(job.operands()[0]);
    options->tls_files = transport::Tls();
    options->tls_files.cert_file = flags.text("dest-cert");
    options->tls_files.key_file = flags.text("dest-key");
    options->tls_files.ca_file = flags.text("dest-cacert");
    options->tls = !flags.on("dest-insecure-transport") || !options->tls_files.cert_file.empty() ||
                   !options->tls_files.ca_file.empty();
    options->token.clear();
    auto login =
        login_of(flags.text("dest-user"), flags.text("dest-password"),
                 {"Destination Password: ", "with --dest-user=name:password or --dest-password"});
    if (!login) {
        return login.error();
    }
    options->user = std::move(login->user);
    options->password = std::move(login->password);
    return options;
}

Exit run_mirror(Job& job) {
    if (job.operands().size() != 1) {
        return bad_arguments("make-mirror takes one destination argument");
    }
    if (job.flags().on("no-dest-prefix") && !job.flags().text("dest-prefix").empty()) {
        return bad_arguments(
            "`--dest-prefix` and `--no-dest-prefix` cannot be set at the same time, choose one");
    }
    auto options = destination(job);
    if (!options) {
        return options.error();
    }
    const auto to = job.connect(std::move(*options));
    if (!to) {
        return to.error();
    }
    const auto from = job.client();
    if (!from) {
        return from.error();
    }
    return {ExitCode::kError, Mirror(job, **from, **to).run()};
}

constexpr std::string_view kDetails =
    "Copies all keys, or those with --prefix, to another cluster, then every change as it comes,\n"
    "a transaction for each revision, until it is interrupted. Prints every 30 seconds how many\n"
    "keys were sent. With --rev it copies nothing and begins with the changes at that revision.\n"
    "Leases are not mirrored.";

const Command kCommands[] = {
    {"make-mirror", "<destination>", "Makes a mirror at the destination cluster", Section::kUtility,
     run_mirror, kMirrorFlags, kDetails},
};

}  // namespace

const std::span<const Command> kMirrorCommands = kCommands;

}  // namespace quorate::ctl
