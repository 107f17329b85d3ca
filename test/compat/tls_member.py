# SPDX-License-Identifier: Apache-2.0
"""A member that clients reach by https."""

import ssl
import urllib.request

from member import Member


class TlsMember(Member):
    """A member that clients reach by https; `seen_by` is how this test asks it."""

    def __init__(self, binary, authority, extra_args=(), seen_by=None):
        super().__init__(binary, extra_args)
        secure = self.endpoint.replace("http:", "https:")
        self.command = [secure if part == self.endpoint else part for part in self.command]
        self.endpoint = secure
        self.authority = authority
        self.seen_by = seen_by

    def get(self, path):
        if self.authority is None:
            context = ssl._create_unverified_context()
        else:
            context = ssl.create_default_context(cafile=self.authority.cert)
            context.check_hostname = False
        if self.seen_by is not None:
            context.load_cert_chain(self.seen_by.cert, self.seen_by.key)
        with urllib.request.urlopen(self.endpoint + path, timeout=10, context=context) as answer:
            return answer.status, answer.read().decode()

    def whole_log(self):
        with open(self.log_path, errors="replace") as log:
            return log.read()
