// SPDX-License-Identifier: Apache-2.0
#include "rpc/method_descriptors.h"

#include "rpc.pb.h"
#include "v3election.pb.h"
#include "v3lock.pb.h"

namespace quorate::rpc {

using google::protobuf::FileDescriptor;
using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;

// Found through their files and not by name in the pool, which would leave it to the linker whether
// they are there at all.
const MethodDescriptor* find_method(ByteView service, ByteView method) {
    for (const FileDescriptor* file : {etcdserverpb::RangeRequest::descriptor()->file(),
                                       v3lockpb::LockRequest::descriptor()->file(),
                                       v3electionpb::LeaderRequest::descriptor()->file()}) {
        for (int i = 0; i < file->service_count(); ++i) {
            const ServiceDescriptor* found = file->service(i);
            if (found->full_name() == service) {
                return found->FindMethodByName(std::string(method));
            }
        }
    }
    return nullptr;
}

const MethodDescriptor* find_method(ByteView path) {
    const size_t slash = path.rfind('/');
    return slash == ByteView::npos || slash == 0
               ? nullptr
               : find_method(path.substr(1, slash - 1), path.substr(slash + 1));
}

}  // namespace quorate::rpc
