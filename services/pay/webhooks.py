"""Webhooks of the payment provider: an order is settled even when nobody asks for it any more."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request

from common.problems import Problem
from pay.payments import NotConfigured, NotSigned
from pay.routes import Pool, Stripe
from pay.settlement import settle

router = APIRouter(prefix="/pay", tags=["pay"])


async def _payload(request: Request) -> bytes:
    """The body byte by byte: that is what is signed."""
    return await request.body()


@router.post("/webhooks/stripe", status_code=204, summary="Stripe says what became of a payment")
def take(
    payload: Annotated[bytes, Depends(_payload)],
    engine: Pool,
    provider: Stripe,
    stripe_signature: Annotated[str, Header(description="Stripe's signature of the body.")] = "",
) -> None:
    """Settles the order that was paid. Repeats, other events and other people's payments change nothing.

    https://docs.stripe.com/webhooks: whatever is not answered 2xx comes again.
    """
    try:
        payment = provider.payment_of(payload, stripe_signature)
    except NotConfigured:
        raise Problem(404, "no_webhook", "There is no secret to check a signature with.") from None
    except NotSigned:
        raise Problem(400, "not_signed", "The signature is not valid, or too old.") from None
    if payment:
        settle(engine, payment)
