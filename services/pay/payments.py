"""What is said about cards and payments, and what can go wrong with them."""

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
    """What claims to come from the provider does not."""


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
    """What the provider says about one attempt to pay."""

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
