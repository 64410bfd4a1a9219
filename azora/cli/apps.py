"""Typer apps whose commands read the settings first.

Help, completion and `--version` need no settings.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand
from typer.models import CommandFunctionType

from azora.config.environment import environments
from azora.config.settings import settings
from azora.errors import BadInput


class _Command(TyperCommand):
    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override] # the only context that there is
        """Read the settings before Prefect is imported: Prefect reads its address from the environment once."""
        settings()
        return super().invoke(ctx)


class App(typer.Typer):
    def command(
        self,
        name: str | None = None,
        **options: Any,  # noqa: ANN401 - typer's many
    ) -> Callable[[CommandFunctionType], CommandFunctionType]:
        """Register a command, with typer's own options."""
        return super().command(name, cls=_Command, **options)


def known_environments(_context: typer.Context, incomplete: str) -> list[str]:
    """Names for shell completion; none while the settings cannot be read."""
    try:
        return [name for name in environments(settings().environments) if name.startswith(incomplete)]
    except BadInput:
        return []
