"""Refusals by the gate's policies, read from the API server's messages; Helm prints the same."""

from __future__ import annotations

import re

GATE = "ValidatingAdmissionPolicy 'azora-"
ADVICE = "the gate of this environment refused it: docs/approvals.md has who may do it, and how to override it"
_POLICY = re.compile(r"ValidatingAdmissionPolicy '(azora-[a-z]+)'")
_RELEASE = re.compile(r"release (\S+|\(none named\)) has \d+ of \d+ approvals in ")
_IMAGES = re.compile(r"these images of \S+ do not have \d+ approvals in [^\s:]+: ([^;\n]*)")


def policies_in(message: str) -> tuple[str, ...]:
    """Policies of ours that refused, each once, as *message* names them."""
    return tuple(dict.fromkeys(_POLICY.findall(message)))


def items_in(message: str) -> tuple[str, ...]:
    """Labels and digests that were refused for want of approvals; an image by tag as it is.

    Empty where nothing was refused for that reason.
    """
    images = [image.strip() for found in _IMAGES.findall(message) for image in found.split(",")]
    named = (image.partition("@")[2] or image for image in images)
    return tuple(dict.fromkeys([*_RELEASE.findall(message), *(item for item in named if item)]))
