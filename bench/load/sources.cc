// SPDX-License-Identifier: Apache-2.0
#include "sources.h"

#include "base/assert.h"
#include "rpc.pb.h"
#include "values.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>

namespace quorate::load {
namespace {

constexpr const char* kUnreadable = "wrong answer: does not parse";
constexpr const char* kNoRevision = "wrong answer: no revision in the header";

template <typename Answer>
bool parse(Answer& answer, std::string_view bytes) {
    return answer.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

class PutSource final : public RequestSource {
  public:
    PutSource(const Options& o, KeyPicker::Lane lane)
        : keys_(o.keys),
          picker_(o.order, o.keys.count, lane, o.seed),
          values_(o.value_size, o.seed + lane.index) {}

    std::optional<Request> next() override {
        make_key(keys_, picker_.next(), *request_.mutable_key());
        const std::string_view value = values_.next();
        request_.set_value(value.data(), value.size());
        return Request{Method::kPut, &request_, Kind::kPut, 0};
    }

    const char* check(Kind, uint64_t, std::string_view bytes) override {
        if (!parse(answer_, bytes)) {
            return kUnreadable;
        }
        return answer_.header().revision() > 1 ? nullptr : kNoRevision;
    }

  private:
    const KeyShape keys_;
    KeyPicker picker_;
    Values values_;
    etcdserverpb::PutRequest request_;
    etcdserverpb::PutResponse answer_;
};

class GetSource final : public RequestSource {
  public:
    GetSource(const Options& o, KeyPicker::Lane lane)
        : keys_(o.keys), picker_(o.order, o.keys.count, lane, o.seed) {
        request_.set_serializable(o.serializable);
    }

    std::optional<Request> next() override {
        const uint64_t number = picker_.next();
        make_key(keys_, number, *request_.mutable_key());
        return Request{Method::kRange, &request_, Kind::kGet, number};
    }

    const char* check(Kind, uint64_t tag, std::string_view bytes) override {
        if (!parse(answer_, bytes)) {
            return kUnreadable;
        }
        if (answer_.header().revision() < 1) {
            return kNoRevision;
        }
        if (answer_.kvs_size() == 0) {
            return "key not there (was it preloaded?)";
        }
        make_key(keys_, tag, wanted_);
        if (answer_.kvs_size() != 1 || answer_.count() != 1 || answer_.kvs(0).key() != wanted_) {
            return "wrong answer: another key";
        }
        return answer_.kvs(0).mod_revision() > 1 ? nullptr : "wrong answer: no mod_revision";
    }

  private:
    const KeyShape keys_;
    KeyPicker picker_;
    std::string wanted_;
    etcdserverpb::RangeRequest request_;
    etcdserverpb::RangeResponse answer_;
};

class MixedSource final : public RequestSource {
  public:
    MixedSource(const Options& o, KeyPicker::Lane lane)
        : put_(o, lane), get_(o, lane), read_ratio_(o.read_ratio), random_(o.seed + lane.index) {}

    std::optional<Request> next() override {
        return random_.unit() < read_ratio_ ? get_.next() : put_.next();
    }

    const char* check(Kind kind, uint64_t tag, std::string_view bytes) override {
        return kind == Kind::kGet ? get_.check(kind, tag, bytes) : put_.check(kind, tag, bytes);
    }

  private:
    PutSource put_;
    GetSource get_;
    const double read_ratio_;
    Random random_;
};

// What RangeSource looks at. Ten thousand pairs are not worth parsing when the first and the last
// tell whether the answer is right; the pairs between are counted.
struct RangeSummary {
    std::string_view first;  // an encoded KeyValue
    std::string_view last;
    uint64_t pairs = 0;
    uint64_t count = 0;
    bool more = false;
};

bool summarize(std::string_view bytes, RangeSummary& out) {
    using google::protobuf::internal::WireFormatLite;
    using google::protobuf::io::CodedInputStream;
    CodedInputStream in(reinterpret_cast<const uint8_t*>(bytes.data()),
                        static_cast<int>(bytes.size()));
    while (const uint32_t tag = in.ReadTag()) {
        if (tag == ((etcdserverpb::RangeResponse::kKvsFieldNumber << 3) | 2)) {
            uint32_t size = 0;
            if (!in.ReadVarint32(&size)) {
                return false;
            }
            const auto at = static_cast<size_t>(in.CurrentPosition());
            if (!in.Skip(static_cast<int>(size))) {
                return false;
            }
            out.last = bytes.substr(at, size);
            out.first = out.pairs == 0 ? out.last : out.first;
            ++out.pairs;
        } else if (tag == (etcdserverpb::RangeResponse::kCountFieldNumber << 3)) {
            if (!in.ReadVarint64(&out.count)) {
                return false;
            }
        } else if (tag == (etcdserverpb::RangeResponse::kMoreFieldNumber << 3)) {
            uint64_t value = 0;
            if (!in.ReadVarint64(&value)) {
                return false;
            }
            out.more = value != 0;
        } else if (!WireFormatLite::SkipField(&in, tag)) {
            return false;
        }
    }
    return in.ConsumedEntireMessage();
}

class RangeSource final : public RequestSource {
  public:
    RangeSource(const Options& o, KeyPicker::Lane lane)
        : keys_(o.keys),
          span_(o.range_keys),
          limit_(o.limit == 0 ? o.range_keys
                              : std::min(static_cast<uint64_t>(o.limit), o.range_keys)),
          picker_(o.order, o.keys.count - o.range_keys + 1, lane, o.seed) {
        request_.set_serializable(o.serializable);
        request_.set_limit(o.limit);
    }

    std::optional<Request> next() override {
        const uint64_t first = picker_.next();
        make_key(keys_, first, *request_.mutable_key());
        std::string& end = *request_.mutable_range_end();
        make_key(keys_, first + span_ - 1, end);
        end.push_back('\0');  // the key right after the last one
        return Request{Method::kRange, &request_, Kind::kRange, first};
    }

    const char* check(Kind, uint64_t tag, std::string_view bytes) override {
        RangeSummary answer;
        if (!summarize(bytes, answer)) {
            return kUnreadable;
        }
        if (answer.count != span_ || answer.pairs != limit_ || answer.more != (limit_ < span_)) {
            return "wrong answer: not the number of keys that were preloaded";
        }
        if (!is_pair(answer.first, tag) || !is_pair(answer.last, tag + limit_ - 1)) {
            return "wrong answer: other keys";
        }
        return nullptr;
    }

  private:
    bool is_pair(std::string_view bytes, uint64_t number) {
        make_key(keys_, number, wanted_);
        return parse(pair_, bytes) && pair_.key() == wanted_;
    }

    const KeyShape keys_;
    const uint64_t span_;
    const uint64_t limit_;
    KeyPicker picker_;
    std::string wanted_;
    etcdserverpb::RangeRequest request_;
    mvccpb::KeyValue pair_;
};

class TxnSource final : public RequestSource {
  public:
    TxnSource(const Options& o, KeyPicker::Lane lane)
        : keys_(o.keys),
          ops_(o.txn_ops),
          compare_(o.txn_compare),
          picker_(o.order, o.keys.count, lane, o.seed),
          values_(o.value_size, o.seed + lane.index) {}

    std::optional<Request> next() override {
        request_.Clear();
        // Neighbours of one drawn key: no key twice in one transaction.
        const uint64_t first = picker_.next();
        for (size_t i = 0; i < ops_; ++i) {
            etcdserverpb::PutRequest& put = *request_.add_success()->mutable_request_put();
            make_key(keys_, (first + i) % keys_.count, *put.mutable_key());
            const std::string_view value = values_.next();
            put.set_value(value.data(), value.size());
        }
        if (compare_) {
            etcdserverpb::Compare& compare = *request_.add_compare();
            compare.set_key(request_.success(0).request_put().key());
            compare.set_target(etcdserverpb::Compare::VERSION);
            compare.set_result(etcdserverpb::Compare::GREATER);
            compare.set_version(-1);
        }
        return Request{Method::kTxn, &request_, Kind::kTxn, 0};
    }

    const char* check(Kind, uint64_t, std::string_view bytes) override {
        if (!parse(answer_, bytes)) {
            return kUnreadable;
        }
        if (answer_.header().revision() <= 1) {
            return kNoRevision;
        }
        const bool right =
            answer_.succeeded() && static_cast<size_t>(answer_.responses_size()) == ops_;
        return right ? nullptr : "wrong answer: transaction did not succeed";
    }

  private:
    const KeyShape keys_;
    const size_t ops_;
    const bool compare_;
    KeyPicker picker_;
    Values values_;
    etcdserverpb::TxnRequest request_;
    etcdserverpb::TxnResponse answer_;
};

class DeleteSource final : public RequestSource {
  public:
    DeleteSource(const Options& o, KeyPicker::Lane lane)
        : keys_(o.keys), lane_(lane), next_(lane.index) {}

    std::optional<Request> next() override {
        if (next_ >= keys_.count) {
            return std::nullopt;
        }
        make_key(keys_, next_, *request_.mutable_key());
        next_ += lane_.lanes;
        return Request{Method::kDeleteRange, &request_, Kind::kDelete, 0};
    }

    const char* check(Kind, uint64_t, std::string_view bytes) override {
        if (!parse(answer_, bytes)) {
            return kUnreadable;
        }
        return answer_.deleted() == 1 ? nullptr : "nothing deleted (was it preloaded?)";
    }

  private:
    const KeyShape keys_;
    const KeyPicker::Lane lane_;
    uint64_t next_;
    etcdserverpb::DeleteRangeRequest request_;
    etcdserverpb::DeleteRangeResponse answer_;
};

class PreloadSource final : public RequestSource {
  public:
    PreloadSource(const Options& o, KeyPicker::Lane lane)
        : keys_(o.keys),
          count_(o.preload),
          ops_(ops_for(o.value_size)),
          step_(ops_ * lane.lanes),
          next_(ops_ * lane.index),
          values_(o.value_size, o.seed + lane.index) {}

    std::optional<Request> next() override {
        if (next_ >= count_) {
            return std::nullopt;
        }
        request_.Clear();
        const uint64_t end = std::min(next_ + ops_, count_);
        for (uint64_t number = next_; number < end; ++number) {
            etcdserverpb::PutRequest& put = *request_.add_success()->mutable_request_put();
            make_key(keys_, number, *put.mutable_key());
            const std::string_view value = values_.next();
            put.set_value(value.data(), value.size());
        }
        next_ += step_;
        return Request{Method::kTxn, &request_, Kind::kTxn, 0};
    }

    const char* check(Kind, uint64_t, std::string_view bytes) override {
        return parse(answer_, bytes) && answer_.succeeded() ? nullptr : kUnreadable;
    }

  private:
    // Within the default limits of a server: 128 operations and 1.5 MiB a request.
    static uint64_t ops_for(size_t value_size) {
        constexpr size_t kOpsMax = 100;
        constexpr size_t kBytesMax = 256 << 10;
        return std::clamp<size_t>(kBytesMax / (value_size + 64), 1, kOpsMax);
    }

    const KeyShape keys_;
    const uint64_t count_;
    const uint64_t ops_;
    const uint64_t step_;
    uint64_t next_;
    Values values_;
    etcdserverpb::TxnRequest request_;
    etcdserverpb::TxnResponse answer_;
};

}  // namespace

std::unique_ptr<RequestSource> make_source(const Options& options, KeyPicker::Lane lane) {
    switch (options.workload) {
        case Workload::kPut:
            return std::make_unique<PutSource>(options, lane);
        case Workload::kGet:
            return std::make_unique<GetSource>(options, lane);
        case Workload::kMixed:
            return std::make_unique<MixedSource>(options, lane);
        case Workload::kRange:
            return std::make_unique<RangeSource>(options, lane);
        case Workload::kTxn:
            return std::make_unique<TxnSource>(options, lane);
        case Workload::kDelete:
            return std::make_unique<DeleteSource>(options, lane);
        case Workload::kWatch:
        case Workload::kLease:
            break;
    }
    QUORATE_ASSERT(false && "a streaming workload has no request source");
    return nullptr;
}

std::unique_ptr<RequestSource> make_preload_source(const Options& options, KeyPicker::Lane lane) {
    return std::make_unique<PreloadSource>(options, lane);
}

}  // namespace quorate::load
