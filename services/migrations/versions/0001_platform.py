"""The platform's tables, and the first courses."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# "expand": the release before this one works with the new schema. "contract": it does not.
phase = "expand"


def _now() -> sa.Column[datetime]:
    return sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())


def upgrade() -> None:
    for schema in ("auth", "edu", "pay"):
        op.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")

    op.create_table(
        "accounts",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("email", sa.Text, nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        _now(),
        schema="auth",
    )

    courses = op.create_table(
        "courses",
        sa.Column("slug", sa.Text, primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("level", sa.Text, nullable=False),
        sa.Column("minutes", sa.Integer, nullable=False),
        sa.Column("price_cents", sa.Integer, sa.CheckConstraint("price_cents >= 0"), nullable=False),
        schema="edu",
    )
    lessons = op.create_table(
        "lessons",
        sa.Column("course_slug", sa.Text, sa.ForeignKey("edu.courses.slug", ondelete="CASCADE"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        schema="edu",
    )
    op.create_table(
        "enrollments",
        sa.Column("account_id", sa.Uuid, primary_key=True),
        sa.Column("course_slug", sa.Text, sa.ForeignKey("edu.courses.slug", ondelete="CASCADE"), primary_key=True),
        _now(),
        schema="edu",
    )

    op.create_table(
        "cart_items",
        sa.Column("account_id", sa.Uuid, primary_key=True),
        sa.Column("course_slug", sa.Text, primary_key=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("price_cents", sa.Integer, nullable=False),
        _now(),
        schema="pay",
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("account_id", sa.Uuid, nullable=False),
        sa.Column("status", sa.Text, sa.CheckConstraint("status IN ('open', 'paid')"), nullable=False),
        sa.Column("amount_cents", sa.Integer, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("intent_id", sa.Text, unique=True),
        sa.Column("card_last4", sa.Text),
        sa.Column("paid_at", sa.DateTime(timezone=True)),
        _now(),
        schema="pay",
    )
    op.create_index(
        "one_open_order_an_account",
        "orders",
        ["account_id"],
        unique=True,
        schema="pay",
        postgresql_where=sa.text("status = 'open'"),
    )
    op.create_index("orders_of_an_account", "orders", ["account_id"], schema="pay")
    op.create_table(
        "order_items",
        sa.Column("order_id", sa.Uuid, sa.ForeignKey("pay.orders.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("course_slug", sa.Text, primary_key=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("price_cents", sa.Integer, nullable=False),
        schema="pay",
    )

    seed = json.loads(Path(__file__).with_suffix(".json").read_text())
    op.bulk_insert(courses, [{k: v for k, v in course.items() if k != "lessons"} for course in seed])
    op.bulk_insert(
        lessons,
        [
            {"course_slug": course["slug"], "number": number, **lesson}
            for course in seed
            for number, lesson in enumerate(course["lessons"], 1)
        ],
    )


def downgrade() -> None:
    for schema in ("pay", "edu", "auth"):
        op.execute(f"DROP SCHEMA {schema} CASCADE")
