"""People and courses of one run of the cases.

They are made through the platform's interface for trials and removed after the run.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from uuid import uuid4

from suite_target import Answer, Target

SWEPT_AFTER_HOURS = 24


@dataclass(frozen=True)
class Person:
    name: str
    email: str
    password: str


@dataclass(frozen=True)
class Member(Person):
    """Somebody with an account, logged in by *token*."""

    id: str
    token: str = field(repr=False)


@dataclass(frozen=True)
class Course:
    slug: str
    title: str
    price_cents: int
    lessons: tuple[tuple[str, str], ...]

    @property
    def price(self) -> str:
        return f"€{self.price_cents / 100:.2f}" if self.price_cents else "Free"


def new_name() -> str:
    return f"trial-{datetime.now(UTC):%Y%m%dt%H%M}-{uuid4().hex[:8]}"


class Trial:
    """Everything it makes has a name that begins with its own: that alone is what it can remove."""

    def __init__(self, name: str, target: Target, secret: str) -> None:
        self.name = name
        self._target = target
        self._secret = secret
        self._numbers = count(1)
        word = name.rpartition("-")[2]
        self.free = Course(
            f"{name}-free",
            f"Trying things out {word}",
            0,
            (("A first step", "Begin where you are."), ("A second step", "Go on from there."), ("A rest", "Sit down.")),
        )
        self.paid = Course(
            f"{name}-paid", f"Paying attention {word}", 4900, (("Worth it", "What you pay for, you read."),)
        )

    def set_up(self) -> None:
        """The courses; what killed runs left behind goes."""
        for service in ("pay", "edu", "auth"):
            self._ask(service, f"?older_than_hours={SWEPT_AFTER_HOURS}", method="DELETE", of_all=True)
        for course in (self.free, self.paid):
            lessons = [{"title": title, "body": body} for title, body in course.lessons]
            wanted = {"title": course.title, "price_cents": course.price_cents, "lessons": lessons}
            self._ask("edu", f"/courses/{course.slug}", wanted, method="PUT")

    def tear_down(self) -> None:
        for service in ("pay", "edu", "auth"):
            self._ask(service, "", method="DELETE")

    def stranger(self) -> Person:
        """Somebody without an account."""
        tag = f"{next(self._numbers)}-{uuid4().hex[:6]}"
        return Person(f"Trial {tag}", f"{self.name}-{tag}@trial.invalid", f"a good sentence {tag}")

    def member(self) -> Member:
        person = self.stranger()
        made = self._ask("auth", "/accounts", vars(person)).json()
        return Member(**vars(person), id=made["account"]["id"], token=made["token"])

    def enroll(self, member: Member, course: Course) -> None:
        self._ask("edu", f"/courses/{course.slug}/enrollments/{member.id}", method="PUT")

    def put_into_cart(self, member: Member, course: Course) -> None:
        self._ask("pay", f"/carts/{member.id}", _item(course))

    def begin_order(self, member: Member, course: Course) -> str:
        """The order's id."""
        return str(self._ask("pay", f"/orders/{member.id}", _item(course)).json()["id"])

    def _ask(
        self, service: str, path: str, send: object = None, *, method: str | None = None, of_all: bool = False
    ) -> Answer:
        where = f"/api/{service}/trials{'' if of_all else f'/{self.name}'}{path}"
        answer = self._target.ask(where, send, method=method, token=self._secret)
        assert answer.status < 300, f"{method or 'POST'} {where}: {answer.status} {answer.body.decode()}"
        return answer


def _item(course: Course) -> dict[str, object]:
    return {"course_slug": course.slug, "title": course.title, "price_cents": course.price_cents}
