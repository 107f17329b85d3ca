// SPDX-License-Identifier: Apache-2.0
#include "sim/history_json.h"

#include "base/errors.h"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <string>

namespace quorate::sim {
namespace {

using Poco::JSON::Array;
using Poco::JSON::Object;

int64_t number(const Object& object, const char* name) {
    return object.has(name) ? object.getValue<Poco::Int64>(name) : 0;
}

std::string text(const Object& object, const char* name) {
    return object.has(name) ? object.getValue<std::string>(name) : "";
}

bool flag(const Object& object, const char* name) {
    return object.has(name) && object.getValue<bool>(name);
}

// Calls `take` with each object of an array.
template <typename Take>
void each(const Object& object, const char* name, Take take) {
    const Array::Ptr array = object.getArray(name);
    for (size_t i = 0; !array.isNull() && i < array->size(); ++i) {
        const Object::Ptr element = array->getObject(static_cast<unsigned>(i));
        if (element.isNull()) {
            throw Poco::InvalidArgumentException(std::string(name) + " holds what is no object");
        }
        take(*element);
    }
}

KeyValue read_kv(const Object& in) {
    return {text(in, "key"),   text(in, "value"),     number(in, "create"),
            number(in, "mod"), number(in, "version"), number(in, "lease")};
}

Operation read_operation(const Object& in) {
    Operation operation;
    if (in.has("put")) {
        operation.kind = Operation::Kind::kPut;
        operation.key = text(in, "put");
    } else if (in.has("delete")) {
        operation.kind = Operation::Kind::kDelete;
        operation.key = text(in, "delete");
    } else if (in.has("range")) {
        operation.key = text(in, "range");
    } else {
        throw Poco::InvalidArgumentException("an operation is none of put, delete, range");
    }
    operation.range_end = text(in, "range_end");
    operation.value = text(in, "value");
    operation.lease = number(in, "lease");
    operation.revision = number(in, "revision");
    return operation;
}

Call read_call(const Object& in) {
    Call call;
    call.client = number(in, "client");
    call.start_ns = number(in, "start");
    call.end_ns = in.has("end") ? number(in, "end") : Call::kNever;
    call.serializable = flag(in, "serializable");
    each(in, "compares", [&](const Object& compare) {
        Compare& out = call.compares.emplace_back();
        out.key = text(compare, "key");
        out.target = compare.has("value") ? Compare::Target::kValue : Compare::Target::kModRevision;
        out.value = text(compare, "value");
        out.mod_revision = number(compare, "mod");
    });
    each(in, "success",
         [&](const Object& operation) { call.success.push_back(read_operation(operation)); });
    each(in, "failure",
         [&](const Object& operation) { call.failure.push_back(read_operation(operation)); });
    call.revision = number(in, "revision");
    call.succeeded = !flag(in, "failed");
    each(in, "results", [&](const Object& result) {
        OperationResult& out = call.results.emplace_back();
        out.deleted = number(result, "deleted");
        each(result, "kvs", [&](const Object& kv) { out.kvs.push_back(read_kv(kv)); });
    });
    if (call.success.empty() && call.failure.empty()) {
        throw Poco::InvalidArgumentException("a call without operations");
    }
    if (call.answered() && call.results.size() != call.branch().size()) {
        throw Poco::InvalidArgumentException("an answered call needs a result for each operation");
    }
    return call;
}

void read_line(const std::string& line, History& history) {
    Poco::JSON::Parser parser;
    const Object::Ptr object = parser.parse(line).extract<Object::Ptr>();
    if (object->has("leases_expire")) {
        history.leases_expire = object->getValue<bool>("leases_expire");
    } else if (object->has("change")) {
        history.changes.push_back(
            {read_kv(*object->getObject("change")), flag(*object, "deletion")});
    } else {
        history.calls.push_back(read_call(*object));
    }
}

void set_if(Object& object, const char* name, int64_t value) {
    if (value != 0) {
        object.set(name, static_cast<Poco::Int64>(value));
    }
}

void set_if(Object& object, const char* name, const std::string& value) {
    if (!value.empty()) {
        object.set(name, value);
    }
}

Object write_kv(const KeyValue& kv) {
    Object out;
    out.set("key", kv.key);
    set_if(out, "value", kv.value);
    set_if(out, "create", kv.create_revision);
    set_if(out, "mod", kv.mod_revision);
    set_if(out, "version", kv.version);
    set_if(out, "lease", kv.lease);
    return out;
}

Array write_operations(const std::vector<Operation>& operations) {
    Array out;
    for (const Operation& operation : operations) {
        Object object;
        switch (operation.kind) {
            case Operation::Kind::kPut:
                object.set("put", operation.key);
                break;
            case Operation::Kind::kDelete:
                object.set("delete", operation.key);
                break;
            case Operation::Kind::kRange:
                object.set("range", operation.key);
                break;
        }
        set_if(object, "range_end", operation.range_end);
        set_if(object, "value", operation.value);
        set_if(object, "lease", operation.lease);
        set_if(object, "revision", operation.revision);
        out.add(object);
    }
    return out;
}

Object write_call(const Call& call) {
    Object out;
    set_if(out, "client", call.client);
    set_if(out, "start", call.start_ns);
    if (!call.compares.empty()) {
        Array compares;
        for (const Compare& compare : call.compares) {
            Object object;
            object.set("key", compare.key);
            if (compare.target == Compare::Target::kValue) {
                object.set("value", compare.value);
            } else {
                object.set("mod", static_cast<Poco::Int64>(compare.mod_revision));
            }
            compares.add(object);
        }
        out.set("compares", compares);
    }
    out.set("success", write_operations(call.success));
    if (!call.failure.empty()) {
        out.set("failure", write_operations(call.failure));
    }
    if (call.serializable) {
        out.set("serializable", true);
    }
    if (!call.answered()) {
        return out;
    }
    out.set("end", static_cast<Poco::Int64>(call.end_ns));
    out.set("revision", static_cast<Poco::Int64>(call.revision));
    if (!call.succeeded) {
        out.set("failed", true);
    }
    Array results;
    for (const OperationResult& result : call.results) {
        Object object;
        set_if(object, "deleted", result.deleted);
        if (!result.kvs.empty()) {
            Array kvs;
            for (const KeyValue& kv : result.kvs) {
                kvs.add(write_kv(kv));
            }
            object.set("kvs", kvs);
        }
        results.add(object);
    }
    out.set("results", results);
    return out;
}

}  // namespace

Result<History> read_history(std::istream& in) {
    History history;
    std::string line;
    for (int64_t at = 1; std::getline(in, line); ++at) {
        if (line.empty()) {
            continue;
        }
        try {
            read_line(line, history);
        } catch (const Poco::Exception& e) {
            return Status(errors::kUsage, "line " + std::to_string(at) + ": " + e.displayText());
        }
    }
    return history;
}

void write_history(std::ostream& out, const History& history) {
    if (history.leases_expire) {
        out << "{\"leases_expire\":true}\n";
    }
    for (const Call& call : history.calls) {
        write_call(call).stringify(out);
        out << '\n';
    }
    for (const Change& change : history.changes) {
        Object object;
        object.set("change", write_kv(change.kv));
        if (change.deletion) {
            object.set("deletion", true);
        }
        object.stringify(out);
        out << '\n';
    }
}

}  // namespace quorate::sim
