// SPDX-License-Identifier: Apache-2.0
#include "ctl/key_requests.h"

#include "base/errors.h"
#include "ctl/go_text.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace quorate::ctl {
namespace {

using etcdserverpb::RangeRequest;

constexpr FlagSpec kGetSpecs[] = {
    {"consistency", FlagKind::kText, "l", "Linearizable(l) or Serializable(s)", 0, "l s"},
    {"order", FlagKind::kText, "", "Order of results; ASCEND or DESCEND (ASCEND by default)", 0,
     "ASCEND DESCEND"},
    {"sort-by", FlagKind::kText, "", "Sort target; CREATE, KEY, MODIFY, VALUE, or VERSION", 0,
     "CREATE KEY MODIFY VALUE VERSION"},
    {"limit", FlagKind::kInt, "0", "Maximum number of results"},
    {"prefix", FlagKind::kSwitch, "false", "Get keys with matching prefix"},
    {"from-key", FlagKind::kSwitch, "false",
     "Get keys that are greater than or equal to the given key using byte compare"},
    {"rev", FlagKind::kInt, "0", "Specify the kv revision"},
    {"keys-only", FlagKind::kSwitch, "false", "Get only the keys"},
    {"count-only", FlagKind::kSwitch, "false", "Get only the count"},
    {"print-value-only", FlagKind::kSwitch, "false",
     "Only write values when using the \"simple\" output format"},
    {"min-create-rev", FlagKind::kInt, "0", "Minimum create revision"},
    {"max-create-rev", FlagKind::kInt, "0", "Maximum create revision"},
    {"min-mod-rev", FlagKind::kInt, "0", "Minimum modification revision"},
    {"max-mod-rev", FlagKind::kInt, "0", "Maximum modification revision"},
    {"stream", FlagKind::kSwitch, "false", "Use the RangeStream RPC"},
};
constexpr FlagSpec kPutSpecs[] = {
    {"lease", FlagKind::kText, "0", "lease ID (in hexadecimal) to attach to the key"},
    {"prev-kv", FlagKind::kSwitch, "false",
     "return the previous key-value pair before modification"},
    {"ignore-value", FlagKind::kSwitch, "false", "updates the key using its current value"},
    {"ignore-lease", FlagKind::kSwitch, "false", "updates the key using its current lease"},
};
constexpr FlagSpec kDelSpecs[] = {
    {"prefix", FlagKind::kSwitch, "false", "delete keys with matching prefix"},
    {"prev-kv", FlagKind::kSwitch, "false", "return deleted key-value pairs"},
    {"from-key", FlagKind::kSwitch, "false",
     "delete keys that are greater than or equal to the given key using byte compare"},
    {"range", FlagKind::kSwitch, "false", "delete range of keys without a delay"},
};

Status usage(std::string text) {
    return {errors::kUsage, std::move(text)};
}

Status bad_feature(std::string text) {
    return {errors::kUnimplemented, std::move(text)};
}

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
}

struct Range {
    Bytes key;
    Bytes end;
};

// KEY [RANGE_END], --prefix and --from-key.
Result<Range> range_of(const ParsedLine& line) {
    const bool prefix = line.flags.on("prefix");
    const bool from_key = line.flags.on("from-key");
    if (prefix && from_key) {
        return usage("`--prefix` and `--from-key` cannot be set at the same time, choose one");
    }
    Range range{line.operands[0], {}};
    if (line.operands.size() > 1) {
        if (prefix || from_key) {
            return usage(
                "too many arguments, only accept one argument when `--prefix` or `--from-key` is "
                "set");
        }
        range.end = line.operands[1];
    }
    if ((prefix || from_key) && range.key.empty()) {
        range.key = Bytes(1, '\0');
        range.end = Bytes(1, '\0');
    } else if (prefix) {
        range.end = prefix_end(range.key);
    } else if (from_key) {
        range.end = Bytes(1, '\0');
    }
    return range;
}

Status set_sorting(const Flags& flags, RangeRequest& request) {
    constexpr std::pair<std::string_view, RangeRequest::SortTarget> kTargets[] = {
        {"", RangeRequest::KEY},          {"KEY", RangeRequest::KEY},
        {"CREATE", RangeRequest::CREATE}, {"MODIFY", RangeRequest::MOD},
        {"VALUE", RangeRequest::VALUE},   {"VERSION", RangeRequest::VERSION},
    };
    const std::string order = upper(flags.text("order"));
    if (order == "ASCEND") {
        request.set_sort_order(RangeRequest::ASCEND);
    } else if (order == "DESCEND") {
        request.set_sort_order(RangeRequest::DESCEND);
    } else if (!order.empty()) {
        return bad_feature("bad sort order " + flags.text("order"));
    }
    const std::string name = upper(flags.text("sort-by"));
    const auto* target = std::find_if(std::begin(kTargets), std::end(kTargets),
                                      [&name](const auto& one) { return one.first == name; });
    if (target == std::end(kTargets)) {
        return bad_feature("bad sort target " + flags.text("sort-by"));
    }
    request.set_sort_target(target->second);
    if (request.sort_target() == RangeRequest::KEY &&
        request.sort_order() == RangeRequest::ASCEND) {
        request.clear_sort_order();  // as it comes anyway, and the server need not sort
    }
    return {};
}

// Both bounds of a kind of revision; 0 is no bound.
Status check_bounds(const std::string& kind, const Flags& flags) {
    const int64_t least = flags.number("min-" + kind + "-rev");
    const int64_t most = flags.number("max-" + kind + "-rev");
    if (most > 0 && least > most) {
        return bad_feature("--min-" + kind + "-rev(=" + std::to_string(least) + ") > --max-" +
                           kind + "-rev(=" + std::to_string(most) + ")");
    }
    return {};
}

}  // namespace

const std::span<const FlagSpec> kGetFlags = kGetSpecs;
const std::span<const FlagSpec> kPutFlags = kPutSpecs;
const std::span<const FlagSpec> kDelFlags = kDelSpecs;

Result<bool> is_serializable(const Flags& flags) {
    const std::string& consistency = flags.text("consistency");
    if (consistency != "s" && consistency != "l") {
        return bad_feature("unknown consistency flag " + go_quote(consistency));
    }
    return consistency == "s";
}

Result<RangeRequest> range_request(const ParsedLine& line) {
    const Flags& flags = line.flags;
    if (line.operands.empty()) {
        return usage("get command needs one argument as key and an optional argument as range_end");
    }
    auto range = range_of(line);
    if (!range) {
        return range.error();
    }
    if (flags.on("keys-only") && flags.on("count-only")) {
        return usage("`--keys-only` and `--count-only` cannot be set at the same time, choose one");
    }
    const auto serializable = is_serializable(flags);
    if (!serializable) {
        return serializable.error();
    }
    RangeRequest request;
    request.set_serializable(*serializable);
    request.set_key(std::move(range->key));
    request.set_range_end(std::move(range->end));
    request.set_limit(flags.number("limit"));
    request.set_revision(std::max<int64_t>(flags.number("rev"), 0));
    for (const std::string kind : {"create", "mod"}) {
        if (Status s = check_bounds(kind, flags); !s.ok()) {
            return s;
        }
    }
    if (Status s = set_sorting(flags, request); !s.ok()) {
        return s;
    }
    request.set_keys_only(flags.on("keys-only"));
    request.set_count_only(flags.on("count-only"));
    request.set_min_create_revision(std::max<int64_t>(flags.number("min-create-rev"), 0));
    request.set_max_create_revision(std::max<int64_t>(flags.number("max-create-rev"), 0));
    request.set_min_mod_revision(std::max<int64_t>(flags.number("min-mod-rev"), 0));
    request.set_max_mod_revision(std::max<int64_t>(flags.number("max-mod-rev"), 0));
    return request;
}

Result<etcdserverpb::PutRequest> put_request(const ParsedLine& line,
                                             const std::function<std::string()>& read_value) {
    constexpr const char* kNeeds =
        "put command needs 1 argument and input from stdin or 2 arguments";
    const Flags& flags = line.flags;
    if (line.operands.empty()) {
        return usage(kNeeds);
    }
    const bool ignore_value = flags.on("ignore-value");
    if (ignore_value && line.operands.size() > 1) {
        return usage("put command needs only 1 argument when 'ignore-value' is set");
    }
    const auto lease = parse_hex(flags.text("lease"));
    if (!lease || *lease > INT64_MAX) {
        return usage("bad lease ID \"" + flags.text("lease") + "\", expecting ID in Hex");
    }
    etcdserverpb::PutRequest request;
    request.set_key(line.operands[0]);
    if (line.operands.size() > 1) {
        request.set_value(line.operands[1]);
    } else if (!ignore_value) {
        std::string value = read_value ? read_value() : std::string();
        if (value.empty()) {
            return usage(kNeeds);
        }
        request.set_value(std::move(value));
    }
    request.set_lease(static_cast<int64_t>(*lease));
    request.set_prev_kv(flags.on("prev-kv"));
    request.set_ignore_value(ignore_value);
    request.set_ignore_lease(flags.on("ignore-lease"));
    return request;
}

Result<etcdserverpb::DeleteRangeRequest> delete_request(const ParsedLine& line) {
    if (line.operands.empty() || line.operands.size() > 2) {
        return usage("del command needs one argument as key and an optional argument as range_end");
    }
    auto range = range_of(line);
    if (!range) {
        return range.error();
    }
    etcdserverpb::DeleteRangeRequest request;
    request.set_key(std::move(range->key));
    request.set_range_end(std::move(range->end));
    request.set_prev_kv(line.flags.on("prev-kv"));
    return request;
}

}  // namespace quorate::ctl
