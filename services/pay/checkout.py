"""From a cart to a paid order, exactly once.

The provider's idempotency keys help, but the promise rests on our own record: a person's checkouts happen one after the
other, the intent's id is committed before the intent is confirmed, and no second intent is made before the first is
known to be dead.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from common.problems import Problem
from pay.cart import cart, purchases, take_out
from pay.models import CartItemRow, OrderItemRow, OrderRow
from pay.payments import Card, CardDeclined
from pay.provider import Provider
from pay.settlement import finish, open_of, settled, take_as_paid

CURRENCY = "eur"


def own_order(database: Session, account_id: UUID, order_id: UUID) -> OrderRow:
    """The order, when it is the person's.

    Raises:
        Problem: it is not, or there is none.
    """
    order = database.get(OrderRow, order_id)
    if order is None or order.account_id != account_id:
        raise Problem(404, "no_such_order", "There is no such order.")
    return order


def open_order(database: Session, provider: Provider, account_id: UUID) -> OrderRow:
    """The person's order for what is in the cart now; asking again gives the same one.

    Raises:
        Problem: the cart is empty.
    """
    take_out(database, account_id, purchases(database, account_id))
    items = cart(database, account_id)
    if not items:
        raise Problem(409, "cart_empty", "The cart is empty.")
    order = open_of(database, account_id) or _new(database, account_id)
    if settled(order, provider) or _holds(order, items):
        finish(database, order)
        return order
    order.amount_cents = sum(item.price_cents for item in items)
    order.items.clear()
    database.flush()
    order.items = [OrderItemRow(course_slug=i.course_slug, title=i.title, price_cents=i.price_cents) for i in items]
    database.commit()
    return order


def pay(
    database: Session, provider: Provider, order: OrderRow, card: Card, agreed_cents: int | None = None
) -> OrderRow:
    """Pay *order* with *card*, unless it is paid; *agreed_cents* is what the person was told it costs.

    Raises:
        Problem: it costs something else by now.
        CardDeclined, CardInvalid: no money moved; another card may be tried.
        ProviderUnavailable: not known; asking again finds out before it tries again.
    """
    if settled(order, provider):
        finish(database, order)
        return order
    if agreed_cents not in (None, order.amount_cents):
        raise Problem(409, "order_changed", "The order has changed since you saw it. Look at it again before you pay.")
    order.attempts += 1
    database.commit()  # before its number is used: a key stands for one attempt with one card, whatever becomes of us
    key = f"order-{order.id}-{order.attempts}"
    method = provider.method_for(card, key)
    order.intent_id = provider.prepare(str(order.id), order.amount_cents, order.currency, method, key).id
    order.card_last4 = card.number[-4:]
    database.commit()  # before money moves: who comes next, webhook or person, finds the intent
    try:
        _confirm(provider, order.intent_id, key)
    except CardDeclined:
        order.intent_id = order.card_last4 = None
        database.commit()
        raise
    take_as_paid(database, order)
    return order


def _confirm(provider: Provider, intent_id: str, key: str) -> None:
    if not provider.confirm(intent_id, key).paid:
        provider.cancel(intent_id)
        raise CardDeclined("The card's bank asks for a confirmation that is not possible here. Use another card.")


def _holds(order: OrderRow, items: list[CartItemRow]) -> bool:
    wanted = {(item.course_slug, item.price_cents) for item in items}
    return {(item.course_slug, item.price_cents) for item in order.items} == wanted


def _new(database: Session, account_id: UUID) -> OrderRow:
    order = OrderRow(account_id=account_id, amount_cents=0, currency=CURRENCY, status="open")
    database.add(order)
    return order
