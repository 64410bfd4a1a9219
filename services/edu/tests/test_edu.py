"""Courses, lessons and who is enrolled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import respx
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, text

from edu.app import create
from edu.settings import Settings

FREE, PAID = "git-from-the-ground-up", "releasing-without-fear"


@pytest.fixture
def client(emptied: str) -> Iterator[TestClient]:
    settings = Settings(database_url=emptied, redis_url="redis://nowhere", pay_url="http://pay.test/")  # type: ignore[arg-type]
    with TestClient(create(settings)) as client:
        yield client


@pytest.fixture
def member(client: TestClient, log_in: Callable[[TestClient], object]) -> TestClient:
    log_in(client)
    return client


@pytest.fixture(autouse=True)
def purchases() -> Iterator[respx.Route]:
    """Answer of a mocked pay; at first nothing was bought."""
    with respx.mock(assert_all_called=False) as pay:
        yield pay.get("http://pay.test/pay/purchases").respond(json=[])


def test_catalogue(client: TestClient) -> None:
    """The catalogue has free and paid courses, in order."""
    courses = client.get("/edu/courses").json()
    assert [course["slug"] for course in courses[:1]] == [FREE]
    assert {course["price_cents"] > 0 for course in courses} == {True, False}


def test_course(client: TestClient) -> None:
    """A course shows its lesson titles to anybody."""
    course = client.get(f"/edu/courses/{FREE}").json()
    assert course["lessons"][0] == {"number": 1, "title": "A commit is a photograph"}
    assert course["enrolled"] is False
    assert client.get("/edu/courses/none").json()["code"] == "no_such_course"


def test_lesson(member: TestClient) -> None:
    """Lessons are for the enrolled only."""
    lesson = f"/edu/courses/{FREE}/lessons/1"
    assert member.get(lesson).status_code == 403
    assert member.put(f"/edu/courses/{FREE}/enrollment").status_code == 204
    assert member.get(lesson).json()["title"] == "A commit is a photograph"
    assert member.get(f"/edu/courses/{FREE}/lessons/99").status_code == 404
    del member.headers["authorization"]
    assert member.get(lesson).status_code == 401


def test_enrollment_at_once(member: TestClient, emptied: str) -> None:
    """Parallel enrollments are one."""
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: member.put(f"/edu/courses/{FREE}/enrollment").status_code, range(8)))
    assert set(answers) == {204}
    engine = create_engine(emptied)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM edu.enrollments")).scalar_one() == 1
    engine.dispose()


def test_enrollment_in_a_paid_course(member: TestClient, purchases: respx.Route) -> None:
    """A paid course is for people who bought it."""
    answer = member.put(f"/edu/courses/{PAID}/enrollment")
    assert (answer.status_code, answer.json()["code"]) == (402, "not_bought")
    purchases.respond(json=[PAID])
    assert member.put(f"/edu/courses/{PAID}/enrollment").status_code == 204


def test_bought_course(member: TestClient, purchases: respx.Route) -> None:
    """A bought course is under My courses without an enrollment."""
    purchases.respond(json=[PAID, "a course that is gone"])
    assert [course["slug"] for course in member.get("/edu/enrollments").json()] == [PAID]
    assert purchases.calls.last.request.headers["authorization"] == member.headers["authorization"]


def test_bought_course_in_the_catalogue(member: TestClient, purchases: respx.Route) -> None:
    """A bought course is not offered again."""
    assert member.get(f"/edu/courses/{PAID}").json()["enrolled"] is False
    purchases.respond(json=[PAID])
    assert member.get(f"/edu/courses/{PAID}").json()["enrolled"] is True


def test_my_courses_without_pay(member: TestClient, purchases: respx.Route) -> None:
    """People still have their courses while pay is unreachable."""
    member.put(f"/edu/courses/{FREE}/enrollment")
    purchases.mock(side_effect=httpx.ConnectError)
    assert [course["slug"] for course in member.get("/edu/enrollments").json()] == [FREE]
