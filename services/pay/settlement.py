"""Settlement of paid orders, in one place: for the checkout, for a webhook, or found out afterwards.

A person's checkouts and settlements happen one after the other, so that whoever comes second sees what the first did.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from common.problems import Problem
from pay.cart import take_out
from pay.models import OrderRow
from pay.payments import Payment, ProviderUnavailable
from pay.provider import Provider

log = logging.getLogger(__name__)


@contextmanager
def one_at_a_time(engine: Engine, account_id: UUID) -> Iterator[Session]:
    """A database session during which nobody else, in any process, checks out or pays for this person.

    The lock belongs to the connection: it outlives the commits in between and ends with the process, whatever kills it.
    """
    key = account_id.int % 2**63
    with engine.connect() as connection, Session(connection) as database:
        connection.execute(select(func.pg_advisory_lock(key)))
        connection.commit()
        try:
            yield database
        finally:
            database.rollback()
            connection.execute(select(func.pg_advisory_unlock(key)))
            connection.commit()


def open_of(database: Session, account_id: UUID) -> OrderRow | None:
    """The order that the person has not paid yet."""
    return database.scalar(select(OrderRow).where(OrderRow.account_id == account_id, OrderRow.status == "open"))


def settled(order: OrderRow, provider: Provider) -> bool:
    """Return True when an earlier attempt to pay succeeded after all; clear away a dead one.

    Raises:
        Problem: an earlier attempt is still going on.
    """
    if order.status == "paid" or order.intent_id is None:
        return order.status == "paid"
    intent = provider.look_up(order.intent_id)
    if intent is not None and intent.paid:
        _settle(order)
        return True
    if intent is not None and intent.status == "processing":
        raise Problem(409, "in_progress", "A payment for this order is being processed. Look again in a moment.")
    if intent is not None and not intent.gone:
        provider.cancel(intent.id)
    order.intent_id = None
    return False


def catch_up(engine: Engine, provider: Provider, account_id: UUID) -> None:
    """Take the person's order as paid when an earlier attempt went through and nobody heard of it."""
    with Session(engine) as database:
        pending = open_of(database, account_id)
    if pending is None or pending.intent_id is None:
        return
    with one_at_a_time(engine, account_id) as database:
        order = database.get(OrderRow, pending.id)
        if order is None or order.status == "paid" or order.intent_id is None:
            return
        try:
            intent = provider.look_up(order.intent_id)
        except ProviderUnavailable as error:
            fields = {"labels.order": str(order.id), "error.type": type(error).__name__, "error.message": str(error)}
            log.warning("whether an order is paid is not known yet", extra=fields)
            return
        if intent is not None and intent.paid:
            take_as_paid(database, order)


def settle(engine: Engine, payment: Payment) -> None:
    """Take the order that *payment* was for as paid, once; waits for a checkout of the same person to end."""
    with Session(engine) as database:
        found = database.scalar(select(OrderRow).where(OrderRow.intent_id == payment.intent_id))
    if found is None:
        log.warning("a payment of no order", extra={"labels.intent": payment.intent_id})
        return
    with one_at_a_time(engine, found.account_id) as database:
        order = database.get(OrderRow, found.id, with_for_update=True)
        if order is None or order.intent_id != payment.intent_id or order.status == "paid":
            return
        if (order.amount_cents, order.currency) != (payment.amount_cents, payment.currency):
            log.error("an order was not paid what it costs", extra={"labels.order": str(order.id)})
            return
        take_as_paid(database, order)


def _settle(order: OrderRow) -> None:
    order.status = "paid"
    order.paid_at = datetime.now(UTC)


def take_as_paid(database: Session, order: OrderRow) -> None:
    """Commit that *order* is paid."""
    _settle(order)
    finish(database, order)


def finish(database: Session, order: OrderRow) -> None:
    """Commit; what a paid order holds leaves the cart."""
    if order.status == "paid":
        take_out(database, order.account_id, {item.course_slug for item in order.items})
    database.commit()
