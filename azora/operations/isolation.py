"""Isolation of a commit's tests and suites from the pipeline that runs them."""

from __future__ import annotations

from pathlib import Path

from azora.config.settings import Settings
from azora.host.sandbox import Sandbox


def sandbox_for(export: Path, settings: Settings) -> Sandbox | None:
    """Sandbox in which programs read *export*; None where AZORA_SANDBOX is off.

    Its cache is the application's.
    """
    if settings.sandbox == "off":
        return None
    return Sandbox(readable=(export,), cache=settings.state_folder / "caches" / settings.application)
