// SPDX-License-Identifier: Apache-2.0
//
// TLS on OpenSSL. TlsContext is what was read from the files at one time, and TlsSource the newest
// of them for one set of settings. A connection keeps the context that it began with, so replacing
// the files disturbs none; since tickets are a context's own, no session is resumed under another
// policy than it was begun with.
#pragma once

#include "plugins/transport/http/byte_stream.h"
#include "plugins/transport/http/tls_policy.h"
#include "plugins/transport/http/tls_settings.h"
#include "plugins/transport/http/tls_util.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace quorate::http {

// Immutable after load(), any thread.
class TlsContext {
  public:
    // Reads the files; the error names the one that is wrong.
    plugin::Status load(const TlsSettings& settings);

    SSL_CTX* get() const { return context_.get(); }
    BIO_METHOD* bio_method() const { return method_.get(); }
    bool is_client() const { return client_; }
    const std::string& warning() const { return policy_.warning(); }

  private:
    plugin::Status create(const TlsSettings& settings);
    plugin::Status use_certificate(const TlsSettings& settings);
    plugin::Status use_cipher_suites(const TlsSettings& settings);
    plugin::Status load_authorities(const TlsSettings& settings);

    TlsPolicy policy_;  // outlives the context, whose callback refers to it
    BioMethodOwner method_;
    SslContextOwner context_;
    bool client_ = false;
};

// A file as it was when it was looked at; changes when the file is replaced or written to.
struct FileStamp {
    bool there = false;
    uint64_t device = 0;
    uint64_t inode = 0;
    int64_t size = 0;
    int64_t modified_ns = 0;
    int64_t changed_ns = 0;

    static FileStamp of(const std::string& file);
    friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

class TlsSource {
  public:
    explicit TlsSource(TlsSettings settings) : settings_(std::move(settings)) {}

    const TlsSettings& settings() const { return settings_; }

    // --- one thread at a time --------------------------------------------------------------------
    // Reads the files. What cannot be used leaves the context as it was.
    plugin::Status load();
    // The files are other ones than at the last load, whatever came of it, and have been so since
    // this was last asked: who writes several of them has the time to finish.
    bool must_load();
    // The files are other ones than at the last load.
    bool changed() const { return stamps() != loaded_; }

    // --- any thread ------------------------------------------------------------------------------
    // Not null after the first load that went well.
    std::shared_ptr<const TlsContext> context() const;
    // A connection's stream; `fd` outlives it. `host` is what a server's certificate must be for.
    // Null when memory is out.
    std::unique_ptr<ByteStream> open(int fd, const std::string& host) const;

  private:
    std::vector<FileStamp> stamps() const;

    const TlsSettings settings_;
    std::vector<FileStamp> loaded_;  // when the files were last read
    std::vector<FileStamp> seen_;    // when must_load last looked
    mutable std::mutex mutex_;
    std::shared_ptr<const TlsContext> context_;  // guarded by mutex_
};

}  // namespace quorate::http
