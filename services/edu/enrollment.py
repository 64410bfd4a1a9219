"""Enrollments of people in courses.

Money is pay's business: edu requests a person's purchases from pay, whenever they may have changed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from uuid import UUID

import httpx
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from common.siblings import Sibling
from edu.models import CourseRow, EnrollmentRow

log = logging.getLogger(__name__)


def enroll(database: Session, account_id: UUID, slugs: Iterable[str]) -> None:
    """Put the person into the courses; being there already is fine, also for two requests at once."""
    rows = [{"account_id": account_id, "course_slug": slug} for slug in slugs]
    if rows:
        database.execute(insert(EnrollmentRow).values(rows).on_conflict_do_nothing())
        database.commit()


def enrolled(database: Session, account_id: UUID, slug: str) -> bool:
    return database.get(EnrollmentRow, (account_id, slug)) is not None


def take_up_purchases(database: Session, pay: Sibling, account_id: UUID, token: str) -> None:
    """Enroll the person in what they bought.

    When pay does not answer, nothing changes until the next time.
    """
    try:
        answer = pay.get("/pay/purchases", token)
        answer.raise_for_status()
    except httpx.HTTPError as error:
        log.warning("pay did not say what was bought", extra={"error.type": type(error).__name__})
        return
    bought: list[str] = answer.json()
    if bought:
        here = database.scalars(select(CourseRow.slug).where(CourseRow.slug.in_(bought))).all()
        enroll(database, account_id, here)
