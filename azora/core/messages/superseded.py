"""Messages about a superseded request: the state and the page of its run, and a notification."""

from __future__ import annotations

from azora.core.cluster.record import Question, Replacement
from azora.core.messages.foreign_text import line
from azora.core.messages.markdown import code
from azora.core.messages.notifications import Notice
from azora.core.release.release import shown


def message(environment: str, newer: Replacement) -> str:
    """Text of the older run's state."""
    return f"run {newer.run} replaced this request: it requests an approval of {_title(newer)} in {environment}"


def page(environment: str, asked: Question, newer: Replacement, link: str) -> str:
    """Page of the older run, in markdown; *link* leads to the newer one."""
    return (
        f"# A newer request for {environment} replaced this one\n\n"
        f"The run [{code(newer.run)}]({link}) requests an approval of {code(_title(newer))}. It began later.\n\n"
        f"An answer to the plan `{shown(asked.plan)}` of release `{shown(asked.release)}` does not count any more. "
        f"*Retry* requests an approval again, and replaces the newer request."
    )


def notice(environment: str, asked: Question, newer: Replacement, link: str) -> Notice:
    """Notification for those who were asked before."""
    text = [f"replaced by {_title(newer)}", f"requested by run {newer.run}", f"to answer, choose Resume: {link}"]
    return Notice(
        f"{environment} does not wait any more for {line(asked.title) or shown(asked.release)}", "\n".join(text), "info"
    )


def _title(newer: Replacement) -> str:
    return line(newer.title) or shown(newer.release)
