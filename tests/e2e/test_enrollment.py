"""A person finds a course and learns."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from trial import Course, Member, Trial


def test_browse_courses(signed_in: Page, free: Course, paid: Course) -> None:
    """The home page lists free and paid courses with price and link."""
    signed_in.goto("/")

    for course in (free, paid):
        card = signed_in.get_by_role("article").filter(has_text=course.title)
        expect(card).to_contain_text(course.price)
        expect(card.get_by_role("link", name=course.title)).to_have_attribute("href", f"/courses/{course.slug}")


def test_course_details(page: Page, free: Course) -> None:
    """A course page shows price and lesson titles; lessons are for the enrolled only."""
    page.goto(f"/courses/{free.slug}")

    expect(page.get_by_role("heading", name=free.title, level=1)).to_be_visible()
    expect(page.get_by_role("complementary", name="Enrollment")).to_contain_text(free.price)
    lessons = page.get_by_role("main").get_by_role("listitem")
    expect(lessons).to_have_text([title for title, _ in free.lessons])
    expect(page.get_by_role("link", name=free.lessons[0][0])).to_have_count(0)  # for the enrolled only
    expect(page.get_by_role("link", name="Log in to enroll")).to_be_visible()


def test_enroll_in_a_free_course(signed_in: Page, free: Course) -> None:
    """An enrolled person reads the first lesson and finds the course under My courses."""
    signed_in.goto(f"/courses/{free.slug}")
    signed_in.get_by_role("button", name="Enroll for free").click()

    expect(signed_in.get_by_role("heading", name=free.lessons[0][0])).to_be_visible()
    signed_in.get_by_role("link", name="My courses").first.click()
    expect(signed_in.get_by_role("article")).to_have_count(1)
    expect(signed_in.get_by_role("link", name=free.title)).to_be_visible()


def test_access_the_course(signed_in: Page, member: Member, trial: Trial, free: Course) -> None:
    """A lesson is closed before the enrollment and open after it."""
    (_, _), (title, text), *_ = free.lessons
    signed_in.goto(f"/courses/{free.slug}/lessons/2")
    expect(
        signed_in.get_by_role("heading", name=free.title, level=1)
    ).to_be_visible()  # the lesson is not for everybody
    expect(signed_in.get_by_text(text)).to_have_count(0)

    trial.enroll(member, free)
    signed_in.goto(f"/courses/{free.slug}/lessons/1")
    signed_in.get_by_role("link", name="Next lesson").click()
    expect(signed_in.get_by_role("heading", name=title)).to_be_visible()
    expect(signed_in.get_by_text(text)).to_be_visible()
