"""Addresses that people open."""

from __future__ import annotations

from azora.config.settings import Settings


def public_url(host: str, settings: Settings) -> str:
    """The address people type for *host*."""
    port = settings.ingress_port
    scheme = "https" if port == 443 else "http"  # noqa: PLR2004 - HTTPS' own port
    return f"{scheme}://{host}" if port in {80, 443} else f"{scheme}://{host}:{port}"
