"""A promotion: which step is next, and each of them, safe to repeat."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from azora.core.promotion.next_step import Step, next_step
from azora.host.retry import patient
from azora.operations.promotion.preview import Preview
from azora.operations.promotion.switch import Switching


class Promotion(Preview, Switching):
    """All steps of one delivery; `azora.core.promotion.next_step.next_step` says which one is next."""

    @patient
    def next(self, *, end_to_end: bool = False) -> Step | None:
        """The one next step, from a fresh look; an API server that is away for a moment is waited for."""
        has_cases = self.delivery.application.suites.e2e is not None
        return next_step(self.look(), replace(self.wanted, end_to_end=end_to_end and has_cases), datetime.now(UTC))
