# SPDX-License-Identifier: Apache-2.0
"""A DNS server for one test: SRV records over UDP on a loopback port."""

import socket
import struct
import threading

SRV = 33
NO_SUCH_NAME = 3


def encode_name(name):
    labels = [label for label in name.split(".") if label]
    return b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"


def question_of(message):
    """The name and the type that are asked for, and the question as it came."""
    labels, at = [], 12
    while message[at]:
        labels.append(message[at + 1:at + 1 + message[at]].decode())
        at += 1 + message[at]
    kind, _ = struct.unpack_from(">HH", message, at + 1)
    return ".".join(labels), kind, message[12:at + 5]


class NameServer:
    """`records` maps a name to [(host, port)]. Answers until it is closed."""

    def __init__(self, records):
        self.records = records
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    @property
    def address(self):
        return "127.0.0.1:%d" % self.socket.getsockname()[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.sendto(b"", self.socket.getsockname())  # wakes it for the last time
        self.thread.join()
        self.socket.close()

    def serve(self):
        while True:
            message, asker = self.socket.recvfrom(512)
            if not message:
                return
            self.socket.sendto(self.answer(message), asker)

    def answer(self, message):
        name, kind, question = question_of(message)
        found = self.records.get(name, []) if kind == SRV else []
        flags = 0x8180 | (0 if name in self.records else NO_SUCH_NAME)
        answer = message[:2] + struct.pack(">HHHHH", flags, 1, len(found), 0, 0) + question
        for host, port in found:
            data = struct.pack(">HHH", 0, 0, port) + encode_name(host)
            answer += struct.pack(">HHHIH", 0xC00C, SRV, 1, 60, len(data)) + data
        return answer
