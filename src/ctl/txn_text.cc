// SPDX-License-Identifier: Apache-2.0
#include "ctl/txn_text.h"

#include "base/errors.h"
#include "ctl/flags.h"
#include "ctl/go_text.h"
#include "ctl/key_requests.h"

#include <string>
#include <utility>

namespace quorate::ctl {
namespace {

using etcdserverpb::Compare;
using etcdserverpb::RequestOp;

Status invalid(std::string text) {
    return {errors::kInvalidArgument, std::move(text)};
}

std::string_view skip_blanks(std::string_view text) {
    const size_t first = text.find_first_not_of(" \t");
    return first == std::string_view::npos ? std::string_view() : text.substr(first);
}

// mod("key") > "0" in its parts.
struct Comparison {
    std::string target;
    Bytes key;
    std::string result;
    Bytes value;
};

Result<Comparison> split_comparison(std::string_view line) {
    const Status malformed = invalid("malformed comparison: " + std::string(line));
    const size_t open = line.find('(');
    if (open == std::string_view::npos) {
        return malformed;
    }
    Comparison parts;
    parts.target = std::string(line.substr(0, open));
    std::string_view rest = line.substr(open + 1);
    auto key = take_go_quoted(rest);
    if (!key || !rest.starts_with(")")) {
        return malformed;
    }
    parts.key = std::move(*key);
    rest = skip_blanks(rest.substr(1));
    const size_t end = std::min(rest.find_first_not_of("=!<>"), rest.size());
    parts.result = std::string(rest.substr(0, end));
    rest = skip_blanks(rest.substr(end));
    auto value = take_go_quoted(rest);
    if (!value || !skip_blanks(rest).empty()) {
        return malformed;
    }
    parts.value = std::move(*value);
    return parts;
}

Status set_result(const Comparison& parts, Compare& compare) {
    constexpr std::pair<std::string_view, Compare::CompareResult> kResults[] = {
        {"=", Compare::EQUAL},
        {"!=", Compare::NOT_EQUAL},
        {">", Compare::GREATER},
        {"<", Compare::LESS}};
    for (const auto& [name, result] : kResults) {
        if (parts.result == name) {
            compare.set_result(result);
            return {};
        }
    }
    return invalid("malformed comparison: unknown operator \"" + parts.result +
                   "\": must be =, !=, > or <");
}

// False when the value is no number.
bool set_target(const Comparison& parts, Compare& compare) {
    const auto number = parse_decimal(parts.value);
    if (parts.target == "ver" || parts.target == "version") {
        compare.set_target(Compare::VERSION);
        compare.set_version(number.value_or(0));
    } else if (parts.target == "c" || parts.target == "create") {
        compare.set_target(Compare::CREATE);
        compare.set_create_revision(number.value_or(0));
    } else if (parts.target == "m" || parts.target == "mod") {
        compare.set_target(Compare::MOD);
        compare.set_mod_revision(number.value_or(0));
    } else if (parts.target == "lease") {
        const auto lease = parse_hex(parts.value);
        compare.set_target(Compare::LEASE);
        compare.set_lease(static_cast<int64_t>(lease.value_or(0)));
        return lease.has_value();
    } else {
        compare.set_target(Compare::VALUE);
        compare.set_value(parts.value);
        return true;
    }
    return number.has_value();
}

bool is_target(std::string_view target) {
    for (const std::string_view known :
         {"ver", "version", "c", "create", "m", "mod", "val", "value", "lease"}) {
        if (target == known) {
            return true;
        }
    }
    return false;
}

template <typename Request>
Status refuse(const Result<Request>& request) {
    return invalid(request.error().message());
}

}  // namespace

Result<Compare> parse_compare(std::string_view line) {
    auto parts = split_comparison(line);
    if (!parts) {
        return parts.error();
    }
    if (!is_target(parts->target)) {
        return invalid("malformed comparison: " + std::string(line) + " (unknown target " +
                       parts->target + ")");
    }
    Compare compare;
    compare.set_key(parts->key);
    if (Status s = set_result(*parts, compare); !s.ok()) {
        return s;
    }
    if (!set_target(*parts, compare)) {
        return invalid("invalid txn compare request: " + std::string(line));
    }
    return compare;
}

Result<RequestOp> parse_operation(std::string_view line) {
    const auto words = split_line(line);
    if (!words || words->size() < 2) {
        return invalid("invalid txn compare request: " + std::string(line));
    }
    const std::string& name = words->front();
    const bool put = std::string_view("put").starts_with(name);
    const bool get = std::string_view("get").starts_with(name);
    const bool del = std::string_view("del").starts_with(name);
    if (name.empty() || (!put && !get && !del)) {
        return invalid("invalid txn request: " + std::string(line));
    }
    const auto parsed = parse_line(std::span(*words).subspan(1), {put   ? kPutFlags
                                                                  : get ? kGetFlags
                                                                        : kDelFlags});
    if (!parsed || parsed->help) {
        return invalid("invalid txn request: " + std::string(line));
    }
    RequestOp op;
    if (put) {
        auto request = put_request(*parsed, nullptr);
        if (!request) {
            return refuse(request);
        }
        *op.mutable_request_put() = std::move(*request);
    } else if (get) {
        auto request = range_request(*parsed);
        if (!request) {
            return refuse(request);
        }
        *op.mutable_request_range() = std::move(*request);
    } else {
        auto request = delete_request(*parsed);
        if (!request) {
            return refuse(request);
        }
        *op.mutable_request_delete_range() = std::move(*request);
    }
    return op;
}

}  // namespace quorate::ctl
