"""The tables of schema `pay`."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, MetaData, Text, func, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    metadata = MetaData(schema="pay")


class CartItemRow(Base):
    __tablename__ = "cart_items"

    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    course_slug: Mapped[str] = mapped_column(Text, primary_key=True)
    title: Mapped[str] = mapped_column(Text)
    price_cents: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class OrderRow(Base):
    """Order that a person wants to pay or has paid; an account has at most one open order."""

    __tablename__ = "orders"
    __table_args__ = (
        Index("one_open_order_an_account", "account_id", unique=True, postgresql_where=text("status = 'open'")),
        Index("orders_of_an_account", "account_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[UUID]
    status: Mapped[str] = mapped_column(Text, CheckConstraint("status IN ('open', 'paid')"), default="open")
    amount_cents: Mapped[int]
    currency: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(server_default="0", default=0)
    intent_id: Mapped[str | None] = mapped_column(Text, unique=True)
    card_last4: Mapped[str | None] = mapped_column(Text)
    paid_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())

    items: Mapped[list[OrderItemRow]] = relationship(order_by="OrderItemRow.title", cascade="all, delete-orphan")


class OrderItemRow(Base):
    __tablename__ = "order_items"

    order_id: Mapped[UUID] = mapped_column(ForeignKey("pay.orders.id", ondelete="CASCADE"), primary_key=True)
    course_slug: Mapped[str] = mapped_column(Text, primary_key=True)
    title: Mapped[str] = mapped_column(Text)
    price_cents: Mapped[int]
