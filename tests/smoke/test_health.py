"""Six cases that a release passes before and after it is switched to."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect
from suite_target import Target

Services = dict[str, Any]


@pytest.mark.parametrize("service", ["api", "auth", "edu", "pay"])
def test_health(service: str, services: Services, target: Target) -> None:
    """The service is ready, and is the release that is expected."""
    said = services[service]
    assert said["status"] == "ok"
    assert target.release in (None, said["release"])


def test_home_page(page: Page, services: Services, target: Target) -> None:
    """The home page renders, and everything behind it has one release and one color."""
    answer = page.goto("/")
    assert answer is not None
    expect(page.get_by_role("heading", name="Courses", level=1)).to_be_visible()
    expect(page.get_by_role("article").first).to_be_visible()
    seen = {(answer.headers["x-azora-release"], answer.headers["x-azora-color"])}
    seen |= {(said["release"], said["color"]) for said in services.values()}
    assert len(seen) == 1, f"several releases or colors answer: {sorted(seen, key=str)}"
    release, color = seen.pop()
    assert (target.release or release, target.color or color) == (release, color)
    expect(page.get_by_role("contentinfo")).to_contain_text(f"Release {release}")
    expect(page.get_by_role("contentinfo")).to_contain_text(color)


def test_databases(services: Services, target: Target) -> None:
    """PostgreSQL and Redis are reachable for every service that keeps something there, by its word and by asking."""
    for service in ("auth", "edu", "pay"):
        assert services[service]["checks"] == {"postgresql": "ok", "redis": "ok"}, service
    assert target.ask("/api/edu/courses").status == 200
    assert target.ask("/api/auth/sessions/current", token="nobody's").status == 401  # Redis knows no such login
