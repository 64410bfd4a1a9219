"""An auth string, `user:password`, in the form in which it is sent."""

from __future__ import annotations

import base64


def authorization(auth_string: str) -> str:
    """The value of the header `Authorization`, as Prefect's API and the report server want it."""
    return f"Basic {base64.b64encode(auth_string.encode()).decode()}"
