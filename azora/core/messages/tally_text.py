"""Tally of a request in words: who approved, who is missing, and why an answer does not count.

`named` formats each name and item for the place where the words stand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from azora.config.environment import ApprovalPolicy
from azora.core.cluster.freeze import Freeze
from azora.core.gate.tally import Tally, Voice
from azora.core.messages.foreign_text import line
from azora.core.messages.listing import capped
from azora.core.messages.markdown import code
from azora.core.promotion.approval import line_to_copy

RESUMED = "*Resume* on the run's page continues."
SHOWN_ITEMS, SHOWN_PEOPLE, SENTENCE_LETTERS = 5, 20, 600


def sentence(tally: Tally, named: Callable[[str], str] = line) -> str:
    """State of the request in one line."""
    if tally.rejections:
        return f"rejected by {_names(tally.rejections, named)}"
    approved = f"approved by {_names(tally.counted, named)}"
    if tally.still_needed:
        people = "person" if tally.still_needed == 1 else "people"
        by = f" ({approved})" if tally.counted else ""
        return f"{len(tally.counted)} of {tally.minimum} approvals: {tally.still_needed} more {people}{by}"
    if tally.missing:
        return f"{approved}, but these items have too few approvals: {_items(tally, named)}"
    return approved


def left_out(tally: Tally) -> list[str]:
    """A line for each approval that does not count."""
    return [f"the approval of {line(voice.who)} does not count: {voice.why}" for voice in tally.left_out]


def who_may(policy: ApprovalPolicy, named: Callable[[str], str] = line) -> str:
    """People who may approve, in one line."""
    users = [named(name) for name in policy.approvers.users]
    people = [*users, *(f"group {named(name)}" for name in policy.approvers.groups)]
    but = ", but no author of the commits" if policy.excludes_authors else ""
    return f"{', '.join(capped(people, SHOWN_PEOPLE))}{but}"


def waiting_page(tally: Tally, policy: ApprovalPolicy, run: str, plan: str, freeze: Freeze | None = None) -> str:
    """Markdown for the run's page and its form: missing approvals, and how to give them.

    *freeze*: keeps the release out, whatever is approved.
    """
    out = "\n".join(f"- {code(text, SENTENCE_LETTERS)}" for text in left_out(tally))
    frozen = f"⚠ Frozen until {freeze.until:%Y-%m-%d %H:%M} UTC." if freeze else ""
    wanted = [_continue(frozen)] if tally.is_enough else [*filter(None, [frozen]), *_approve(policy, run, plan)]
    return "\n\n".join([f"### {sentence(tally, code)}", *([out] if out else []), *wanted])


def _continue(frozen: str) -> str:
    return f"{frozen} *Resume* on the run's page continues after the freeze." if frozen else RESUMED


def _approve(policy: ApprovalPolicy, run: str, plan: str) -> list[str]:
    return [
        f"May approve: {who_may(policy, code)}. Approve on your own machine, as your own user of the cluster:",
        f"```\n{line_to_copy(run, plan)}\n```",
        "*Resume* on the run's page does not approve: the run looks into the cluster again, or is rejected.",
    ]


def _names(voices: Iterable[Voice], named: Callable[[str], str]) -> str:
    return ", ".join(capped([named(voice.who) for voice in voices], SHOWN_PEOPLE))


def _items(tally: Tally, named: Callable[[str], str]) -> str:
    return ", ".join(capped([named(item) for item in tally.missing], SHOWN_ITEMS))
