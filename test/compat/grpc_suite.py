# SPDX-License-Identifier: Apache-2.0
"""How the tests begin that speak etcd's gRPC messages: TEST QUORATE [options of unittest]."""

import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
# Servers are started while gRPC's threads run; see spawn() in ../support/servers.py.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"

try:
    import grpc
    import protos
except ImportError:
    print("skipped: python3-grpcio or python3-grpc-tools is not installed")
    sys.exit(77)

__all__ = ["BINARY", "MODULES", "grpc", "run"]

BINARY = sys.argv.pop(1) if len(sys.argv) > 1 else sys.exit(f"usage: {sys.argv[0]} QUORATE")
MODULES = {}  # of the messages, by name: rpc, kv, ...; filled by run()


def run():
    with tempfile.TemporaryDirectory(prefix="quorate-protos-") as folder:
        MODULES.update(protos.compile_into(folder))
        unittest.main(verbosity=2)
