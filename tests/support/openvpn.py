"""Debian's OpenVPN in tests: keys, common options, and where it listens."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cluster.check.sockets import listening

if TYPE_CHECKING:
    from tests.support.netns import Namespace

OPENVPN = shutil.which("openvpn", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") or ""
TUN = Path("/dev/net/tun")
COMMON = """\
dev tun
verb 3
keepalive 1 4
data-ciphers AES-256-GCM
"""


def why_no_openvpn() -> str | None:
    """Why it cannot run here, or None."""
    if not OPENVPN:
        return "openvpn is not installed"
    try:
        os.close(os.open(TUN, os.O_RDWR))
    except OSError as error:
        return f"{TUN} cannot be used: {error.strerror}"
    return None


class Identity:
    """A key and a certificate that nobody but this test believes."""

    def __init__(self, directory: Path, name: str) -> None:
        self.key, self.certificate = directory / f"{name}.key", directory / f"{name}.crt"
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = dt.datetime.now(dt.UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .sign(key, hashes.SHA256())
        )
        self.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        self.key.chmod(0o600)
        self.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        self.fingerprint = made.fingerprint(hashes.SHA256()).hex(":")

    def speaks_to(self, peer: Identity) -> str:
        return f"cert {self.certificate}\nkey {self.key}\npeer-fingerprint {peer.fingerprint}\n"


def listens(namespace: Namespace) -> set[tuple[str, int]]:
    """Where somebody listens with UDP."""
    return {(found.address, found.port) for found in listening("udp", namespace.run("cat", "/proc/net/udp"))}


def streams(namespace: Namespace) -> set[tuple[str, int]]:
    """Where somebody listens with TCP."""
    return {(found.address, found.port) for found in listening("tcp", namespace.run("cat", "/proc/net/tcp"))}
