# SPDX-License-Identifier: Apache-2.0
"""The disk's own figure: fdatasync after an append of 512 bytes to a file that was written with
zeros before, which is what a good write-ahead log does."""

import os
import time

APPEND_BYTES = 512
FILE_BYTES = 4 << 20


def measure_sync(directory, count=1000):
    """p50 and p99 in microseconds, and syncs per second."""
    path = os.path.join(directory, "sync-probe")
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_TRUNC)
    try:
        os.write(descriptor, bytes(FILE_BYTES))
        os.fsync(descriptor)
        data = b"q" * APPEND_BYTES
        times = []
        for i in range(count):
            begin = time.perf_counter_ns()
            os.pwrite(descriptor, data, (i * APPEND_BYTES) % FILE_BYTES)
            os.fdatasync(descriptor)
            times.append((time.perf_counter_ns() - begin) / 1000)
    finally:
        os.close(descriptor)
        os.unlink(path)
    times.sort()
    return {
        "p50_us": times[len(times) // 2],
        "p99_us": times[len(times) * 99 // 100],
        "per_second": 1e6 * len(times) / sum(times),
    }
