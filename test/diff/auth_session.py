# SPDX-License-Identifier: Apache-2.0
"""A session in which users, roles and permissions come and go, and requests are made by users.

What the session does for itself, as barriers, it does as root while authentication is on; the generator sees
to it that root then has a password, which is known here. Tokens end with a restart, a change of password and
in other ways; whoever has none, or one that was refused, logs in again.
"""

from client import METHODS
from compare import ETCD_3_4, WATCH_FROM_KEY, Difference
from session import Session, WatchStream
from steps import STREAMS

ROOT = "root"
NOBODY = ["", ""]
NONSENSE = ["nonsense.1", "nonsense.1"]
INVALID_TOKEN = "etcdserver: invalid auth token"


class AuthSession(Session):
    def __init__(self, *arguments):
        self.enabled = False
        self.passwords = {}  # of users that have one
        self.without_password = set()
        self.given = {}  # user -> the tokens it was given last
        self.own = None
        self.stream_tokens = []
        self.keepalives = []
        super().__init__(*arguments)

    # --- as whom

    def tokens(self):
        if not self.enabled:
            return NOBODY
        if self.own is None:
            self.own = self._log_in(ROOT)
            if self.own is None:
                raise Difference("root can't log in")
            for stream in self.keepalives:
                stream.close()
            self.keepalives = self._open_keepalives(self.own)
        return self.own

    def _connect(self):
        self.own = None
        self.given.clear()
        self.keepalives = []
        super()._connect()
        self.stream_tokens = [self.tokens()] * STREAMS

    def _log_in(self, user):
        """The tokens; None when the servers agree that there are none."""
        request = self.rpc.AuthenticateRequest(name=user, password=self.passwords.get(user, "unknown"))
        outcomes = self._both("Authenticate", request, NOBODY)
        if outcomes[0].code != 0:
            return None
        return [outcome.message.token for outcome in outcomes]

    def _tokens_of(self, user):
        if user == "" or not self.enabled:
            return NOBODY  # 3.4 looks at tokens although authentication is off
        if user not in self.given:
            tokens = self._log_in(user)
            if tokens is not None:
                self.given[user] = tokens
        return self.given.get(user, NONSENSE)

    # --- steps

    def _step_call(self, step):
        request = self._parse(step, METHODS[step.method][1])
        outcomes = self._both(step.method, request, self._tokens_of(step.user))
        if outcomes[0].text == INVALID_TOKEN:
            self.given.pop(step.user, None)
        if outcomes[0].code == 0:
            self._learn(step.method, request, outcomes)

    def _learn(self, method, request, outcomes):
        """What the session must know of a change."""
        if method == "Authenticate":
            self.given[request.name] = [outcome.message.token for outcome in outcomes]
        elif method == "UserAdd":
            if request.options.no_password:
                self.without_password.add(request.name)
            else:
                self.passwords[request.name] = request.password
        elif method == "UserChangePassword" and request.name not in self.without_password:
            self.passwords[request.name] = request.password
            self.given.pop(request.name if request.name == ROOT else None, None)
        elif method == "UserDelete":
            self.passwords.pop(request.name, None)
            self.without_password.discard(request.name)
        elif method in ("AuthEnable", "AuthDisable"):
            self.enabled = method == "AuthEnable"
        if method in ("UserChangePassword", "AuthEnable", "AuthDisable"):
            self.own = None
            self.tokens()
        if method == "AuthDisable":
            self._barrier(settle=False)
            for number in range(STREAMS):
                self._reopen(number, "")

    def _step_reopen(self, step):
        """A watch stream of its own for a user."""
        self._reopen(step.stream, step.user)

    def _reopen(self, number, user):
        self.streams[number].close()
        self.stream_tokens[number] = self._tokens_of(user)
        self.streams[number] = WatchStream(self.clients, self.rpc, self.stream_tokens[number])

    def _may_all(self, number):
        """Whether a stream is root's, or nobody asks whose it is."""
        return not self.enabled or self.stream_tokens[number] == self.given.get(ROOT, self.own)

    def _step_watch(self, step):
        end = self._parse(step, "WatchRequest").create_request.range_end
        if ETCD_3_4 in self.kinds and end == b"\0" and not self._may_all(step.stream):
            self.comparer.met[WATCH_FROM_KEY.name] += 1
        else:
            super()._step_watch(step)

    def _step_progress(self, step):
        """Whose end is found by a watch of any key."""
        if self._may_all(step.stream):
            super()._step_progress(step)
