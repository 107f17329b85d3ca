// SPDX-License-Identifier: Apache-2.0
//
// Owners of OpenSSL's objects, and what keeps its errors to ourselves.
#pragma once

#include "plugin/cxx/free_by.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>

namespace quorate::auth_jwt {

using plugin::FreeBy;

using Bio = std::unique_ptr<BIO, FreeBy<BIO_free>>;
using Number = std::unique_ptr<BIGNUM, FreeBy<BN_free>>;
using EcdsaSignature = std::unique_ptr<ECDSA_SIG, FreeBy<ECDSA_SIG_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, FreeBy<EVP_MD_CTX_free>>;
using Certificate = std::unique_ptr<X509, FreeBy<X509_free>>;

// Whatever fails inside its scope leaves no trace in the thread's queue of errors: the TLS sessions
// that the thread serves next would take it for theirs.
class QuietErrors {
  public:
    QuietErrors() { ERR_set_mark(); }
    ~QuietErrors() { ERR_pop_to_mark(); }
    QuietErrors(const QuietErrors&) = delete;
    QuietErrors& operator=(const QuietErrors&) = delete;
};

}  // namespace quorate::auth_jwt
