"""Messages of the pages about a field that is not valid: the API's words are for programs."""

from __future__ import annotations

from collections.abc import Mapping

_WORDS = {
    "name": "Say what you want to be called, in up to 80 characters.",
    "email": "This is not an e-mail address.",
    "password": "Take at least 10 characters.",
    "number": "This is not a card number.",
    "exp_month": "A number from 1 to 12.",
    "exp_year": "A year with four digits.",
    "cvc": "Three or four digits.",
}


def in_words(fields: Mapping[str, str]) -> dict[str, str]:
    """Message for each of *fields*; the API's message where there is nothing better."""
    return {field: _WORDS.get(field, message) for field, message in fields.items()}
