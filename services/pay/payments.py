"""Data of cards and payments, and the errors that can occur with them."""

from __future__ import annotations

from dataclasses import dataclass, field

_GONE = {"canceled", "requires_payment_method"}


class CardDeclined(Exception):
    """The card's bank said no; another card may do."""


class CardInvalid(Exception):
    """The card's data cannot be right."""


class ProviderUnavailable(Exception):
    """The provider did not answer, or not usefully. Whether money moved is known when it answers again."""


class NotSigned(Exception):
    """Message that claims to come from the provider and does not."""


class NotConfigured(Exception):
    """There is no secret to tell what comes from the provider by."""


@dataclass(frozen=True)
class Card:
    number: str = field(repr=False)
    exp_month: int
    exp_year: int
    cvc: str = field(repr=False)


@dataclass(frozen=True)
class Intent:
    """Attempt to pay, as the provider reports it."""

    id: str
    status: str

    @property
    def paid(self) -> bool:
        return self.status == "succeeded"

    @property
    def gone(self) -> bool:
        """Nothing more can come of it by itself."""
        return self.status in _GONE


@dataclass(frozen=True)
class Payment:
    """Money that moved, as the provider tells it."""

    intent_id: str
    amount_cents: int
    currency: str
