// SPDX-License-Identifier: Apache-2.0
#include "ctl/put_load.h"

#include "base/random_seed.h"
#include "ctl/methods.h"
#include "rpc.pb.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>

namespace quorate::ctl {
namespace {

constexpr int64_t kAnswer_ns = 30 * kSecond_ns;
constexpr int64_t kProgress_ns = 100 * kMillisecond_ns;

// Sums for the mean and the deviation.
struct Latencies {
    int64_t count = 0;
    double sum = 0;
    double squares = 0;
    double slowest = 0;

    void add(double seconds) {
        ++count;
        sum += seconds;
        squares += seconds * seconds;
        slowest = std::max(slowest, seconds);
    }
    double deviation() const {
        if (count == 0) {
            return 0;
        }
        const double mean = sum / static_cast<double>(count);
        return std::sqrt(std::max(0.0, squares / static_cast<double>(count) - mean * mean));
    }
};

class Load {
  public:
    Load(const std::vector<std::unique_ptr<Client>>& clients, const LoadOptions& options)
        : options_(options), random_(random_seed()), start_ns_(now_ns()) {
        for (const auto& client : clients) {
            slots_.push_back({client.get(), nullptr, 0});
        }
    }

    bool over() const { return stopped_ && busy_ == 0; }
    void stop() { stopped_ = true; }
    int64_t answers() const { return latencies_.count; }

    // Takes answers, and sends what is due.
    void turn() {
        for (Slot& slot : slots_) {
            if (slot.call != nullptr) {
                collect(slot);
            }
        }
        stopped_ = stopped_ || is_done();
        if (!stopped_) {
            send_due();
        }
    }

    // When something is due that no answer announces.
    int64_t next_ns() const {
        int64_t next = now_ns() + kProgress_ns;
        if (!stopped_ && busy_ < slots_.size() && options_.rate > 0) {
            next = std::min(next, due_ns(sent_));
        }
        return next;
    }

    LoadResult result() const {
        LoadResult result;
        const double seconds = static_cast<double>(std::max<int64_t>(last_ns_ - start_ns_, 1)) /
                               static_cast<double>(kSecond_ns);
        result.answered = latencies_.count;
        result.per_second = static_cast<double>(latencies_.count) / seconds;
        result.slowest_s = latencies_.slowest;
        result.deviation_s = latencies_.deviation();
        result.errors = errors_;
        return result;
    }

  private:
    struct Slot {
        Client* client;
        std::unique_ptr<Call> call;
        int64_t start_ns;
    };

    bool is_done() const {
        return (options_.requests_max > 0 && sent_ >= options_.requests_max) ||
               (options_.duration_ns > 0 && now_ns() - start_ns_ >= options_.duration_ns);
    }

    int64_t due_ns(int64_t request) const {
        return options_.rate == 0
                   ? 0
                   : start_ns_ + static_cast<int64_t>(static_cast<double>(request) /
                                                      static_cast<double>(options_.rate) *
                                                      static_cast<double>(kSecond_ns));
    }

    void collect(Slot& slot) {
        while (slot.call->take()) {
        }
        const Call::End* end = slot.call->end();
        if (end == nullptr) {
            return;
        }
        if (end->code == Code::kOk) {
            latencies_.add(static_cast<double>(end->at_ns - slot.start_ns) /
                           static_cast<double>(kSecond_ns));
        } else {
            ++errors_[server_error(end->code, end->text).message()];
        }
        last_ns_ = std::max(last_ns_, end->at_ns);
        slot.call.reset();
        --busy_;
    }

    void send_due() {
        for (Slot& slot : slots_) {
            if (is_done() || due_ns(sent_) > now_ns()) {
                return;
            }
            if (slot.call == nullptr) {
                send(slot);
            }
        }
    }

    void send(Slot& slot) {
        ++sent_;
        Bytes key = options_.prefix + Bytes(options_.key_bytes, '\0');
        for (size_t i = 0; i < std::min<size_t>(options_.key_bytes, 8); ++i) {
            key[options_.prefix.size() + i] = static_cast<char>(random_() & 0xff);
        }
        etcdserverpb::PutRequest request;
        request.set_key(std::move(key));
        request.set_value(Bytes(options_.value_bytes, '\0'));
        slot.start_ns = now_ns();
        auto call = slot.client->open(
            methods::kPut.path,
            {.requires_leader = false, .deadline_ns = slot.start_ns + kAnswer_ns});
        if (!call) {
            ++errors_[call.error().message()];
            return;
        }
        slot.call = std::move(call).value();
        slot.call->send(request.SerializeAsString());
        slot.call->half_close();
        ++busy_;
    }

    const LoadOptions& options_;
    std::mt19937_64 random_;
    const int64_t start_ns_;
    int64_t last_ns_ = 0;
    std::vector<Slot> slots_;
    size_t busy_ = 0;
    int64_t sent_ = 0;
    bool stopped_ = false;
    Latencies latencies_;
    std::map<std::string, int64_t> errors_;
};

}  // namespace

Result<std::vector<std::unique_ptr<Client>>> load_clients(Job& job, size_t count) {
    std::vector<std::unique_ptr<Client>> clients;
    for (size_t i = 0; i < count; ++i) {
        auto options = job.options();
        if (!options) {
            return options.error();
        }
        // Each begins with another endpoint.
        std::rotate(
            options->endpoints.begin(),
            options->endpoints.begin() + static_cast<std::ptrdiff_t>(i % options->endpoints.size()),
            options->endpoints.end());
        auto client = job.connect(std::move(*options));
        if (!client) {
            return client.error();
        }
        clients.push_back(std::move(client).value());
    }
    return clients;
}

LoadResult run_load(const std::vector<std::unique_ptr<Client>>& clients, const LoadOptions& options,
                    Interrupts& interrupts, const std::function<void(int64_t)>& on_progress) {
    Load load(clients, options);
    bool interrupted = false;
    while (!load.over()) {
        load.turn();
        on_progress(load.answers());
        pollfd signals{interrupts.fd(), POLLIN, 0};
        if (!load.over()) {
            clients[0]->waiter().wait(load.next_ns(), {&signals, 1});
        }
        if (signals.revents != 0 && interrupts.take() != 0) {
            interrupted = true;
            load.stop();
        }
    }
    LoadResult result = load.result();
    result.interrupted = interrupted;
    return result;
}

}  // namespace quorate::ctl
