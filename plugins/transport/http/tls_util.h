// SPDX-License-Identifier: Apache-2.0
//
// OpenSSL's objects as owners, and its errors and names as text.
#pragma once

#include "plugin/cxx/barrier.h"
#include "plugin/cxx/free_by.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>

namespace quorate::http {

using plugin::FreeBy;
using SslOwner = std::unique_ptr<SSL, FreeBy<SSL_free>>;
using SslContextOwner = std::unique_ptr<SSL_CTX, FreeBy<SSL_CTX_free>>;
using BioOwner = std::unique_ptr<BIO, FreeBy<BIO_free>>;
using BioMethodOwner = std::unique_ptr<BIO_METHOD, FreeBy<BIO_meth_free>>;
using X509Owner = std::unique_ptr<X509, FreeBy<X509_free>>;
using CrlOwner = std::unique_ptr<X509_CRL, FreeBy<X509_CRL_free>>;

// The oldest error of the thread's queue, which is the cause of the others; empties the queue.
std::string take_tls_error();
// "cannot use WHAT "FILE": " and the reason, of the queue where none is given.
plugin::Status tls_file_error(std::string_view what, const std::string& file,
                              std::string_view reason = {});
// "CN=member 1,O=example"
std::string name_text(const X509_NAME* name);
// "Nov 28 18:00:00 2026 GMT"
std::string time_text(const ASN1_TIME* time);
std::string common_name_of(const X509* certificate);

}  // namespace quorate::http
