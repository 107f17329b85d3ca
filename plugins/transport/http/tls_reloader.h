// SPDX-License-Identifier: Apache-2.0
//
// TlsReloader: the TLS sources of one transport, kept as new as their files. It looks for changed
// files every tls_check_interval on a thread of its own, which starts with the first source, and
// reads all of them when it is told to. Any thread.
#pragma once

#include "plugin/cxx/barrier.h"
#include "plugins/transport/http/host.h"
#include "plugins/transport/http/options.h"
#include "plugins/transport/http/tls.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace quorate::http {

class TlsReloader {
  public:
    TlsReloader(const Host& host, const Options& options) : host_(host), options_(options) {}
    ~TlsReloader() { stop(); }

    // The source for these settings, as new as its files: one that there is already, or a new one.
    plugin::Status open(TlsSettings settings, std::shared_ptr<const TlsSource>& ret_source);
    // Reads everything again. The error is the first; what it names stays as it was.
    plugin::Status reload();
    // No file is looked at afterwards. Idempotent.
    void stop();

  private:
    void run();
    // These under mutex_.
    std::vector<std::shared_ptr<TlsSource>> living();
    void look();
    void load_changed(TlsSource& source) const;
    void note(const TlsSource& source) const;

    const Host& host_;
    const Options& options_;
    std::mutex mutex_;
    std::condition_variable stopped_;
    bool stopping_ = false;
    std::vector<std::weak_ptr<TlsSource>> sources_;
    std::thread thread_;
};

}  // namespace quorate::http
