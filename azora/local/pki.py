"""Certificates of the node: one authority, one key pair for each client of the API.

Keys are 0600.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from azora.local.layout import Layout

LIFETIME = timedelta(days=3650)
SERVICE_ADDRESS = "10.96.0.1"

APPROVER = "approver"  # user name of the person who approves while the node's gate is on

# Whom a certificate names: (common name, organization).
CLIENTS = {
    "admin": ("admin", "system:masters"),
    "kubelet-client": ("apiserver-kubelet", "system:masters"),
    "kubelet": ("system:node:node", "system:nodes"),
    "controller-manager": ("system:kube-controller-manager", ""),
    "scheduler": ("system:kube-scheduler", ""),
    "proxy": ("system:kube-proxy", ""),
    APPROVER: (APPROVER, ""),
}


@dataclass(frozen=True)
class _Authority:
    folder: Path
    key: ec.EllipticCurvePrivateKey
    name: x509.Name


def make_certificates(node: Layout) -> None:
    """All keys and certificates of *node*, unless they are there; clients that a later version added, too."""
    node.pki.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (node.pki / "complete").is_file():
        authority = _new_authority(node)
        _key(node.pki / "service-accounts.key", ec.generate_private_key(ec.SECP256R1()))
        _issue(authority, "apiserver", _name("kube-apiserver", ""), _server_names(node))
        _issue_clients(authority, CLIENTS)
        (node.pki / "complete").touch()
    elif missing := [file for file in CLIENTS if not (node.pki / f"{file}.crt").is_file()]:
        _issue_clients(_authority(node), missing)


def _new_authority(node: Layout) -> _Authority:
    authority = _Authority(node.pki, ec.generate_private_key(ec.SECP256R1()), _name("azora-ca", ""))
    root = _builder(authority.name, authority.name, authority.key.public_key())
    root = root.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    _write(node.pki, "ca", authority.key, root.sign(authority.key, hashes.SHA256()))
    return authority


def _authority(node: Layout) -> _Authority:
    key = serialization.load_pem_private_key((node.pki / "ca.key").read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(type(key).__name__)
    return _Authority(node.pki, key, _name("azora-ca", ""))


def _issue_clients(authority: _Authority, files: Iterable[str]) -> None:
    for file in files:
        common_name, organization = CLIENTS[file]
        _issue(authority, file, _name(common_name, organization), None)


def _issue(authority: _Authority, file: str, subject: x509.Name, names: x509.SubjectAlternativeName | None) -> None:
    """With *names*, a server's certificate; without, a client's."""
    key = ec.generate_private_key(ec.SECP256R1())
    usage = ExtendedKeyUsageOID.SERVER_AUTH if names else ExtendedKeyUsageOID.CLIENT_AUTH
    builder = _builder(subject, authority.name, key.public_key())
    builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    if names:
        builder = builder.add_extension(names, critical=False)
    _write(authority.folder, file, key, builder.sign(authority.key, hashes.SHA256()))


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + LIFETIME)
    )


def _server_names(node: Layout) -> x509.SubjectAlternativeName:
    addresses = (node.address, "127.0.0.1", SERVICE_ADDRESS)
    names = ("kubernetes", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local", "localhost")
    return x509.SubjectAlternativeName(
        [
            *(x509.IPAddress(ipaddress.ip_address(address)) for address in addresses),
            *(x509.DNSName(name) for name in names),
        ]
    )


def _name(common_name: str, organization: str) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organization:
        parts.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(parts)


def _write(folder: Path, file: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
    _key(folder / f"{file}.key", key)
    (folder / f"{file}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _key(file: Path, key: ec.EllipticCurvePrivateKey) -> None:
    file.touch(mode=0o600)
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
    )
