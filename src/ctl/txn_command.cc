// SPDX-License-Identifier: Apache-2.0
#include "ctl/commands.h"
#include "ctl/job.h"
#include "ctl/key_print.h"
#include "ctl/methods.h"
#include "ctl/txn_text.h"

#include <iostream>
#include <string>
#include <utility>

namespace quorate::ctl {
namespace {

constexpr FlagSpec kTxnFlags[] = {
    {"interactive", FlagKind::kSwitch, "false", "Input transaction in interactive mode", 'i'},
};

constexpr std::string_view kBlanks = " \t\r";

// The next line without blanks around it. A part of the input ends with an empty line.
Result<std::string> next_line() {
    std::string line;
    if (!std::getline(std::cin, line)) {
        return Status(errors::kInvalidArgument,
                      "unexpected end of input: comparisons, success requests and failure requests "
                      "each end with an empty line");
    }
    const size_t first = line.find_first_not_of(kBlanks);
    if (first == std::string::npos) {
        return std::string();
    }
    return line.substr(first, line.find_last_not_of(kBlanks) - first + 1);
}

// Reads one of the three parts, and gives each line to `add`.
template <typename Add>
Status read_part(const Job& job, std::string_view title, const Add& add) {
    if (job.flags().on("interactive")) {
        Printer::say(std::string(title) + "\n");
    }
    while (true) {
        const auto line = next_line();
        if (!line || line->empty()) {
            return line.error();
        }
        if (Status s = add(*line); !s.ok()) {
            return s;
        }
    }
}

Result<etcdserverpb::TxnRequest> read_request(const Job& job) {
    etcdserverpb::TxnRequest request;
    const auto operation_into = [](auto* list) {
        return [list](const std::string& line) -> Status {
            auto op = parse_operation(line);
            if (!op) {
                return op.error();
            }
            *list->Add() = std::move(*op);
            return {};
        };
    };
    Status s = read_part(job, "compares:", [&request](const std::string& line) -> Status {
        auto compare = parse_compare(line);
        if (!compare) {
            return compare.error();
        }
        *request.add_compare() = std::move(*compare);
        return {};
    });
    if (s.ok()) {
        s = read_part(
            job, "success requests (get, put, del):", operation_into(request.mutable_success()));
    }
    if (s.ok()) {
        s = read_part(
            job, "failure requests (get, put, del):", operation_into(request.mutable_failure()));
    }
    return s.ok() ? Result<etcdserverpb::TxnRequest>(std::move(request)) : s;
}

Exit run_txn(Job& job) {
    if (!job.operands().empty()) {
        return bad_arguments("txn command does not accept argument");
    }
    const auto request = read_request(job);
    if (!request) {
        return request.error();
    }
    const auto response = job.call<etcdserverpb::TxnResponse>(methods::kTxn, *request);
    return response ? print_txn(job.printer(), *response) : Exit(response.error());
}

constexpr std::string_view kDetails =
    "Reads from standard input, and applies as one transaction: comparisons, requests for when\n"
    "all of them are true, and requests for when one is false. Each of the three parts ends with\n"
    "an empty line.\n\n"
    "  mod(\"key1\") > \"0\"\n\n"
    "  put key1 \"overwrote-key1\"\n\n"
    "  put key1 \"created-key1\"\n"
    "  put key2 \"some extra key\"\n\n"
    "What is compared: mod or m, create or c, version or ver, value or val, lease (in\n"
    "hexadecimal); with =, !=, > or <. Keys and values stand in double quotes. Requests are get,\n"
    "put and del with their options.";

const Command kCommands[] = {
    {"txn", "", "Processes all the requests in one transaction", Section::kKeys, run_txn, kTxnFlags,
     kDetails},
};

}  // namespace

const std::span<const Command> kTxnCommands = kCommands;

}  // namespace quorate::ctl
