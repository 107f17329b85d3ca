# SPDX-License-Identifier: Apache-2.0
"""The log's files from outside: just enough of the format (src/wal/segment.h, frame.h) to damage
them with intent."""

import os
import struct

BLOCK = 4096
MAGIC = b"\x89QUOWAL\n"


def _table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_TABLE = _table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def segments(wal_dir):
    return sorted(
        os.path.join(wal_dir, name) for name in os.listdir(wal_dir) if name.endswith(".wal")
    )


def frame_offsets(path):
    """Where this segment's frames begin, old ones of the file's earlier life left out."""
    with open(path, "rb") as file:
        header = file.read(BLOCK)
        assert header[:8] == MAGIC, path
        tag = header[40:44]
        offsets = []
        at = BLOCK
        while True:
            block = file.read(BLOCK)
            if len(block) < BLOCK:
                return offsets
            if block[:4] == tag:
                offsets.append(at)
            at += BLOCK


def flip(path, offset):
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 0x01]))


def set_version(path, version):
    with open(path, "r+b") as file:
        header = bytearray(file.read(BLOCK))
        struct.pack_into("<I", header, 12, version)
        struct.pack_into("<I", header, 8, crc32c(header[12:]))
        file.seek(0)
        file.write(header)


def content(directory):
    """All bytes of all files, to see that nothing was touched."""
    out = {}
    for root, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(root, name)
            with open(path, "rb") as file:
                out[path] = file.read()
    return out
