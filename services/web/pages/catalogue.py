"""Browse the courses, enroll, learn."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from web.platform import Refused
from web.site import Asking, Form, Pages, Who, go

router = APIRouter()


@router.get("/")
async def home(request: Request, pages: Pages, platform: Asking, who: Who) -> Response:
    return pages.page(request, "home.html", visitor=who, courses=await platform.catalogue())


@router.get("/courses/{slug}")
async def course(request: Request, slug: str, pages: Pages, platform: Asking, who: Who) -> Response:
    return pages.page(request, "course.html", visitor=who, course=await platform.course(slug))


@router.post("/courses/{slug}/enroll")
async def enroll(slug: str, platform: Asking, _: Form) -> Response:
    try:
        await platform.enroll(slug)
    except Refused as refused:
        if refused.code == "not_bought":
            return go(f"/courses/{slug}")
        raise
    return go(f"/courses/{slug}/lessons/1")


@router.get("/learning")
async def learning(request: Request, pages: Pages, platform: Asking, who: Who) -> Response:
    return pages.page(request, "learning.html", visitor=who, courses=await platform.my_courses())


@router.get("/courses/{slug}/lessons/{number}")
async def lesson(request: Request, slug: str, number: int, pages: Pages, platform: Asking, who: Who) -> Response:
    try:
        found = await platform.lesson(slug, number)
    except Refused as refused:
        if refused.code == "not_enrolled":
            return go(f"/courses/{slug}")
        raise
    return pages.page(request, "lesson.html", visitor=who, lesson=found)
