"""Tally of a request in words: who approved, who is missing, and why an answer does not count."""

from __future__ import annotations

from collections.abc import Iterable

from azora.config.environment import ApprovalPolicy
from azora.core.gate.tally import Tally, Voice
from azora.core.messages.foreign_text import line
from azora.core.messages.listing import capped
from azora.core.messages.markdown import code
from azora.core.promotion.approval import line_to_copy

SHOWN_ITEMS, SENTENCE_LETTERS = 5, 600


def sentence(tally: Tally) -> str:
    """State of the request in one line."""
    if tally.rejections:
        return f"rejected by {_names(tally.rejections)}"
    if tally.still_needed:
        people = "person" if tally.still_needed == 1 else "people"
        by = f" (approved by {_names(tally.counted)})" if tally.counted else ""
        return f"{len(tally.counted)} of {tally.minimum} approvals: {tally.still_needed} more {people}{by}"
    if tally.missing:
        return f"approved by {_names(tally.counted)}, but these items have too few approvals: {_items(tally)}"
    return f"approved by {_names(tally.counted)}"


def left_out(tally: Tally) -> list[str]:
    """A line for each approval that does not count."""
    return [f"the approval of {line(voice.who)} does not count: {voice.why}" for voice in tally.left_out]


def who_may(policy: ApprovalPolicy) -> str:
    """People who may approve, in one line."""
    users = [line(name) for name in policy.approvers.users]
    people = [*users, *(f"group {line(name)}" for name in policy.approvers.groups)]
    but = ", but no author of the commits" if policy.excludes_authors else ""
    return f"{', '.join(people)}{but}"


def how_to_approve(run: str, plan: str, program: str = "azora") -> str:
    """The command for an approver's own machine."""
    return line_to_copy(run, plan, program)


def waiting_page(tally: Tally, policy: ApprovalPolicy, run: str, plan: str) -> str:
    """Markdown for the run's page and its form: what is missing, and who can give it."""
    out = "\n".join(f"- {code(text, SENTENCE_LETTERS)}" for text in left_out(tally))
    return "\n\n".join(
        [
            f"### {code(sentence(tally), SENTENCE_LETTERS)}",
            *([out] if out else []),
            f"May approve: {code(who_may(policy), SENTENCE_LETTERS)}. Approve on your own machine, as your own user of the cluster:",
            f"```\n{how_to_approve(run, plan)}\n```",
            "*Resume* on this page does not approve: the run looks into the cluster again, or is rejected.",
        ]
    )


def _names(voices: Iterable[Voice]) -> str:
    return ", ".join(line(voice.who) for voice in voices)


def _items(tally: Tally) -> str:
    return ", ".join(capped(tally.missing, SHOWN_ITEMS))
