"""The payment provider: Stripe's PaymentIntents, through Stripe's own client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pay.settings import Settings

# Stripe takes raw numbers only from those it allowed to; its own test cards it takes by name.
# https://docs.stripe.com/testing?testing-method=payment-methods
_TEST_CARDS = {
    "4242424242424242": "pm_card_visa",
    "4000000000000002": "pm_card_visa_chargeDeclined",
}
_GONE = {"canceled", "requires_payment_method"}


class CardDeclined(Exception):
    """The card's bank said no; another card may do."""


class CardInvalid(Exception):
    """The card's data cannot be right."""


class ProviderUnavailable(Exception):
    """The provider did not answer, or not usefully. Whether money moved is known when it answers again."""


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


class Provider:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: Any = None

    @property
    def _stripe(self) -> Any:
        """The client, made when first needed: its package is large."""
        if self._client is None:
            import stripe

            self._client = stripe.StripeClient(
                self._settings.stripe_api_key.get_secret_value(),
                base_addresses={"api": self._settings.stripe_api_base},
                http_client=stripe.RequestsClient(timeout=6),
                max_network_retries=1,
            )
        return self._client

    @contextmanager
    def _translated(self) -> Iterator[None]:
        stripe_client = self._stripe
        import stripe

        try:
            yield
        except stripe.CardError as error:
            raise CardDeclined(error.user_message or "The card was declined.") from error
        except stripe.InvalidRequestError as error:
            raise CardInvalid("The card's data is not valid.") from error
        except stripe.StripeError as error:
            raise ProviderUnavailable(f"could not reach {type(stripe_client).__name__}: {error}") from error

    def method_for(self, card: Card, key: str) -> str:
        """A payment method for *card*."""
        if known := _TEST_CARDS.get(card.number):
            return known
        with self._translated():
            made = self._stripe.v1.payment_methods.create(
                {
                    "type": "card",
                    "card": {
                        "number": card.number,
                        "exp_month": card.exp_month,
                        "exp_year": card.exp_year,
                        "cvc": card.cvc,
                    },
                },
                {"idempotency_key": f"{key}-method"},
            )
        return str(made.id)

    def prepare(self, order: str, amount_cents: int, currency: str, method: str, key: str) -> Intent:
        """An intent that moves no money until it is confirmed."""
        with self._translated():
            made = self._stripe.v1.payment_intents.create(
                {
                    "amount": amount_cents,
                    "currency": currency,
                    "payment_method": method,
                    "payment_method_types": ["card"],
                    "metadata": {"order": order},
                },
                {"idempotency_key": f"{key}-intent"},
            )
        return Intent(made.id, made.status)

    def confirm(self, intent_id: str, key: str) -> Intent:
        """Move the money."""
        with self._translated():
            done = self._stripe.v1.payment_intents.confirm(intent_id, {}, {"idempotency_key": f"{key}-confirm"})
        return Intent(done.id, done.status)

    def look_up(self, intent_id: str) -> Intent | None:
        """What became of it; None when the provider does not know it."""
        import stripe

        with self._translated():
            try:
                found = self._stripe.v1.payment_intents.retrieve(intent_id)
            except stripe.InvalidRequestError as error:
                if error.http_status == 404:
                    return None
                raise
        return Intent(found.id, found.status)

    def cancel(self, intent_id: str) -> None:
        """Make sure that no money moves for it any more."""
        with self._translated():
            self._stripe.v1.payment_intents.cancel(intent_id)
