// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/tls_reloader.h"

#include <pthread.h>

#include <chrono>
#include <csignal>
#include <string>
#include <utility>

namespace quorate::http {
namespace {

using plugin::Status;

std::string files_text(const TlsSource& source) {
    std::string text;
    for (const std::string& file : source.settings().files()) {
        text += (text.empty() ? "" : " ") + file;
    }
    return text;
}

}  // namespace

Status TlsReloader::open(TlsSettings settings, std::shared_ptr<const TlsSource>& ret_source) {
    const std::lock_guard lock(mutex_);
    for (const auto& source : living()) {
        if (source->settings() == settings) {
            if (source->changed()) {
                load_changed(*source);
            }
            ret_source = source;
            return {};
        }
    }
    auto source = std::make_shared<TlsSource>(std::move(settings));
    Status loaded = source->load();
    if (!loaded.ok()) {
        return loaded;
    }
    note(*source);
    sources_.push_back(source);
    ret_source = std::move(source);
    if (!thread_.joinable() && !stopping_) {
        thread_ = std::thread([this] { run(); });
    }
    return {};
}

Status TlsReloader::reload() {
    const std::lock_guard lock(mutex_);
    Status first;
    for (const auto& source : living()) {
        Status loaded = source->load();
        if (loaded.ok()) {
            note(*source);
        } else if (first.ok()) {
            first = std::move(loaded);
        }
    }
    return first;
}

void TlsReloader::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    stopped_.notify_all();
    if (thread_.joinable()) {
        thread_.join();
    }
}

void TlsReloader::run() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, nullptr);
    pthread_setname_np(pthread_self(), "http-tls-files");
    const std::chrono::milliseconds interval(options_.tls_check_interval);
    std::unique_lock lock(mutex_);
    while (!stopped_.wait_for(lock, interval, [this] { return stopping_; })) {
        look();
    }
}

std::vector<std::shared_ptr<TlsSource>> TlsReloader::living() {
    std::erase_if(sources_, [](const auto& source) { return source.expired(); });
    std::vector<std::shared_ptr<TlsSource>> list;
    for (const auto& source : sources_) {
        if (auto alive = source.lock()) {
            list.push_back(std::move(alive));
        }
    }
    return list;
}

void TlsReloader::look() {
    for (const auto& source : living()) {
        if (source->must_load()) {
            load_changed(*source);
        }
    }
}

void TlsReloader::load_changed(TlsSource& source) const {
    const Status loaded = source.load();
    if (!loaded.ok()) {
        host_.log(QUORATE_LOG_ERROR,
                  "changed TLS files can't be used; those read before stay in force",
                  {{"error", loaded.text()}});
        return;
    }
    host_.log(QUORATE_LOG_INFO, "read changed TLS files", {{"files", files_text(source)}});
    note(source);
}

void TlsReloader::note(const TlsSource& source) const {
    if (const std::string& warning = source.context()->warning(); !warning.empty()) {
        host_.log(QUORATE_LOG_WARN, "certificate revocation list is out of date",
                  {{"file", source.settings().crl_file}, {"error", warning}});
    }
}

}  // namespace quorate::http
