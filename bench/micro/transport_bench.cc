// SPDX-License-Identifier: Apache-2.0
//
// One stream of messages from one transport to another over loopback, through the core's seam:
//   transport_bench MESSAGE_BYTES MESSAGES [CERT_FILE KEY_FILE]
// The certificate must be for 127.0.0.1; it makes both sides speak TLS. Prints JSON.
#include "base/clock.h"
#include "base/metrics.h"
#include "plugin/host.h"
#include "plugin/plugin.h"
#include "transport/client.h"
#include "transport/plugin_transport.h"

#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

extern "C" const quorate_plugin* quorate_plugin_entry();

namespace {

using quorate::ByteView;
namespace transport = quorate::transport;

constexpr uint32_t kWindowBytes = 8 * 1024 * 1024;

// Counts what comes and answers at the end with the count.
class Sink final : public transport::Handler {
  public:
    std::unique_ptr<transport::Call> on_call(const transport::CallInfo&,
                                             transport::Reply reply) override {
        class Counting final : public transport::Call {
          public:
            explicit Counting(transport::Reply reply) : reply_(std::move(reply)) {}
            void on_message(ByteView message) override { bytes_ += message.size(); }
            void on_half_close() override { reply_.reply(std::to_string(bytes_)); }

          private:
            transport::Reply reply_;
            uint64_t bytes_ = 0;
        };
        return std::make_unique<Counting>(std::move(reply));
    }
};

// What the sending thread waits for.
struct Progress {
    std::mutex mutex;
    std::condition_variable changed;
    bool writable = false;
    bool ended = false;
    std::string answer;
    std::string error;

    void set(bool& flag) {
        const std::lock_guard lock(mutex);
        flag = true;
        changed.notify_all();
    }
    void wait(const bool& flag) {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return flag || ended; });
    }
};

class Receiver final : public transport::ClientCall {
  public:
    explicit Receiver(Progress& progress) : progress_(progress) {}
    void on_message(ByteView message) override { progress_.answer = message; }
    void on_writable() override { progress_.set(progress_.writable); }
    void on_end(const transport::CallEnd& end) override {
        progress_.error = end.text;
        progress_.set(progress_.ended);
    }

  private:
    Progress& progress_;
};

template <typename T>
T must(quorate::Result<T> result) {
    if (!result) {
        std::fprintf(stderr, "%s\n", result.error().message().c_str());
        std::exit(1);
    }
    return std::move(result).value();
}

// As fast as the other side takes them.
void send_all(transport::Transport& sender, transport::Request& request, const std::string& message,
              uint64_t messages, Progress& progress) {
    for (uint64_t i = 0; i < messages; ++i) {
        {
            const std::lock_guard lock(progress.mutex);
            progress.writable = false;
        }
        if (request.send(message) == transport::SendResult::kBusy) {
            sender.flush();
            progress.wait(progress.writable);
        } else if (i % 16 == 0) {
            sender.flush();
        }
    }
    request.half_close();
    sender.flush();
    progress.wait(progress.ended);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3 && argc != 5) {
        std::fputs("usage: transport_bench MESSAGE_BYTES MESSAGES [CERT_FILE KEY_FILE]\n", stderr);
        return 2;
    }
    const std::string message(std::strtoull(argv[1], nullptr, 10), 'x');
    const uint64_t messages = std::strtoull(argv[2], nullptr, 10);
    const quorate::SystemClock clock;
    quorate::metrics::Registry metrics;
    quorate::plugin::Host host(metrics, clock);
    const quorate::plugin::Host::Table services(host, "transport_http");
    quorate_error error = quorate::plugin::empty_error();
    quorate_plugin_entry()->init(&services.abi(), &error);
    const quorate::plugin::Plugin plugin("transport_http", *quorate_plugin_entry());
    Sink sink;
    const auto server = must(transport::open_plugin_transport(plugin, {}, sink));
    const auto sender = must(transport::open_plugin_transport(plugin, {}, sink));

    transport::ListenOptions listen;
    listen.host = "127.0.0.1";
    listen.receive_bytes_max = message.size();
    listen.stream_window_bytes = kWindowBytes;
    listen.connection_window_bytes = kWindowBytes;
    transport::DialOptions dial;
    dial.host = "127.0.0.1";
    dial.send_buffer_bytes = kWindowBytes;
    if (argc == 5) {
        listen.tls = std::make_unique<transport::Tls>(transport::Tls{argv[3], argv[4], ""});
        dial.tls = std::make_unique<transport::Tls>(transport::Tls{"", "", argv[3]});
    }
    dial.port = must(server->listen(listen)).port;
    if (!server->start().ok() || !sender->start().ok()) {
        return 1;
    }
    {
        const auto connection = must(sender->client()->dial(dial));
        Progress progress;
        const int64_t begin_ns = clock.monotonic_ns();
        transport::Request request =
            must(connection->call({"/bench.Bench/Sink"}, std::make_unique<Receiver>(progress)));
        send_all(*sender, request, message, messages, progress);
        const double seconds = static_cast<double>(clock.monotonic_ns() - begin_ns) / 1e9;
        if (progress.answer != std::to_string(messages * message.size())) {
            std::fprintf(stderr, "failed: %s\n", progress.error.c_str());
            return 1;
        }
        const auto count = static_cast<double>(messages);
        std::printf(
            "{\"message_bytes\": %zu, \"tls\": %s, \"messages_per_s\": %.0f, "
            "\"mib_per_s\": %.1f}\n",
            message.size(), argc == 5 ? "true" : "false", count / seconds,
            count * static_cast<double>(message.size()) / seconds / 1048576);
    }
    sender->stop(0);
    server->stop(0);
    return 0;
}
