// SPDX-License-Identifier: Apache-2.0
//
// The names of cipher suites that etcd's --cipher-suites takes: those of Go's crypto/tls.
#pragma once

#include <string>
#include <string_view>

namespace quorate::config {

bool is_cipher_suite(std::string_view name);
// All of them, separated by commas.
std::string cipher_suite_names();

}  // namespace quorate::config
