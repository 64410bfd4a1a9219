"""localstripe on IPv4 (its own command wants IPv6), with Stripe's declines and webhooks of payments.

WEBHOOK_URL and WEBHOOK_SECRET: where it tells of payments, and what it signs that with.
"""
# ruff: noqa: INP001 - a script of its own, in no package

import os

from aiohttp import web
from localstripe.resources import PaymentMethod
from localstripe.server import app
from localstripe.webhooks import register_webhook

# https://docs.stripe.com/testing#declined-payments: Stripe declines these cards however they are charged; localstripe
# declines some of them only when they are attached to a customer.
_attaching_is_declined = PaymentMethod._attaching_is_declined  # noqa: SLF001
_charging_is_declined = PaymentMethod._charging_is_declined  # noqa: SLF001
PaymentMethod._charging_is_declined = lambda card: _attaching_is_declined(card) or _charging_is_declined(card)  # noqa: SLF001

if url := os.environ.get("WEBHOOK_URL"):
    register_webhook("platform", url, os.environ["WEBHOOK_SECRET"], ["payment_intent.succeeded"])

web.run_app(app, host=os.environ.get("LISTEN_HOST", "0.0.0.0"), port=int(os.environ.get("PORT", "8420")), print=None)  # noqa: S104
