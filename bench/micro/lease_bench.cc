// SPDX-License-Identifier: Apache-2.0
//
// lease_bench: what the lessor costs with a million leases. CPU time of this thread, in nanoseconds
// per operation where nothing else is said. Prints one JSON object.
#include "lease/lessor.h"
#include "storage/mem_backend.h"

#include <malloc.h>
#include <time.h>

#include <cstdio>
#include <string>
#include <vector>

namespace quorate::lease {
namespace {

constexpr LeaseId kLeases = 1'000'000;

double thread_cpu_ns() {
    struct timespec t {};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

template <typename Fn>
double took_ns(Fn&& work) {
    const double before = thread_cpu_ns();
    work();
    return thread_cpu_ns() - before;
}

// Ids as servers make them: without order.
LeaseId id_of(LeaseId i) {
    return static_cast<LeaseId>((static_cast<uint64_t>(i) * 0x9e3779b97f4a7c15) >> 1) | 1;
}

void report(const char* name, double value, bool last = false) {
    std::printf("  \"%s\": %.1f%s\n", name, value, last ? "" : ",");
}

void run() {
    const struct mallinfo2 before = ::mallinfo2();
    Lessor lessor({.hash_seed = 12345});
    storage::WriteBatch batch;
    std::printf("{\n");
    report("grant_ns", took_ns([&] {
                           for (LeaseId i = 1; i <= kLeases; ++i) {
                               // Ten minutes give or take: 600 different durations.
                               (void)lessor.grant(batch, {id_of(i), 300 + i % 600}, 0);
                               if (i % 1000 == 0) {
                                   batch.clear();
                               }
                           }
                       }) / kLeases);
    batch = {};
    const struct mallinfo2 after = ::mallinfo2();
    report("bytes_per_lease",
           static_cast<double>(after.uordblks + after.hblkhd - before.uordblks - before.hblkhd) /
               kLeases);
    report("promote_us", took_ns([&] { lessor.promote(1000, 1000); }) / 1e3);
    report("keep_alive_ns", took_ns([&] {
                                for (LeaseId i = 1; i <= kLeases; ++i) {
                                    (void)lessor.keep_alive(id_of(i), 1000 + i / 100);
                                }
                            }) / kLeases);
    report("attach_ns", took_ns([&] {
                            for (LeaseId i = 1; i <= kLeases; ++i) {
                                (void)lessor.attach(id_of(i), "/key/" + std::to_string(i));
                            }
                        }) / kLeases);
    report("nothing_expired_ns", took_ns([&] {
                                     for (int i = 0; i < 1000; ++i) {
                                         (void)lessor.expired(100'000, 1000);
                                     }
                                 }) / 1000);
    size_t revoked = 0;
    report("expire_and_revoke_ns", took_ns([&] {
                                       std::vector<LeaseId> ids;
                                       do {
                                           ids = lessor.expired(10'000'000, 1000);
                                           for (const LeaseId id : ids) {
                                               revoked += lessor.revoke(batch, id).value().size();
                                           }
                                           batch.clear();
                                       } while (!ids.empty());
                                   }) / kLeases);
    report("keys_revoked", static_cast<double>(revoked), true);
    std::printf("}\n");
}

}  // namespace
}  // namespace quorate::lease

int main() {
    quorate::lease::run();
    return 0;
}
