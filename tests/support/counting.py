"""Requests of this process to an API server, counted at the client."""

from __future__ import annotations

from typing import Any

import pytest

from azora.gateways.kubernetes.api import Api


def requests_of(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Requests of the test from now on, each with its method and the last part of its path."""
    seen: list[str] = []
    plain = Api._answered

    def counted(self: Api, method: str, path: str, **more: Any) -> Any:
        seen.append(f"{method} {path.rpartition('/')[2]}")
        return plain(self, method, path, **more)

    monkeypatch.setattr(Api, "_answered", counted)
    return seen
