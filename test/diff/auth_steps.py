# SPDX-License-Identifier: Apache-2.0
"""Steps in which users, roles and permissions change, authentication goes on and off, and users make requests.

What etcd 3.4 lets through and later releases, for good reasons, do not is left out for all but root: it would
change one server's data only. That is nested transactions, puts in transactions with a lease or for the pair
before, compaction, what leases hold, grants of ranges that end before they begin, and (for root too) a change
to an empty password, after which nobody can log in any more.
"""

from steps import STREAMS, TXN_OPS_MAX, Generator, Step, spare_etcd

USERS = ["root", "alice", "bob", "carol"]
ROLES = ["root", "reader", "writer", "all"]
PASSWORDS = ["one", "two", "three", ""]
# Ranges to grant, some of which touch or overlap, few so that what is revoked was granted. One for each first
# key: etcd looks for an equal range at the first of that key alone, and else grants the same one twice.
GRANTED = {b"a": b"b", b"aa": b"", b"b": b"zz", b"k00": b"k03", b"k03": b"k06", b"k06": b"\x00",
           b"dir/": b"dir0", b"\x00": b"\x00", b"\xff": b"", b"k01": b"k09"}
NONSENSE = "?"  # whose token is no token


class AuthGenerator(Generator):
    enabled = False

    def next(self):
        choices = [
            (40, super().next),
            (20 if self.enabled else 35, self._change),
            (60 if self.enabled else 5, self._request_of_a_user),
            (3, self._look),
            (2, self._log_in),
            (4, self._watch),
            (4, lambda: Step("reopen", stream=self.random.randrange(STREAMS), user=self._user())),
            (0.5 if self.enabled else 8, self._go_on),
            (0.15, lambda: self._call("AuthDisable", self.rpc.AuthDisableRequest())),
        ]
        weights, makers = zip(*choices)
        return self.random.choices(makers, weights)[0]()

    def _range_end(self, key):
        """No range without keys: of the right to one, etcd's tree of intervals has no notion. Quorate asks for
        that to its first key."""
        end = super()._range_end(key)
        return end if end == b"\x00" or key < end else b""

    def _user(self):
        return self.random.choice(USERS + ["alice", "bob", "", NONSENSE])

    def _administrator(self):
        """Mostly somebody who may."""
        if not self.enabled:
            return ""
        return "root" if self._chance(0.8) else self._user()

    def _call(self, method, request, user=None):
        return Step("call", method=method, request=request.SerializeToString(),
                    user=self._administrator() if user is None else user)

    def _name(self, names):
        return "" if self._chance(0.02) else self.random.choice(names)

    # --- users and roles

    def _change(self):
        rpc = self.rpc
        user, role, password = self._name(USERS), self._name(ROLES), self.random.choice(PASSWORDS)
        if role == "root" and self._chance(0.8):
            role = "reader"  # with too many of that, everybody may do everything
        add = rpc.AuthUserAddRequest(name=user, password=password)
        if user != "root" and self._chance(0.15):
            add.options.no_password = True
            add.password = ""
        key, end = self._granted()
        grant = rpc.AuthRoleGrantPermissionRequest(name=role)
        grant.perm.permType = self.random.randrange(3)
        grant.perm.key, grant.perm.range_end = key, end
        choices = [
            (4, "UserAdd", add),
            (0.3, "UserDelete", rpc.AuthUserDeleteRequest(name=user)),
            (1, "UserChangePassword", rpc.AuthUserChangePasswordRequest(name=user, password=password or "four")),
            (5, "UserGrantRole", rpc.AuthUserGrantRoleRequest(user=user, role=role)),
            (2, "UserRevokeRole", rpc.AuthUserRevokeRoleRequest(name=user, role=role)),
            (3, "RoleAdd", rpc.AuthRoleAddRequest(name=role)),
            (0.2, "RoleDelete", rpc.AuthRoleDeleteRequest(role=role)),
            (6, "RoleGrantPermission", grant),
            (2, "RoleRevokePermission", rpc.AuthRoleRevokePermissionRequest(role=role, key=key, range_end=end)),
        ]
        _, method, request = self.random.choices(choices, [one[0] for one in choices])[0]
        return self._call(method, request)

    def _granted(self):
        return self.random.choice(list(GRANTED.items()))

    def _go_on(self):
        """Something that it takes to turn authentication on."""
        rpc = self.rpc
        return self._call(*self.random.choice([
            ("UserAdd", rpc.AuthUserAddRequest(name="root", password="one")),
            ("UserGrantRole", rpc.AuthUserGrantRoleRequest(user="root", role="root")),
            ("AuthEnable", rpc.AuthEnableRequest()),
        ]))

    def _look(self):
        rpc = self.rpc
        method, request = self.random.choice([
            ("UserGet", rpc.AuthUserGetRequest(name=self._name(USERS))),
            ("RoleGet", rpc.AuthRoleGetRequest(role=self._name(ROLES))),
            ("UserList", rpc.AuthUserListRequest()),
            ("RoleList", rpc.AuthRoleListRequest()),
        ])
        user = self._user() if self.enabled else ""
        if method == "UserGet" and request.name == "":
            user = "root"  # nobody asking about nobody gets past etcd's check of names
        return self._call(method, request, user)

    def _log_in(self):
        request = self.rpc.AuthenticateRequest(name=self._name(USERS), password=self.random.choice(PASSWORDS))
        return self._call("Authenticate", request, "")

    # --- requests under a user's token

    def _request_of_a_user(self):
        user = self._user()
        kind = self.random.random()
        if kind < 0.30:
            return self._call("Put", self._put_request(), user)
        if kind < 0.60:
            return self._call("Range", self._range_request(), user)
        if kind < 0.72:
            return self._call("DeleteRange", self._delete_request(), user)
        if kind < 0.92 or user == "":
            request = self._plain_txn()
            if user == "" and not (request.compare or request.success or request.failure):
                # etcd asks nobody's name for nothing; Quorate does.
                request.success.add().request_range.key = self._key()
            return self._call("Txn", request, user)
        if kind < 0.96:
            return self._call("LeaseRevoke", self.rpc.LeaseRevokeRequest(ID=self._lease()), user)
        grant = self.rpc.LeaseGrantRequest.FromString(self._grant().request)
        return self._call("LeaseGrant", grant, user)

    def _plain_txn(self):
        request = self._txn_request(depth=0)
        for branch in (request.success, request.failure):
            for operation in branch:
                if operation.HasField("request_put"):
                    operation.request_put.prev_kv = False
                    operation.request_put.lease = 0
        assert len(request.success) < TXN_OPS_MAX
        spare_etcd(request, self.reference_loses_keys)
        return request
