"""The tables of schema `edu`."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, MetaData, Text, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    metadata = MetaData(schema="edu")


class CourseRow(Base):
    __tablename__ = "courses"

    slug: Mapped[str] = mapped_column(Text, primary_key=True)
    position: Mapped[int]
    title: Mapped[str] = mapped_column(Text)
    summary: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text)
    level: Mapped[str] = mapped_column(Text)
    minutes: Mapped[int]
    price_cents: Mapped[int] = mapped_column(CheckConstraint("price_cents >= 0"))

    lessons: Mapped[list[LessonRow]] = relationship(order_by="LessonRow.number")


class LessonRow(Base):
    __tablename__ = "lessons"

    course_slug: Mapped[str] = mapped_column(ForeignKey("edu.courses.slug", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)


class EnrollmentRow(Base):
    """A person in a course; the primary key is what makes it once."""

    __tablename__ = "enrollments"

    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    course_slug: Mapped[str] = mapped_column(ForeignKey("edu.courses.slug", ondelete="CASCADE"), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
