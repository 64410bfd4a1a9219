"""Summary of a followed run for a job's page, in markdown: each part once, as soon as it is known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from azora.core.messages.markdown import block, code

CARRIED = ("-warnings", "-plan", "-answer", "-switch")  # ends of the keys; all other pages are behind the run's link


@dataclass(frozen=True)
class Page:
    """A page that a run left, as it was written."""

    key: str
    text: str


def summary(run: str, url: str, pages: Iterable[Page], end: str | None = None) -> list[str]:
    """Facts of *run* in the order in which they became known; a repeated page is left out."""
    carried = [_part(url, page) for page in pages if page.key.endswith(CARRIED)]
    return list(dict.fromkeys([f"[Run `{run[:8]}`]({url})", *carried, *([end] if end else [])]))


def ended(state: str, message: str) -> str:
    """Format the end of a run, and its reason."""
    why = code(message) if "\n" not in message.strip() else f"\n\n{block(message)}"
    return f"**{state}**: {why}"


def _part(url: str, page: Page) -> str:
    if not page.key.endswith("-plan"):
        return page.text
    return f"{page.text}\n\nThe run waits for an approval: [answer on the run's page]({url})."
