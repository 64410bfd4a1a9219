"""Is it ready? Questions with a short limit whose answer is yes or no, never an error."""

from __future__ import annotations

import json
import socket
import ssl
import urllib.error
import urllib.request
from typing import Any

from azora.core.auth import authorization

LIMIT_SECONDS = 2.0


def answers(url: str, accept: str = "*/*", *, auth_string: str = "") -> bool:
    """Return True when GET *url* gives 2xx; certificates of the node's addresses are not verified."""
    headers = {"Accept": accept} | ({"Authorization": authorization(auth_string)} if auth_string else {})
    try:
        with _open(urllib.request.Request(url, headers=headers)):  # noqa: S310 - addresses of the node
            return True
    except urllib.error.HTTPError as answer:
        answer.close()
        return False
    except OSError:
        return False


def listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), LIMIT_SECONDS):
            return True
    except OSError:
        return False


def listens_on(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(LIMIT_SECONDS)
        return client.connect_ex(path) == 0


def posted(url: str, body: object, *, auth_string: str) -> Any:  # noqa: ANN401 - JSON
    """The JSON that POST *url* answers, or None."""
    headers = {"Content-Type": "application/json", "Authorization": authorization(auth_string)}
    asked = urllib.request.Request(url, json.dumps(body).encode(), headers)  # noqa: S310
    try:
        with _open(asked) as answer:
            return json.load(answer)
    except (OSError, ValueError):
        return None


def _open(asked: urllib.request.Request) -> Any:  # noqa: ANN401 - what urllib gives depends on the address
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    return opener.open(asked, timeout=LIMIT_SECONDS)
