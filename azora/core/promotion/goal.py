"""The goal of a promotion."""

from __future__ import annotations

from dataclasses import dataclass

from azora.core.release.migrations import Code


@dataclass(frozen=True)
class Wanted:
    """Goal of a promotion. `data_digest` None: the environment brings its own databases.

    `policy` and `router_digest` are digests of the environment's file and of the router's objects; `code` is the release, for its
    migrations; `end_to_end`: the browser cases must pass on the preview in this very run.
    """

    release: str
    run: str
    approval_needed: bool
    ask_after_preview: bool
    data_digest: str | None
    router_digest: str
    environment: str = ""
    policy: str = ""
    code: Code | None = None
    end_to_end: bool = False
