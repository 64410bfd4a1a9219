"""Courses, lessons, enrollments."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from common.database import Database
from common.problems import Problem
from common.sessions import SignedIn, Token, Visitor
from common.siblings import Sibling
from edu.enrollment import enroll, enrolled, take_up_purchases
from edu.models import CourseRow, EnrollmentRow, LessonRow
from edu.trials import listed

router = APIRouter(prefix="/edu", tags=["edu"])


class CourseSummary(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    slug: str = Field(description="Its name in addresses.")
    title: str = Field(description="Its name for people.")
    summary: str = Field(description="One sentence.")
    level: str = Field(description="What it asks of the learner.")
    minutes: int = Field(description="How long it takes, in minutes.")
    price_cents: int = Field(description="0 is free; in cents of a euro.")


class LessonTitle(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    number: int = Field(description="Its place in the course, from 1.")
    title: str = Field(description="Its name for people.")


class Course(CourseSummary):
    description: str = Field(description="A few sentences.")
    lessons: list[LessonTitle] = Field(description="In order.")
    enrolled: bool = Field(False, description="Whether who asks is enrolled.")


class Lesson(LessonTitle):
    body: str = Field(description="Paragraphs, with an empty line between them and code between backticks.")
    course: CourseSummary = Field(description="The course it belongs to.")
    lessons: list[LessonTitle] = Field(description="All of the course, in order.")


def _pay(request: Request) -> Sibling:
    found: Sibling = request.app.state.pay
    return found


Pay = Annotated[Sibling, Depends(_pay)]


def _course(slug: Annotated[str, Path(description="The course's name in addresses.")], database: Database) -> CourseRow:
    row = database.get(CourseRow, slug)
    if row is None:
        raise Problem(404, "no_such_course", "There is no such course.")
    return row


Asked = Annotated[CourseRow, Depends(_course)]


@router.get("/courses", summary="The catalogue")
def catalogue(visitor: Visitor, database: Database) -> list[CourseSummary]:
    rows = database.scalars(select(CourseRow).where(listed(visitor)).order_by(CourseRow.position))
    return [CourseSummary.model_validate(row) for row in rows]


@router.get("/courses/{slug}", summary="One course")
def course(row: Asked, visitor: Visitor, token: Token, pay: Pay, database: Database) -> Course:
    found = Course.model_validate(row)
    if visitor is not None:
        if row.price_cents and not enrolled(database, visitor.id, row.slug):
            take_up_purchases(database, pay, visitor.id, token or "")
        found.enrolled = enrolled(database, visitor.id, row.slug)
    return found


@router.put("/courses/{slug}/enrollment", status_code=204, summary="Enroll; repeating it changes nothing")
def enroll_in(row: Asked, account: SignedIn, token: Token, pay: Pay, database: Database) -> None:
    if row.price_cents == 0:
        enroll(database, account.id, [row.slug])
        return
    take_up_purchases(database, pay, account.id, token or "")
    if not enrolled(database, account.id, row.slug):
        raise Problem(402, "not_bought", "This course has to be bought first.")


@router.get("/enrollments", summary="My courses")
def my_courses(account: SignedIn, token: Token, pay: Pay, database: Database) -> list[CourseSummary]:
    take_up_purchases(database, pay, account.id, token or "")
    rows = database.scalars(
        select(CourseRow)
        .join(EnrollmentRow, EnrollmentRow.course_slug == CourseRow.slug)
        .where(EnrollmentRow.account_id == account.id)
        .order_by(EnrollmentRow.created_at.desc(), CourseRow.position)
    )
    return [CourseSummary.model_validate(row) for row in rows]


@router.get("/courses/{slug}/lessons/{number}", summary="A lesson, for the enrolled")
def lesson(
    row: Asked,
    number: Annotated[int, Path(description="From 1.")],
    account: SignedIn,
    token: Token,
    pay: Pay,
    database: Database,
) -> Lesson:
    if not enrolled(database, account.id, row.slug):
        take_up_purchases(database, pay, account.id, token or "")
        if not enrolled(database, account.id, row.slug):
            raise Problem(403, "not_enrolled", "Enroll in the course to read its lessons.")
    found = database.get(LessonRow, (row.slug, number))
    if found is None:
        raise Problem(404, "no_such_lesson", "There is no such lesson.")
    return Lesson(
        number=found.number,
        title=found.title,
        body=found.body,
        course=CourseSummary.model_validate(row),
        lessons=[LessonTitle.model_validate(other) for other in row.lessons],
    )
