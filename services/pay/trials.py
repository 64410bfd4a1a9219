"""Carts and orders of a trial: those that hold nothing but its courses."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import ColumnElement, delete, exists

from common.database import Database
from common.trials import Age, Trial, belongs, must_belong, older
from pay import checkout
from pay.models import CartItemRow, OrderItemRow, OrderRow
from pay.routes import Item

router = APIRouter()


class Began(BaseModel):
    id: UUID


def _carted(trial: str, account_id: UUID, item: Item) -> CartItemRow:
    must_belong(item.course_slug, trial)
    return CartItemRow(account_id=account_id, **item.model_dump())


@router.post("/{trial}/carts/{account_id}", status_code=204, summary="Put a course of the trial into a cart")
def put_into_cart(trial: Trial, account_id: UUID, item: Item, database: Database) -> None:
    database.add(_carted(trial, account_id, item))
    database.commit()


@router.post("/{trial}/orders/{account_id}", status_code=201, summary="An open order for a course of the trial")
def begin(trial: Trial, account_id: UUID, item: Item, database: Database) -> Began:
    database.add(_carted(trial, account_id, item))
    order = OrderRow(
        account_id=account_id,
        status="open",
        amount_cents=item.price_cents,
        currency=checkout.CURRENCY,
        items=[OrderItemRow(**item.model_dump())],
    )
    database.add(order)
    database.commit()
    return Began(id=order.id)


@router.delete("/{trial}", status_code=204, summary="Remove the trial's carts and orders")
def remove(trial: Trial, database: Database) -> None:
    _remove(database, belongs(CartItemRow.course_slug, trial), belongs(OrderItemRow.course_slug, trial))


@router.delete("", status_code=204, summary="Remove the carts and orders of old trials")
def sweep(older_than_hours: Age, database: Database) -> None:
    _remove(
        database, older(CartItemRow.course_slug, older_than_hours), older(OrderItemRow.course_slug, older_than_hours)
    )


def _remove(database: Database, in_cart: ColumnElement[bool], in_order: ColumnElement[bool]) -> None:
    """Remove carts and orders; an order that holds something of others as well stays whole."""
    item_of = OrderItemRow.order_id == OrderRow.id
    of_trial, of_others = exists().where(item_of, in_order), exists().where(item_of, ~in_order)
    database.execute(delete(CartItemRow).where(in_cart))
    database.execute(delete(OrderRow).where(of_trial, ~of_others))
    database.commit()
