"""Name of a page of evidence among the reports of its run."""

from __future__ import annotations

import re

_NAME = re.compile(r"evidence-(.+)-\d+-\d+\.html")


def file_name(environment: str, attempt: int, vote: int) -> str:
    """Return the name of the page of one request."""
    return f"evidence-{environment}-{attempt}-{vote}.html"


def environment_in(name: str) -> str:
    """Return the environment whose page has this *name*; empty for another file."""
    found = _NAME.fullmatch(name)
    return found[1] if found else ""
