"""Fifty people at once: everybody learns and pays once, as database and payment provider count."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.crowd import assert_nothing_lost_or_doubled, learn_and_pay, new_crowd

pytestmark = pytest.mark.usefixtures("platform")

PEOPLE = 50
PATIENCE = 20  # as people do: again, after a moment. Fifty at once are more than staging is made for


def test_orders() -> None:
    """No order is lost or doubled."""
    crowd = new_crowd()
    with ThreadPoolExecutor(PEOPLE) as pool:
        orders = list(pool.map(lambda number: learn_and_pay(crowd, number, patience=PATIENCE), range(PEOPLE)))
    assert_nothing_lost_or_doubled(crowd, orders)
