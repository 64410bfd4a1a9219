"""An auth string, `user:password`: how it is sent, and how it signs the address of one file."""

from __future__ import annotations

import base64
import hmac


def authorization(auth_string: str) -> str:
    """The value of the header `Authorization`, as Prefect's API and the report server want it."""
    return f"Basic {base64.b64encode(auth_string.encode()).decode()}"


def signature(auth_string: str, path: str) -> str:
    """Signature of *path* alone, which begins with `/` and is not quoted: its holder may read that file."""
    return hmac.new(auth_string.encode(), path.encode(), "sha256").hexdigest()
