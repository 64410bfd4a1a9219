"""Line about the page of evidence, for the form and the run's page."""

from __future__ import annotations

from azora.core.messages.markdown import code

REASON_CHARACTERS = 300


def evidence_line(address: str) -> str:
    """Format the link to the page at *address*."""
    return f"**[Evidence]({address})**: risks, each changed object, images, tests and receipts"


def no_evidence(why: str) -> str:
    """Format the reason for a request without a page."""
    return f"**⚠ There is no page of evidence**: {code(why, REASON_CHARACTERS)}"
