"""The runbook, parsed: the commands of each section, and the output that a person sees then."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from azora.config.settings import ROOT

RUNBOOK = ROOT / "docs/deployment/DEPLOYMENT-RUNBOOK.md"
QUICK_REFERENCE = ROOT / "docs/deployment/DEPLOYMENT-QUICK-REFERENCE.md"
LABELS = ("You see", "Run", "Then you see", "Call")

_SECTION = re.compile(r"^## (?P<title>.+)$", re.MULTILINE)
_PART = re.compile(
    rf"\*\*(?P<label>{'|'.join(LABELS)})\*\*|^```(?P<kind>sh|text)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Block:
    """Commands that stand together, and lines of their answer.

    Commands below "You see" may end with an error.
    """

    commands: tuple[str, ...]
    says: tuple[str, ...] = ()
    may_fail: bool = False

    def missing(self, answer: str) -> list[str]:
        """Those lines of `says` that *answer* does not have; `…` is anything."""
        return [line for line in self.says if not re.search(_pattern(line), answer)]


def sections(text: str | None = None) -> dict[str, str]:
    """Each section by the anchor that GitHub gives its heading."""
    parts = _SECTION.split(RUNBOOK.read_text() if text is None else text)
    return {anchor(title): body for title, body in zip(parts[1::2], parts[2::2], strict=True)}


def anchor(title: str) -> str:
    """Anchor of the heading *title*, as GitHub makes it.

    https://docs.github.com/en/get-started/writing-on-github/getting-started-with-writing-and-formatting-on-github/basic-writing-and-formatting-syntax#section-links
    """
    return re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")


def labels(section: str) -> list[str]:
    return [part["label"] for part in _PART.finditer(section) if part["label"]]


def blocks(section: str) -> list[Block]:
    """Blocks of *section* to run, in order; a block of text belongs to the commands before it."""
    found: list[Block] = []
    label = ""
    for part in _PART.finditer(section):
        label = part["label"] or label
        lines = tuple(line for line in (part["text"] or "").splitlines() if line.strip())
        if part["kind"] == "sh":
            found.append(Block(lines, may_fail=label == "You see"))
        elif part["kind"] == "text":
            found[-1] = replace(found[-1], says=(*found[-1].says, *lines))
    return found


def _pattern(line: str) -> str:
    return r"[^\n]*".join(r"[ \t]+".join(map(re.escape, part.split())) for part in line.split("…"))
