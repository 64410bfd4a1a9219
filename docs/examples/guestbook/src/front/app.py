"""The page of the guestbook: what visitors see. It asks the store of its own color for the entries."""

from __future__ import annotations

import json
import os
from html import escape
from http import HTTPStatus
from urllib.request import ProxyHandler, build_opener

from serving import Answer, serve

SECONDS = 3.0
_siblings = build_opener(ProxyHandler({}))  # no proxy leads to them


def respond(path: str) -> Answer:
    if path not in {"/", "/health"}:
        return HTTPStatus.NOT_FOUND, "text/plain", "no such page"
    try:
        found = stored()
    except OSError as error:
        return HTTPStatus.SERVICE_UNAVAILABLE, "text/plain", f"the store does not answer: {error}"
    if path == "/health":
        return HTTPStatus.OK, "application/json", json.dumps({"status": "ok", "entries": len(found)})
    return HTTPStatus.OK, "text/html", page(os.environ.get("TITLE", "Guestbook"), found)


def stored() -> list[dict[str, str]]:
    """Raises OSError when the store is away."""
    with _siblings.open(f"{os.environ['STORE_URL']}/entries", timeout=SECONDS) as answer:
        found: list[dict[str, str]] = json.load(answer)
        return found


def page(title: str, found: list[dict[str, str]]) -> str:
    rows = "".join(f"<li><b>{escape(one['name'])}</b>: {escape(one['text'])}</li>" for one in reversed(found))
    return f"<!doctype html><html lang=en><title>{escape(title)}</title><h1>{escape(title)}</h1><ul>{rows}</ul></html>"


if __name__ == "__main__":
    serve(respond)
