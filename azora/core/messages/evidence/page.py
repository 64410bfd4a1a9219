"""Page of evidence: one HTML document without scripts, pictures or requests.

Every value passes through `_text`, then through the template engine's escape: foreign text shows all its letters and adds no element.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import jinja2

from azora.core.messages.evidence.facts import Compared, Evidence
from azora.core.messages.foreign_text import line, lines
from azora.core.messages.receipt import receipt_rows
from azora.core.promotion.plan import counted
from azora.core.promotion.risks import risks_of
from azora.core.release.object_changes import ObjectChange, bounded
from azora.core.release.release import shown
from azora.redaction import redacted

MOST_LETTERS = 1_000_000  # of one value; differences are bounded before
MOST_OBJECTS = 500
NEWEST_COMMITS = 5  # the others are folded

ASKED = {
    "before_preview": "before anything in this environment changes",
    "after_preview": "after the preview is installed and proved",
}
ELEMENTS = {"+": "ins", "-": "del", "@": "b"}


class Block(NamedTuple):
    """Lines of a difference that follow each other and have one sign."""

    element: str
    text: str


def page(found: Evidence) -> str:
    """HTML document of *found*."""
    objects = _bounded(found.objects)
    return _template.render(
        found=found,
        plan=found.plan,
        risks=risks_of(found.plan, found.seen),
        objects=objects,
        summary=tuple(_summary(found)),
        commits=tuple(_commits(found)),
        images=_images(found),
        rows=receipt_rows(found.stage.receipt) if found.stage and found.stage.receipt else (),
        asked=ASKED.get(found.plan.ask or "", "not needed here"),
    )


def blocks(change: ObjectChange) -> list[Block]:
    """Difference of an object in blocks of equal signs."""
    grouped = groupby(change.lines, key=lambda text: ELEMENTS.get(text[:1], "span"))
    return [Block(element, "\n".join(found)) for element, found in grouped]


def _bounded(objects: Sequence[Compared]) -> tuple[Compared, ...]:
    """*objects* with differences that a browser can show: their lines together have a limit."""
    rest = iter(bounded([change for one in objects for change in (one.changes or ())]))
    return tuple(
        Compared(one.release, None if one.changes is None else tuple(next(rest) for _ in one.changes), one.is_new)
        for one in objects
    )


def _summary(found: Evidence) -> Iterator[tuple[str, str, str]]:
    """Name, figure and anchor of each section."""
    plan = found.plan
    lost = "? lost" if plan.lost is None else f"{len(plan.lost)} lost" if plan.lost else ""
    yield "Commits", " · ".join(filter(None, [f"{len(plan.changes)} new", lost])), "commits"
    yield "Objects", _count_of_objects(found.objects), "objects"
    yield "Images", f"{len(plan.images)} of {len(plan.release.images)} changed", "images"
    yield "Migrations", ", ".join(one.phase for one in plan.migrations) or "none", "migrations"
    failed = sum(not suite.ok for suite in found.suites)
    yield (
        "Suites",
        f"{failed} failed" if failed else f"{len(found.suites)} passed" if found.suites else "unknown",
        "tests",
    )
    yield "Last rollback", f"{found.rollback.seconds:.1f} s" if found.rollback else "none", "rollback"


def _count_of_objects(objects: Sequence[Compared]) -> str:
    if any(one.changes is None for one in objects):
        return "unknown"
    changes = [change for one in objects for change in one.changes or ()]
    counts = [(how, sum(change.how == how for change in changes)) for how in ("changed", "added", "removed")]
    return ", ".join(f"{count} {how}" for how, count in counts if count) or "none changed"


def _commits(found: Evidence) -> Iterator[tuple[str, tuple[object, ...], tuple[object, ...]]]:
    """Title, newest and further commits of each kind; those that users would lose come first."""
    plan = found.plan
    if plan.lost:
        title = f"{counted(len(plan.lost), 'commit')} that users would lose"
        yield title, plan.lost[:NEWEST_COMMITS], plan.lost[NEWEST_COMMITS:]
    title = counted(len(plan.changes), "commit" if plan.lost is None else "new commit")
    yield (
        title if plan.lost is not None else f"{title} in the release",
        plan.changes[:NEWEST_COMMITS],
        plan.changes[NEWEST_COMMITS:],
    )


def _images(found: Evidence) -> tuple[tuple[str, str, str, str], ...]:
    """Name, both digests and whole reference of each image; digests that are the same are empty."""
    before = {name: (old, new) for name, old, new in found.plan.images}
    return tuple(
        (name, *before.get(name, ("", "")), whole) for name, whole in sorted(found.plan.release.images.items())
    )


def _text(value: object) -> object:
    """Text of *value* as people read it, without credentials; the escape comes after."""
    return value if hasattr(value, "__html__") else lines(redacted(str(value)), MOST_LETTERS)


_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent),
    undefined=jinja2.StrictUndefined,
    autoescape=True,
    finalize=_text,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters |= {"line": line, "shown": shown, "blocks": blocks}
_templates.globals |= {"MOST_OBJECTS": MOST_OBJECTS}
_template = _templates.get_template("page.html")
