// SPDX-License-Identifier: Apache-2.0
//
// How answers about users and roles look. One thread.
#pragma once

#include "ctl/printer.h"
#include "rpc.pb.h"

#include <string>

namespace quorate::ctl {

Exit print_role(const Printer& printer, const std::string& role,
                const etcdserverpb::AuthRoleGetResponse& response);

// An answer of a header alone; `done` says for people what was done.
template <typename Response>
Exit print_done(const Printer& printer, const Response& response, const std::string& done) {
    return printer.show(response,
                        {.simple = [&] { return done + "\n"; },
                         .fields = [&](Fields& fields) { fields.header(response.header()); }});
}

}  // namespace quorate::ctl
