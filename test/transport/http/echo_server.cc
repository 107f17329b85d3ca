// SPDX-License-Identifier: Apache-2.0
//
// A server that answers every gRPC message with itself, on the transport alone: what h2load
// measures.
//
//   echo_server [port] [own|other] [key=value ...]
//
// "own" answers on the transport's thread; "other" hands the calls to one more thread and answers
// from there, in batches, as the core does.
#include "plugin/abi/transport.h"
#include "plugin/cxx/barrier.h"

#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

extern "C" const quorate_plugin* quorate_plugin_entry();

namespace {

using quorate::plugin::bytes;
using quorate::plugin::view;

const quorate_transport_interface* table() {
    return static_cast<const quorate_transport_interface*>(
        quorate_plugin_entry()->interface_get(QUORATE_TRANSPORT_INTERFACE));
}

void log(void*, int32_t, quorate_bytes message, const quorate_log_field* fields,
         size_t field_count) noexcept {
    std::fprintf(stderr, "%.*s", static_cast<int>(message.size), message.data);
    for (size_t i = 0; i < field_count; ++i) {
        std::fprintf(stderr, " %.*s=%.*s", static_cast<int>(fields[i].key.size), fields[i].key.data,
                     static_cast<int>(fields[i].value.size), fields[i].value.data);
    }
    std::fprintf(stderr, "\n");
}

void metric_add(void*, quorate_bytes, uint64_t) noexcept {}

int64_t now_ms(void*) noexcept {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct Answer {
    quorate_call* call;
    std::string message;
};

class Core {
  public:
    explicit Core(bool other_thread) : other_thread_(other_thread) {}

    void start(quorate_transport* transport) {
        transport_ = transport;
        if (other_thread_) {
            thread_ = std::thread([this] { run(); });
        }
    }

    void stop() {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        wake_.notify_one();
        if (thread_.joinable()) {
            thread_.join();
        }
    }

    void take(quorate_call* call, std::string_view message) {
        if (!other_thread_) {
            table()->reply(call, bytes(message));
            return;
        }
        bool was_empty = false;
        {
            const std::lock_guard lock(mutex_);
            was_empty = waiting_.empty();
            waiting_.push_back({call, std::string(message)});
        }
        if (was_empty) {
            wake_.notify_one();
        }
    }

  private:
    void run() {
        std::vector<Answer> batch;
        for (;;) {
            {
                std::unique_lock lock(mutex_);
                wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
                if (waiting_.empty()) {
                    return;
                }
                batch.swap(waiting_);
            }
            for (const Answer& answer : batch) {
                table()->reply(answer.call, bytes(answer.message));
            }
            table()->flush(transport_);
            batch.clear();
        }
    }

    const bool other_thread_;
    quorate_transport* transport_ = nullptr;
    std::thread thread_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::vector<Answer> waiting_;
    bool stopping_ = false;
};

struct Call {
    Core* core;
    quorate_call* call;
    bool answered = false;
};

void* on_call(void* ctx, quorate_call* call, const quorate_call_info*) noexcept {
    return new Call{static_cast<Core*>(ctx), call};
}

void on_message(void* user, quorate_bytes message) noexcept {
    auto* call = static_cast<Call*>(user);
    if (!std::exchange(call->answered, true)) {
        call->core->take(call->call, view(message));
    }
}

void on_half_close(void*) noexcept {}

void on_cancel(void* user, uint32_t) noexcept {
    auto* call = static_cast<Call*>(user);
    if (!std::exchange(call->answered, true)) {
        table()->finish(call->call, 1, {nullptr, 0});
    }
}

void on_writable(void*) noexcept {}

void on_released(void* user) noexcept {
    delete static_cast<Call*>(user);
}

int fail(const quorate_error& error) {
    std::fprintf(stderr, "%s\n", error.text);
    return 1;
}

}  // namespace

int main(int argc, char** argv) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);

    const auto port = static_cast<uint32_t>(argc > 1 ? std::atoi(argv[1]) : 2379);
    Core core(argc > 2 && std::string_view(argv[2]) == "other");
    std::vector<quorate_option> options;
    for (int i = 3; i < argc; ++i) {
        const std::string_view option = argv[i];
        const size_t equals = option.find('=');
        options.push_back({bytes(option.substr(0, equals)), bytes(option.substr(equals + 1))});
    }
    const quorate_host host{sizeof host, nullptr, log, metric_add, now_ms};
    const quorate_transport_events events{sizeof events, &core,     on_call,     on_message,
                                          on_half_close, on_cancel, on_writable, on_released};
    quorate_error error{sizeof error, 0, {}};
    quorate_plugin_entry()->init(&host, &error);
    quorate_transport* transport = nullptr;
    if (table()->create(&events, options.data(), options.size(), &transport, &error) != 0) {
        return fail(error);
    }
    quorate_listen where{};
    where.size = sizeof where;
    where.host = bytes("127.0.0.1");
    where.port = port;
    where.serve = QUORATE_SERVE_GRPC | QUORATE_SERVE_HTTP;
    quorate_listening listening{sizeof listening, 0, 0};
    if (table()->listen(transport, &where, &listening, &error) != 0 ||
        table()->start(transport, &error) != 0) {
        return fail(error);
    }
    core.start(transport);
    std::printf("listening on 127.0.0.1:%u\n", listening.port);
    std::fflush(stdout);
    int signal = 0;
    sigwait(&signals, &signal);
    table()->stop(transport, 100);
    core.stop();
    table()->destroy(transport);
    return 0;
}
