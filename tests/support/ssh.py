"""An appliance with its real SSH server in a network namespace, and real clients beside it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pexpect

from cluster import passwords
from tests.support.appliance import Appliance, until
from tests.support.netns import Network

if TYPE_CHECKING:
    from collections.abc import Sequence

ADDRESS = "192.168.12.141"
GUESSER = "192.168.12.11"
"""Where wrong passwords come from: their source has to wait, and nobody else shall."""
HOTWIRE = "192.168.180.2"
PROMPT = "utm.cluster.local> "
PASSWORDS = {
    "admin": "correct horse", "viewer": "only looking", "newcomer": "first password", "robot": "made of tin",
}  # fmt: skip
PATIENCE = 30.0


def account(name: str, role: str, key: str, *, must_change: bool = False) -> dict[str, object]:
    """An account with its password of `PASSWORDS`, and a key."""
    return {
        "role": role,
        "password": passwords.hashed(PASSWORDS[name], os.urandom(passwords.SALT_BYTES)),
        "must_change": must_change,
        "keys": {"1": {"key": key, "enabled": True}} if key else {},
    }


class Site:
    """One appliance, on which nobody is alone: tests share it and leave it as they found it.

    Attributes:
        appliance: the node.
        key: private key of admin and viewer.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.network = Network()
        node = self.network.node()
        self.network.wire(node, "LAN2", "LAN2")
        self.network.wire(node, "LAN3", "LAN3")
        self.client = self.network.node()
        self.network.wire(self.client, "LAN2", "LAN2", "192.168.12.10/24")
        self.client.run("ip", "address", "add", f"{GUESSER}/24", "dev", "LAN2")
        self.network.wire(self.client, "LAN3", "LAN3", "192.168.180.3/24")
        self.key = directory / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key)], check=True)
        public = self.key.with_suffix(".pub").read_text().strip()
        config = {
            "hostname": "utm.cluster.local",
            "cluster": {"hotwire_local": HOTWIRE},
            "interfaces": {"LAN2": {"id": 1}, "LAN3": {"id": 2, "flags": ["HOTWIRE"]}},
            "addresses": {
                "1": {"device": "LAN2", "address": f"{ADDRESS}/24"},
                "2": {"device": "LAN3", "address": f"{HOTWIRE}/24"},
            },
            "users": {
                "admin": account("admin", "admin", public),
                "viewer": account("viewer", "readonly", public),
                "newcomer": account("newcomer", "readonly", "", must_change=True),
                "robot": account("robot", "admin", ""),
            },
        }
        (directory / "node").mkdir()
        self.appliance = Appliance(node, directory / "node", config)
        self.known_hosts = directory / "known_hosts"
        self._askpass = directory / "askpass"
        self._askpass.write_text('#!/bin/sh\necho "$PASSWORD"\n')
        self._askpass.chmod(0o755)

    def start(self) -> None:
        self.appliance.start(shell=True)
        self.await_ssh()
        assert self.ssh("admin", "history").returncode == 0, "and the host key is known from now on"

    def await_ssh(self, times: int = 1) -> None:
        """Wait until the SSH server has said so often that it serves."""
        until(
            lambda: self.appliance.log.count("serving administrators over SSH") >= times,
            f"the SSH server serves; {self.appliance.log}",
        )

    # --- clients ------------------------------------------------------------------------------------

    def words(self, user: str, *options: str, password: bool = False, address: str = ADDRESS) -> list[str]:
        """A command line of OpenSSH, in the client's namespace."""
        trust = ["-o", f"UserKnownHostsFile={self.known_hosts}", "-o", "StrictHostKeyChecking=accept-new"]
        proof = ["-o", "PreferredAuthentications=password", "-o", "PubkeyAuthentication=no"] if password else [
            "-o", "PasswordAuthentication=no", "-o", "IdentitiesOnly=yes", "-i", str(self.key)
        ]  # fmt: skip
        return self.client.command("ssh", "-F", "none", *trust, *proof, *options, f"{user}@{address}")

    def environment(self, user: str) -> dict[str, str]:
        """Where OpenSSH asks a program for the password of an account."""
        asked = {"SSH_ASKPASS": str(self._askpass), "SSH_ASKPASS_REQUIRE": "force"}
        about = {"PASSWORD": PASSWORDS.get(user, ""), "TERM": "xterm", "HOME": str(self._directory)}
        return {**os.environ, **asked, **about}

    @property
    def shared(self) -> list[str]:
        """Options that let one connection of an account carry many commands."""
        path = self._directory / "shared-%r"
        return ["-o", f"ControlPath={path}", "-o", "ControlMaster=auto", "-o", "ControlPersist=20"]

    def ssh(
        self, user: str, *command: str, options: Sequence[str] = (), stdin: str = "", password: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run OpenSSH to its end."""
        return subprocess.run(
            [*self.words(user, *options, password=password), *command],
            input=stdin, env=self.environment(user), capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip

    def person(
        self, user: str = "admin", *, term: str = "xterm", rows: int = 24, columns: int = 80
    ) -> pexpect.spawn:
        """Somebody at a terminal of this kind and size."""
        words = self.words(user, "-tt")
        environment = {**self.environment(user), "TERM": term}
        return pexpect.spawn(
            words[0], words[1:], env=environment, dimensions=(rows, columns), timeout=PATIENCE, encoding="utf-8"
        )

    def python(self, code: str, *arguments: str, **environment: str) -> str:
        """A Python program in the client's namespace; what it printed."""
        done = subprocess.run(
            self.client.command(sys.executable, "-c", code, *arguments),
            env={**os.environ, "HOME": str(self._directory), **environment},
            capture_output=True, text=True, timeout=3 * PATIENCE, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def utmcli(self, line: str) -> str:
        """A command on the console of the appliance, as root."""
        client = Path(sys.executable).with_name("utmcli")
        words = self.appliance.namespace.command(str(client), "--run-dir", str(self.appliance.run), "-c", line)
        done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def restart_shell_host(self) -> None:
        """Kill the shell host, and wait for the next one."""
        before = self.appliance.log.count("serving administrators over SSH")
        assert self.appliance.shell is not None
        os.kill(self.appliance.shell, signal.SIGKILL)
        self.await_ssh(before + 1)

    def close(self) -> None:
        if self.appliance.process is not None:
            self.appliance.close()
        self.network.close()
