"""A person finds a course and learns."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from steps import Course, open_course


def test_browse_courses(page: Page, free: Course, paid: Course) -> None:
    page.goto("/")

    for course in (free, paid):
        card = page.get_by_role("article").filter(has_text=course.title)
        expect(card).to_contain_text(course.price)


def test_course_details(page: Page, free: Course) -> None:
    open_course(page, free)

    lessons = page.get_by_role("main").get_by_role("listitem")
    expect(lessons).to_have_text(
        ["A commit is a photograph", "A branch is a sticky note", "Undoing things without fear"]
    )
    expect(page.get_by_role("link", name="A commit is a photograph")).to_have_count(0)  # for the enrolled only
    expect(page.get_by_role("link", name="Log in to enroll")).to_be_visible()


def test_enroll_in_a_free_course(signed_in: Page, free: Course) -> None:
    open_course(signed_in, free)
    signed_in.get_by_role("button", name="Enroll for free").click()

    expect(signed_in.get_by_role("heading", name="A commit is a photograph")).to_be_visible()
    signed_in.get_by_role("link", name="My courses").first.click()
    expect(signed_in.get_by_role("article")).to_have_count(1)
    expect(signed_in.get_by_role("link", name=free.title)).to_be_visible()


def test_access_the_course(signed_in: Page, free: Course) -> None:
    open_course(signed_in, free)
    course = signed_in.url
    signed_in.goto(f"{course}/lessons/2")
    expect(signed_in.get_by_role("button", name="Enroll for free")).to_be_visible()  # not before enrolling

    signed_in.get_by_role("button", name="Enroll for free").click()
    signed_in.get_by_role("link", name="Next lesson").click()
    expect(signed_in.get_by_role("heading", name="A branch is a sticky note")).to_be_visible()
    expect(signed_in.get_by_text("A branch is a name stuck to a circle.")).to_be_visible()
