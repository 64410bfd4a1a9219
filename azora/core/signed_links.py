"""Signed addresses of the report server: each reads, or uploads, one file until it expires."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """Permission that a signature gives; a link for readers uploads nothing."""

    READ = "read"
    UPLOAD = "upload"


def signed_query(key: str, path: str, *, expires: datetime, kind: Kind = Kind.READ) -> str:
    """Query of a signed address. *path* begins with `/` and is not quoted."""
    at = int(expires.timestamp())
    return f"expires={at}&signature={_signature(key, path, at, kind)}"


def is_signed(key: str, path: str, query: Mapping[str, str], *, now: datetime, kind: Kind = Kind.READ) -> bool:
    """Return True where *query* is of `signed_query` for this *path* and *kind*, and has not expired."""
    at, given = query.get("expires", ""), query.get("signature", "")
    if not (key and at.isascii() and at.isdigit() and len(at) <= len("9999999999")):
        return False
    right = hmac.compare_digest(given.encode(errors="replace"), _signature(key, path, int(at), kind).encode())
    return right and now.timestamp() < int(at)


def _signature(key: str, path: str, expires: int, kind: Kind) -> str:
    signed = f"{kind}\n{expires}\n{path}".encode(errors="surrogateescape")
    return hmac.new(key.encode(), signed, "sha256").hexdigest()
