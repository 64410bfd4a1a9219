"""Login of the node's registry: without one, a commit's tests could push an image under any tag."""

from __future__ import annotations

import base64
import json
import secrets
from pathlib import Path

import bcrypt

from azora.config.json_object import Json
from azora.core.auth import authorization
from azora.local.configuration import rendered, write
from azora.local.layout import Layout

# The lowest that bcrypt has: the registry computes it for each request, and nobody guesses a random password.
_ROUNDS = 4


def registry_auth(node: Layout) -> str:
    """Return `user:password` of the node's registry; made at first use, kept in a file of buildah's form."""
    known = _logins(node.registry_login)
    if node.registry not in known["auths"]:
        login = f"azora:{secrets.token_urlsafe(24)}"
        known["auths"][node.registry] = {"auth": base64.b64encode(login.encode()).decode()}
        write(node.registry_login, json.dumps(known), private=True)
    return base64.b64decode(known["auths"][node.registry]["auth"]).decode()


def write_registry_login(node: Layout) -> None:
    """Write the password's hash for the registry, and the header of its pulls for containerd."""
    login = registry_auth(node)
    passwords = node.etc / "htpasswd"
    if not _opens(passwords, login):
        user, _, password = login.partition(":")
        hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(_ROUNDS)).decode()
        write(passwords, f"{user}:{hashed}\n", private=True)
    pulls = rendered("hosts.toml", node=node, authorization=authorization(login))
    write(node.etc / "certs.d" / node.registry / "hosts.toml", pulls, private=True)


def _logins(file: Path) -> Json:
    known: Json = json.loads(file.read_text()) if file.is_file() else {}
    return {**known, "auths": dict(known.get("auths") or {})}


def _opens(passwords: Path, login: str) -> bool:
    """Return True when the registry that reads *passwords* lets *login* in."""
    user, _, password = login.partition(":")
    known, _, hashed = passwords.read_text().strip().partition(":") if passwords.is_file() else ("", "", "")
    return known == user and bcrypt.checkpw(password.encode(), hashed.encode())
