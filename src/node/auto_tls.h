// SPDX-License-Identifier: Apache-2.0
//
// The certificates of --auto-tls and --peer-auto-tls: made up at the first start, signed by
// themselves, and kept where etcd keeps them, so that a data directory's next start shows the same
// one. They encrypt, and say nothing about who is on the other side.
#pragma once

#include "base/file.h"
#include "base/status.h"

#include <cstdint>
#include <string>
#include <vector>

namespace quorate::node {

struct CertificateFiles {
    std::string cert_file;
    std::string key_file;
};

struct CertificateWish {
    std::vector<std::string> hosts;  // names and addresses that it is for
    uint32_t validity_years;
    bool for_clients_too;  // it is also shown by who calls
};

// `dir`/cert.pem and key.pem. Those that are there are taken as they are unless they have expired.
Result<CertificateFiles> ensure_certificate(FileSystem& fs, const std::string& dir,
                                            const CertificateWish& wish);

}  // namespace quorate::node
