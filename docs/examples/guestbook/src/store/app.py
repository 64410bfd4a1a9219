"""The entries of the book, as JSON, oldest first. They are part of the image: signing the book is a commit."""

from __future__ import annotations

import json
from http import HTTPStatus
from pathlib import Path

from serving import Answer, serve

ENTRIES = Path(__file__).with_name("entries.txt")


def respond(path: str) -> Answer:
    if path != "/entries":
        return HTTPStatus.NOT_FOUND, "text/plain", "there is nothing here but /entries"
    return HTTPStatus.OK, "application/json", json.dumps(entries(ENTRIES.read_text(encoding="utf-8")))


def entries(text: str) -> list[dict[str, str]]:
    """Of lines `name: what they wrote`; empty ones and comments (#) are left out."""
    lines = [line.strip() for line in text.splitlines()]
    pairs = [line.partition(":") for line in lines if line and not line.startswith("#")]
    return [{"name": name.strip(), "text": said.strip()} for name, _, said in pairs]


if __name__ == "__main__":
    serve(respond)
