"""Cases that a release of the guestbook passes before and after visitors reach it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Answer = tuple[int, dict[str, str], str]
Ask = Callable[[str], Answer]


def test_both_services_are_well(ask: Ask) -> None:
    status, _, text = ask("/health")
    assert status == 200, text


def test_the_page_shows_entries(ask: Ask) -> None:
    status, _, text = ask("/")
    assert status == 200, text
    assert "<li><b>" in text


def test_the_expected_release_answers(ask: Ask, pytestconfig: pytest.Config) -> None:
    _, headers, _ = ask("/ping")
    expected = (pytestconfig.option.azora_expect_color, pytestconfig.option.azora_expect_release)
    assert (headers["x-azora-color"], headers["x-azora-release"]) == expected
