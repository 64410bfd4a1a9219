"""Who is told of a release, at a real receiver; one address of the two is away, and the release does not notice."""

from __future__ import annotations

from azora.config.settings import settings
from tests.support.promoted import Yes


def test_a_question_is_told_once_with_the_page_where_it_is_answered(yes: Yes) -> None:
    (question,) = yes.told.before_the_answer
    assert question["title"].startswith(f"{settings().application}: production waits for an approval: ")
    assert f"to answer, choose Resume: {yes.over.url}" in question["message"]


def test_the_promotion_is_told_with_its_counts_and_who_said_yes(yes: Yes) -> None:
    _, promoted = yes.told.all
    assert promoted["title"].startswith(f"{settings().application}: production runs ")
    assert "requests around the switch, 0 failed" in promoted["message"]
    assert "approved by ada: tested and awaited" in promoted["message"]
    assert yes.over.url in promoted["message"]


def test_an_address_that_is_away_costs_the_release_nothing(yes: Yes) -> None:
    assert yes.over.went_well, yes.over.message
