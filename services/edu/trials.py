"""The courses of a trial: in nobody's catalogue but that of the trial's own people."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, delete, or_

from common.database import Database
from common.problems import Problem
from common.sessions import Account
from common.trials import Age, Trial, belongs, belongs_to_any, must_belong, older, trial_of
from edu.enrollment import enroll
from edu.models import CourseRow, LessonRow

router = APIRouter()


class LessonText(BaseModel):
    title: str
    body: str


class NewCourse(BaseModel):
    title: str
    summary: str = "Made for a trial, and gone after it."
    description: str = "Made for a trial, and gone after it."
    level: str = "Beginner"
    minutes: int = 15
    price_cents: int = Field(ge=0)
    lessons: list[LessonText]


def listed(visitor: Account | None) -> ColumnElement[bool]:
    """SQL condition that a course is in the catalogue that *visitor* sees."""
    everybodys = ~belongs_to_any(CourseRow.slug)
    trial = trial_of(visitor.email) if visitor else None
    return or_(everybodys, belongs(CourseRow.slug, trial)) if trial else everybodys


@router.put("/{trial}/courses/{slug}", status_code=204, summary="Make a course of the trial")
def make_course(trial: Trial, slug: str, course: NewCourse, database: Database) -> None:
    must_belong(slug, trial)
    lessons = [LessonRow(number=number, **lesson.model_dump()) for number, lesson in enumerate(course.lessons, 1)]
    row = CourseRow(slug=slug, position=1_000_000, **course.model_dump(exclude={"lessons"}), lessons=lessons)
    database.add(row)
    database.commit()


@router.put("/{trial}/courses/{slug}/enrollments/{account_id}", status_code=204, summary="Enroll somebody in it")
def enroll_in(trial: Trial, slug: str, account_id: UUID, database: Database) -> None:
    must_belong(slug, trial)
    if database.get(CourseRow, slug) is None:
        raise Problem(404, "no_such_course", "There is no such course.")
    enroll(database, account_id, [slug])


@router.delete("/{trial}", status_code=204, summary="Remove the trial's courses and who is enrolled in them")
def remove(trial: Trial, database: Database) -> None:
    database.execute(delete(CourseRow).where(belongs(CourseRow.slug, trial)))
    database.commit()


@router.delete("", status_code=204, summary="Remove the courses of old trials")
def sweep(older_than_hours: Age, database: Database) -> None:
    database.execute(delete(CourseRow).where(older(CourseRow.slug, older_than_hours)))
    database.commit()
