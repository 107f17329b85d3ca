# SPDX-License-Identifier: Apache-2.0
"""A certificate authority of a test's own, made with the openssl program."""

import os
import subprocess

CONFIG = """
[ca]
default_ca = one
[one]
database = {directory}/index.txt
crlnumber = {directory}/crlnumber
new_certs_dir = {directory}
default_md = sha256
default_crl_days = 30
certificate = {directory}/{name}.crt
private_key = {directory}/{name}.key
"""


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.PIPE)


class Pair:
    """A certificate and its key."""

    def __init__(self, directory, name):
        self.cert = os.path.join(directory, name + ".crt")
        self.key = os.path.join(directory, name + ".key")


class Authority:
    """Signs certificates in `directory`, and keeps the list of those it has taken back."""

    def __init__(self, directory, name="ca"):
        self.directory = directory
        self.name = name
        os.makedirs(directory, exist_ok=True)
        self.pair = Pair(directory, name)
        self.cert = self.pair.cert
        self.crl = os.path.join(directory, name + ".crl")
        self.serial = 0
        self.new_key(self.pair.key)
        openssl("req", "-x509", "-new", "-key", self.pair.key, "-out", self.cert, "-days", "30",
                "-subj", f"/CN=test {name}", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        self.config = os.path.join(directory, name + ".cnf")
        with open(self.config, "w") as config:
            config.write(CONFIG.format(directory=directory, name=name))
        open(os.path.join(directory, "index.txt"), "w").close()
        with open(os.path.join(directory, "crlnumber"), "w") as number:
            number.write("01\n")
        self.publish_crl()

    @staticmethod
    def new_key(path):
        openssl("ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", path)

    def issue(self, name, common_name, names="IP:127.0.0.1", days=30, into=None):
        """Makes, or replaces, the pair of this name; `into` puts it elsewhere."""
        pair = Pair(into or self.directory, name)
        self.serial += 1
        request = os.path.join(self.directory, name + ".csr")
        extensions = os.path.join(self.directory, name + ".ext")
        fresh = Pair(self.directory, name + ".new")
        with open(extensions, "w") as file:
            file.write(f"subjectAltName={names}\n" if names else "basicConstraints=CA:FALSE\n")
        self.new_key(fresh.key)
        openssl("req", "-new", "-key", fresh.key, "-subj", f"/CN={common_name}", "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self.pair.key,
                "-set_serial", str(self.serial), "-days", str(days), "-extfile", extensions,
                "-out", fresh.cert)
        os.replace(fresh.key, pair.key)
        os.replace(fresh.cert, pair.cert)
        return pair

    def revoke(self, pair):
        openssl("ca", "-config", self.config, "-revoke", pair.cert)
        self.publish_crl()

    def publish_crl(self):
        fresh = self.crl + ".new"
        openssl("ca", "-config", self.config, "-gencrl", "-out", fresh)
        os.replace(fresh, self.crl)
