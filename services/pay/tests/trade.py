"""Courses and cards of the tests."""

from __future__ import annotations

COURSE = {"slug": "releasing-without-fear", "title": "Releasing without fear", "price_cents": 4900}
OTHER = {"slug": "databases-that-change", "title": "Databases", "price_cents": 7900}
FREE = {"slug": "git-from-the-ground-up", "title": "Git", "price_cents": 0}
GOOD = {"number": "4242 4242 4242 4242", "exp_month": "12", "exp_year": "2034", "cvc": "123"}
DECLINED = GOOD | {"number": "4000000000000002"}
SECRET = "whsec_a_secret_of_this_test"
