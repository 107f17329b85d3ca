// SPDX-License-Identifier: Apache-2.0
#include "grpc.h"

#include "base/status.h"

namespace quorate::load {
namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return -1;
}

}  // namespace

std::string_view method_path(Method method) {
    switch (method) {
        case Method::kRange:
            return "/etcdserverpb.KV/Range";
        case Method::kPut:
            return "/etcdserverpb.KV/Put";
        case Method::kDeleteRange:
            return "/etcdserverpb.KV/DeleteRange";
        case Method::kTxn:
            return "/etcdserverpb.KV/Txn";
        case Method::kWatch:
            return "/etcdserverpb.Watch/Watch";
        case Method::kLeaseGrant:
            return "/etcdserverpb.Lease/LeaseGrant";
        case Method::kLeaseKeepAlive:
            return "/etcdserverpb.Lease/LeaseKeepAlive";
    }
    return "";
}

std::string GrpcStatus::describe() const {
    const std::string number = std::to_string(code);
    if (code < 0 || code > static_cast<int>(Code::kUnauthenticated)) {
        return "code " + number + ": " + text;
    }
    return std::string(code_name(static_cast<Code>(code))) + " (" + number + "): " + text;
}

std::string percent_decode(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size()) {
            const int high = hex_digit(text[i + 1]);
            const int low = hex_digit(text[i + 2]);
            if (high >= 0 && low >= 0) {
                out.push_back(static_cast<char>(high * 16 + low));
                i += 2;
                continue;
            }
        }
        out.push_back(text[i]);
    }
    return out;
}

}  // namespace quorate::load
