"""The payment provider: Stripe's PaymentIntents, through Stripe's own client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pay.payments import (
    Card,
    CardDeclined,
    CardInvalid,
    Intent,
    NotConfigured,
    NotSigned,
    Payment,
    ProviderUnavailable,
)
from pay.settings import Settings

# Stripe takes raw numbers only from those it allowed to; its own test cards it takes by name.
# https://docs.stripe.com/testing?testing-method=payment-methods
_TEST_CARDS = {
    "4242424242424242": "pm_card_visa",
    "4000000000000002": "pm_card_visa_chargeDeclined",
}


class Provider:
    """Stripe, or what stands in for it.

    Every method that asks it may raise ProviderUnavailable.
    """

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
    def _translated(self, what: str) -> Iterator[None]:
        import stripe

        try:
            yield
        except stripe.CardError as error:
            raise CardDeclined(error.user_message or "The card was declined.") from error
        except stripe.StripeError as error:
            raise ProviderUnavailable(f"could not {what}: {type(error).__name__}") from error

    def method_for(self, card: Card, key: str) -> str:
        """A payment method for *card*.

        Raises:
            CardDeclined, CardInvalid: the card will not do.
        """
        if known := _TEST_CARDS.get(card.number):
            return known
        import stripe

        data = {"number": card.number, "exp_month": card.exp_month, "exp_year": card.exp_year, "cvc": card.cvc}
        with self._translated("register the card"):
            try:
                made = self._stripe.v1.payment_methods.create(
                    {"type": "card", "card": data}, {"idempotency_key": f"{key}-method"}
                )
            except stripe.InvalidRequestError as error:
                raise CardInvalid("The card's data is not valid.") from error
        return str(made.id)

    def prepare(self, order: str, amount_cents: int, currency: str, method: str, key: str) -> Intent:
        """An intent that moves no money until it is confirmed."""
        with self._translated("prepare the payment"):
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
        """Move the money.

        Raises:
            CardDeclined: none moved.
        """
        with self._translated("confirm the payment"):
            done = self._stripe.v1.payment_intents.confirm(intent_id, {}, {"idempotency_key": f"{key}-confirm"})
        return Intent(done.id, done.status)

    def look_up(self, intent_id: str) -> Intent | None:
        """Look up the attempt to pay; None when the provider does not have it."""
        import stripe

        with self._translated("look the payment up"):
            try:
                found = self._stripe.v1.payment_intents.retrieve(intent_id)
            except stripe.InvalidRequestError as error:
                if error.http_status == 404:
                    return None
                raise
        return Intent(found.id, found.status)

    def cancel(self, intent_id: str) -> None:
        """Make sure that no money moves for it any more."""
        with self._translated("cancel the payment"):
            self._stripe.v1.payment_intents.cancel(intent_id)

    def payment_of(self, payload: bytes, signature: str) -> Payment | None:
        """The payment that a webhook's *payload* tells of; None when it tells of something else.

        Raises:
            NotSigned: it does not come from the provider, or is older than five minutes.
            NotConfigured: there is no secret to check that with.
        """
        if self._settings.stripe_webhook_secret is None:
            raise NotConfigured
        import stripe

        secret = self._settings.stripe_webhook_secret.get_secret_value()
        try:
            event = stripe.Webhook.construct_event(payload, signature, secret)
        except (stripe.SignatureVerificationError, ValueError) as error:
            raise NotSigned from error
        if event.type != "payment_intent.succeeded":
            return None
        intent = event.data.object
        return Payment(intent.id, intent.amount, intent.currency)
