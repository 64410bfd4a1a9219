"""Redaction: credentials of this process do not leave it in a text.

Whoever reads a credential remembers it here. `storable` of azora/errors.py is the gate for errors, states, artifacts, notices
and lines of a run's log. Values of fewer than six characters, and common words, are not masked: texts would lose their sense.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus, unquote, urlsplit

MASK = "***"
SHORTEST = 6
MOST_REMEMBERED = 500  # of renewed tokens the old ones are forgotten
COMMON = {
    "access", "account", "administrator", "anonymous", "bearer", "changeme", "cluster", "default", "deployment", "docker", "example",
    "github", "gitlab", "grafana", "kubernetes", "localhost", "namespace", "password", "pipeline", "postgres", "prefect", "preview",
    "private", "production", "project", "public", "qwerty", "registry", "release", "reports", "rollback", "router", "secret", "secrets",
    "server", "service", "staging", "switch", "testing", "unknown", "username",
}  # fmt: skip
_TOKEN = re.compile(r"(?=.*\d)[^.]{12,}")  # a part of an address that is no host and no word
_PATTERNS = (
    re.compile(r"""(://[^\s/@:"]*:)[^\s/@"\\]+(?=@)"""),
    re.compile(r"""(\bhttps?://)[^\s/@:"'\\]+(?=@)""", re.IGNORECASE),  # a user may be a token; a user of SSH is none
    re.compile(r"""(\b(?:bearer|basic)\s+)(?=[\w.~+/-]*[\d=])[\w.~+/=-]{8,}""", re.IGNORECASE),
)

_live: dict[str, tuple[str, ...]] = {}


def remember(*credentials: str | None) -> None:
    """Mask *credentials* from now on, as they are and in the forms in which programs write them."""
    for value in filter(None, credentials):
        if value not in _live and _is_secret(value):
            _live[value] = tuple(sorted(set(_forms(value)), key=len, reverse=True))
    for old in list(_live)[:-MOST_REMEMBERED]:
        _live.pop(old, None)


def remember_auth_string(pair: str) -> None:
    """Mask `user:password`, and the password alone."""
    remember(pair, pair.partition(":")[2])


def remember_address(address: str) -> None:
    """Mask an address of a notification service, its password, and its parts that are tokens."""
    parts = (unquote(part) for part in re.split(r"[/:@?&=#,;\s]+", address))
    remember(address, *(part for part in parts if _TOKEN.fullmatch(part)))
    remember_login_of(address)


def remember_login_of(url: str) -> None:
    """Mask the password of *url*."""
    try:
        password = urlsplit(url).password
    except ValueError:  # no address at all
        return
    remember(password, unquote(password or ""))


def redacted(text: str, also: Iterable[str] = ()) -> str:
    """Mask the credentials in *text*: remembered ones, the forms *also*, those of addresses and headers."""
    found = {form for known in list(_live.values()) for form in known}
    for form in sorted(found.union(also), key=len, reverse=True):
        text = text.replace(form, MASK)
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\1{MASK}", text)
    return text


def forms_of(values: Iterable[str]) -> frozenset[str]:
    """Forms in which programs write those of *values* that are long enough to be masked."""
    return frozenset(form for value in values if _is_secret(value) for form in _forms(value))


def without_address(text: str, address: str) -> str:
    """Mask each part of *address* in *text*, whatever its case, but not the scheme."""
    parts = re.split(r"[/:@?&=#,;\s]+", re.sub(r"^[A-Za-z][A-Za-z0-9+.-]{0,15}://", "", address, count=1))
    shortest = 3  # shorter parts are not told from common words
    secrets = {word for part in parts for word in (part, unquote(part)) if len(word) >= shortest}
    for secret in sorted(secrets, key=len, reverse=True):
        text = re.sub(re.escape(secret), MASK, text, flags=re.IGNORECASE)
    return text


def _is_secret(value: str) -> bool:
    return len(value) >= SHORTEST and value.casefold() not in COMMON


def _forms(value: str) -> Iterator[str]:
    """*value* as it is, in lines, in an address, in JSON, and in base64, also at the end of a longer text."""
    yield value
    yield from (line for line in map(str.strip, value.splitlines()) if len(line) >= SHORTEST)
    raw = value.encode(errors="surrogateescape")
    yield from (quote(raw, safe=""), quote_plus(raw))
    yield from (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
    yield from (coded.decode() for encode in (base64.b64encode, base64.urlsafe_b64encode) for coded in [encode(raw)])
    yield from (encode(raw).decode().rstrip("=") for encode in (base64.b64encode, base64.urlsafe_b64encode))
