// SPDX-License-Identifier: Apache-2.0
#include "ctl/key_print.h"

#include "ctl/go_json.h"

#include <string>
#include <vector>

namespace quorate::ctl {
namespace {

using etcdserverpb::DeleteRangeResponse;
using etcdserverpb::PutResponse;
using etcdserverpb::RangeResponse;
using etcdserverpb::ResponseOp;
using etcdserverpb::TxnResponse;
using etcdserverpb::WatchResponse;

std::string simple(const Printer& printer, const RangeResponse& response) {
    std::string text;
    for (const auto& kv : response.kvs()) {
        text += printer.key_value(kv);
    }
    return text;
}

std::string simple(const Printer& printer, const PutResponse& response) {
    return "OK\n" + (response.has_prev_kv() ? printer.key_value(response.prev_kv()) : "");
}

std::string simple(const Printer& printer, const DeleteRangeResponse& response) {
    std::string text = std::to_string(response.deleted()) + "\n";
    for (const auto& kv : response.prev_kvs()) {
        text += printer.key_value(kv);
    }
    return text;
}

std::string simple(const Printer& printer, const TxnResponse& response) {
    std::string text = response.succeeded() ? "SUCCESS\n" : "FAILURE\n";
    for (const ResponseOp& op : response.responses()) {
        text += "\n";
        switch (op.response_case()) {
            case ResponseOp::kResponseRange:
                text += simple(printer, op.response_range());
                break;
            case ResponseOp::kResponsePut:
                text += simple(printer, op.response_put());
                break;
            case ResponseOp::kResponseDeleteRange:
                text += simple(printer, op.response_delete_range());
                break;
            case ResponseOp::kResponseTxn:
                text += simple(printer, op.response_txn());
                break;
            case ResponseOp::RESPONSE_NOT_SET:
                break;
        }
    }
    return text;
}

void fields_of(Fields& fields, const RangeResponse& response) {
    fields.header(response.header());
    for (const auto& kv : response.kvs()) {
        fields.key_value("", kv);
    }
    fields.boolean("More", response.more()).number("Count", response.count());
}

void fields_of(Fields& fields, const PutResponse& response) {
    fields.header(response.header());
    if (response.has_prev_kv()) {
        fields.key_value("Prev", response.prev_kv());
    }
}

void fields_of(Fields& fields, const DeleteRangeResponse& response) {
    fields.header(response.header()).number("Deleted", response.deleted());
    for (const auto& kv : response.prev_kvs()) {
        fields.key_value("Prev", kv);
    }
}

void fields_of(Fields& fields, const TxnResponse& response) {
    fields.header(response.header()).boolean("Succeeded", response.succeeded());
    for (const ResponseOp& op : response.responses()) {
        switch (op.response_case()) {
            case ResponseOp::kResponseRange:
                fields_of(fields, op.response_range());
                break;
            case ResponseOp::kResponsePut:
                fields_of(fields, op.response_put());
                break;
            case ResponseOp::kResponseDeleteRange:
                fields_of(fields, op.response_delete_range());
                break;
            case ResponseOp::kResponseTxn:
                fields_of(fields, op.response_txn());
                break;
            case ResponseOp::RESPONSE_NOT_SET:
                break;
        }
    }
}

template <typename Response>
Exit print(const Printer& printer, const Response& response) {
    return printer.show(response, {.simple = [&] { return simple(printer, response); },
                                   .fields = [&](Fields& fields) { fields_of(fields, response); }});
}

const char* type_name(const mvccpb::Event& event) {
    return event.type() == mvccpb::Event::DELETE ? "DELETE" : "PUT";
}

std::string watch_simple(const Printer& printer, const WatchResponse& response) {
    std::string text;
    for (const auto& event : response.events()) {
        text += std::string(type_name(event)) + "\n";
        if (event.has_prev_kv()) {
            text += printer.key_value(event.prev_kv());
        }
        text += printer.key_value(event.kv());
    }
    return text;
}

void watch_fields(Fields& fields, const WatchResponse& response) {
    fields.header(response.header());
    for (const auto& event : response.events()) {
        fields.raw("Type", type_name(event));
        if (event.has_prev_kv()) {
            fields.key_value("Prev", event.prev_kv());
        }
        fields.key_value("", event.kv());
    }
}

// Go's client hands a struct of its own on, with all fields by their names in Go.
std::string watch_json(const WatchResponse& response) {
    std::vector<std::string> events;
    for (const auto& event : response.events()) {
        events.push_back(go_json(event));
    }
    return JsonObject()
        .raw("Header", go_json(response.header()))
        .raw("Events", events.empty() ? "null" : json_array(events))
        .number("CompactRevision", response.compact_revision())
        .boolean("Canceled", response.canceled())
        .boolean("Created", response.created())
        .text("CancelReason", response.cancel_reason())
        .done();
}

// Which leaves out what belongs to the stream.
std::string watch_protobuf(WatchResponse response) {
    response.clear_watch_id();
    response.clear_cancel_reason();
    response.clear_fragment();
    return response.SerializeAsString();
}

}  // namespace

Exit print_range(const Printer& printer, const RangeResponse& response) {
    return print(printer, response);
}

Exit print_put(const Printer& printer, const PutResponse& response) {
    return print(printer, response);
}

Exit print_delete(const Printer& printer, const DeleteRangeResponse& response) {
    return print(printer, response);
}

Exit print_txn(const Printer& printer, const TxnResponse& response) {
    return print(printer, response);
}

Exit print_watch(const Printer& printer, const WatchResponse& response) {
    return printer.show(response,
                        {.simple = [&] { return watch_simple(printer, response); },
                         .fields = [&](Fields& fields) { watch_fields(fields, response); },
                         .json = [&] { return watch_json(response); },
                         .protobuf = [&] { return watch_protobuf(response); }});
}

}  // namespace quorate::ctl
