"""Requests of the pages to the platform, through api, on behalf of the visitor."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from urllib.parse import quote

import httpx
from pydantic import BaseModel, TypeAdapter

from common.siblings import AsyncSibling


class Refused(Exception):
    """The platform said no; *code* tells why."""

    def __init__(self, status: int, code: str, detail: str, fields: dict[str, str]) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.fields = fields


class Unavailable(Exception):
    """A part of the platform does not answer."""


class Visitor(BaseModel):
    name: str
    email: str


class Login(BaseModel):
    token: str
    expires_in: int


class CourseSummary(BaseModel):
    slug: str
    title: str
    summary: str
    level: str
    minutes: int
    price_cents: int


class LessonTitle(BaseModel):
    number: int
    title: str


class Course(CourseSummary):
    description: str
    lessons: list[LessonTitle]
    enrolled: bool


class Lesson(LessonTitle):
    body: str
    course: CourseSummary
    lessons: list[LessonTitle]


class Item(BaseModel):
    course_slug: str
    title: str
    price_cents: int


class Cart(BaseModel):
    items: list[Item]
    total_cents: int


class Order(BaseModel):
    id: str
    status: str
    amount_cents: int
    card_last4: str | None
    paid_at: datetime | None
    items: list[Item]


_COURSES = TypeAdapter(list[CourseSummary])


def _refused(answer: httpx.Response) -> Refused:
    try:
        said = answer.json()
    except ValueError:
        said = {}
    fields = {error["field"]: error["message"] for error in said.get("errors", [])}
    return Refused(answer.status_code, said.get("code", ""), said.get("detail", "That did not work."), fields)


class Platform:
    """The API as one visitor sees it.

    Every method may raise Refused or Unavailable.
    """

    def __init__(self, api: AsyncSibling, token: str | None) -> None:
        self._api = api
        self._token = token

    async def _ask(self, method: str, path: str, json: object = None) -> bytes:
        headers = {"authorization": f"Bearer {self._token}"} if self._token else {}
        try:
            answer = await self._api.request(method, quote(f"/api{path}"), headers=headers, json=json)
        except httpx.HTTPError as error:
            raise Unavailable from error
        if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Unavailable
        if answer.is_error:
            raise _refused(answer)
        return answer.content

    async def register(self, name: str, email: str, password: str) -> None:
        await self._ask("POST", "/auth/accounts", {"name": name, "email": email, "password": password})

    async def log_in(self, email: str, password: str) -> Login:
        found = await self._ask("POST", "/auth/sessions", {"email": email, "password": password})
        return Login.model_validate_json(found)

    async def log_out(self) -> None:
        await self._ask("DELETE", "/auth/sessions/current")

    async def visitor(self) -> Visitor | None:
        """The person who is logged in; None for nobody."""
        if not self._token:
            return None
        try:
            return Visitor.model_validate_json(await self._ask("GET", "/auth/sessions/current"))
        except Refused:
            return None

    async def catalogue(self) -> list[CourseSummary]:
        return _COURSES.validate_json(await self._ask("GET", "/edu/courses"))

    async def course(self, slug: str) -> Course:
        return Course.model_validate_json(await self._ask("GET", f"/edu/courses/{slug}"))

    async def enroll(self, slug: str) -> None:
        await self._ask("PUT", f"/edu/courses/{slug}/enrollment")

    async def my_courses(self) -> list[CourseSummary]:
        return _COURSES.validate_json(await self._ask("GET", "/edu/enrollments"))

    async def lesson(self, slug: str, number: int) -> Lesson:
        return Lesson.model_validate_json(await self._ask("GET", f"/edu/courses/{slug}/lessons/{number}"))

    async def cart(self) -> Cart:
        return Cart.model_validate_json(await self._ask("GET", "/pay/cart"))

    async def put_into_cart(self, slug: str) -> None:
        await self._ask("PUT", f"/pay/cart/{slug}")

    async def take_out_of_cart(self, slug: str) -> None:
        await self._ask("DELETE", f"/pay/cart/{slug}")

    async def check_out(self) -> Order:
        return Order.model_validate_json(await self._ask("POST", "/pay/orders"))

    async def order(self, order_id: str) -> Order:
        return Order.model_validate_json(await self._ask("GET", f"/pay/orders/{order_id}"))

    async def pay(self, order_id: str, card: dict[str, str]) -> Order:
        return Order.model_validate_json(await self._ask("POST", f"/pay/orders/{order_id}/payment", card))
