# SPDX-License-Identifier: Apache-2.0
"""Compiles proto/ with grpc_tools into a directory and imports the result.

Generated Python is not kept in the tree: it would have to match the protobuf runtime of whoever
runs the tests.
"""

import importlib
import os
import sys

from grpc_tools import protoc

SOURCES = ("auth", "kv", "rpc", "health", "v3lock", "v3election")
PROTO_DIR = os.path.join(os.path.dirname(__file__), "..", "..", "proto")


def compile_into(directory, proto_dir=PROTO_DIR):
    """Returns the modules by name: rpc, kv, auth, ..."""
    proto_dir = os.path.abspath(proto_dir)
    arguments = ["protoc", f"-I{proto_dir}", f"--python_out={directory}"]
    arguments += [os.path.join(proto_dir, name + ".proto") for name in SOURCES]
    if protoc.main(arguments) != 0:
        raise RuntimeError("protoc failed")
    sys.path.insert(0, directory)
    try:
        return {name: importlib.import_module(name + "_pb2") for name in SOURCES}
    finally:
        sys.path.remove(directory)
