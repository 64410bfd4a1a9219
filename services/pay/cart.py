"""Courses that a person wants to buy, and courses that they bought."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from pay.models import CartItemRow, OrderItemRow, OrderRow


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


def take_out(database: Session, account_id: UUID, slugs: set[str]) -> None:
    """Remove *slugs* from the person's cart: what is bought is not bought again."""
    database.execute(
        delete(CartItemRow).where(CartItemRow.account_id == account_id, CartItemRow.course_slug.in_(slugs))
    )
