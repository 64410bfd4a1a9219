"""From a cart to a paid order, exactly once.

The provider's idempotency keys help, but the promise rests on our own record: a person's checkouts happen one after the
other, the intent's id is committed before the intent is confirmed, and no second intent is made before the first is
known to be dead.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Engine, delete, func, select
from sqlalchemy.orm import Session

from common.problems import Problem
from pay.models import CartItemRow, OrderItemRow, OrderRow
from pay.provider import Card, CardDeclined, Provider

CURRENCY = "eur"


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


def own_order(database: Session, account_id: UUID, order_id: UUID) -> OrderRow:
    """The order, when it is the person's.

    Raises:
        Problem: it is not, or there is none.
    """
    order = database.get(OrderRow, order_id)
    if order is None or order.account_id != account_id:
        raise Problem(404, "no_such_order", "There is no such order.")
    return order


def cart(database: Session, account_id: UUID) -> list[CartItemRow]:
    rows = select(CartItemRow).where(CartItemRow.account_id == account_id).order_by(CartItemRow.created_at)
    return list(database.scalars(rows))


def purchases(database: Session, account_id: UUID) -> set[str]:
    """The courses that the person paid."""
    paid = (
        select(OrderItemRow.course_slug)
        .join(OrderRow, OrderRow.id == OrderItemRow.order_id)
        .where(OrderRow.account_id == account_id, OrderRow.status == "paid")
    )
    return set(database.scalars(paid))


def open_order(database: Session, provider: Provider, account_id: UUID) -> OrderRow:
    """The person's order for what is in the cart now; asking again gives the same one.

    Raises:
        Problem: the cart is empty.
    """
    items = cart(database, account_id)
    if not items:
        raise Problem(409, "cart_empty", "The cart is empty.")
    order = _open(database, account_id) or _new(database, account_id)
    if settled(order, provider) or _holds(order, items):
        _finish(database, order)
        return order
    if order.intent_id:
        provider.cancel(order.intent_id)
    order.intent_id = None
    order.amount_cents = sum(item.price_cents for item in items)
    order.items.clear()
    database.flush()
    order.items = [OrderItemRow(course_slug=i.course_slug, title=i.title, price_cents=i.price_cents) for i in items]
    database.commit()
    return order


def pay(database: Session, provider: Provider, order: OrderRow, card: Card) -> OrderRow:
    """Pay *order* with *card*, unless it is paid.

    Raises:
        CardDeclined, CardInvalid: no money moved; another card may be tried.
        ProviderUnavailable: not known; asking again finds out before it tries again.
    """
    if settled(order, provider):
        _finish(database, order)
        return order
    order.attempts += 1
    key = f"order-{order.id}-{order.attempts}"
    method = provider.method_for(card, key)
    order.intent_id = provider.prepare(str(order.id), order.amount_cents, order.currency, method, key).id
    database.commit()  # before money moves: who comes next, whatever becomes of us, finds the intent
    if not provider.confirm(order.intent_id, key).paid:
        raise CardDeclined("The card's bank asks for a confirmation that is not possible here. Use another card.")
    order.card_last4 = card.number[-4:]
    _settle(order)
    _finish(database, order)
    return order


def settled(order: OrderRow, provider: Provider) -> bool:
    """Whether an earlier attempt went through after all; clears away one that is dead.

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


def _settle(order: OrderRow) -> None:
    order.status = "paid"
    order.paid_at = datetime.now(UTC)


def _finish(database: Session, order: OrderRow) -> None:
    """Commit; what a paid order holds leaves the cart."""
    if order.status == "paid":
        bought = [item.course_slug for item in order.items]
        database.execute(
            delete(CartItemRow).where(CartItemRow.account_id == order.account_id, CartItemRow.course_slug.in_(bought))
        )
    database.commit()


def _holds(order: OrderRow, items: list[CartItemRow]) -> bool:
    wanted = {(item.course_slug, item.price_cents) for item in items}
    return {(item.course_slug, item.price_cents) for item in order.items} == wanted


def _open(database: Session, account_id: UUID) -> OrderRow | None:
    return database.scalar(select(OrderRow).where(OrderRow.account_id == account_id, OrderRow.status == "open"))


def _new(database: Session, account_id: UUID) -> OrderRow:
    order = OrderRow(account_id=account_id, amount_cents=0, currency=CURRENCY, status="open")
    database.add(order)
    return order
