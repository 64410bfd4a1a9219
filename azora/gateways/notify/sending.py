"""Notifications by apprise (https://appriseit.com), imported here alone and only with an address set.

An address holds passwords. What is said of one is its place and its scheme, and what apprise says of it is said without any
part of it.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache, partial
from types import ModuleType
from typing import TYPE_CHECKING

from azora.config.secret_file import secret_in
from azora.config.settings import Settings
from azora.core.messages.notifications import Notice
from azora.errors import BadInput, storable
from azora.host.deadline import tell_all
from azora.host.writes import System, writing
from azora.redaction import remember_address, without_address

if TYPE_CHECKING:
    from apprise import NotifyBase

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,15}://")
# Of the others chats make mentions and links, also where a commit's subject has them.
_PLAIN = str.maketrans({"<": "‹", ">": "›", "@": "＠"})
_ADVICE = "docs/notifications.md shows the form of addresses"


@dataclass(frozen=True)
class Address:
    """Recipient of notifications; `name` is how a message calls it."""

    name: str
    url: str = field(repr=False)


def addresses(settings: Settings) -> tuple[Address, ...]:
    """Those of AZORA_NOTIFY, then those of the file; empty where nobody is told. They are not parsed.

    Raises:
        BadInput: the file cannot be read.
    """
    file = settings.notify_file or settings.state_folder / "notify"
    lines = secret_in(file, "the addresses", advice=_ADVICE, optional=settings.notify_file is None).splitlines()
    of_file = (line for text in lines if (line := text.strip()) and not line.startswith("#"))
    return (
        *_named("AZORA_NOTIFY", settings.notify.get_secret_value().split()),
        *_named(str(file), of_file),
    )


def must_parse(settings: Settings) -> None:
    """Every address is one that apprise can use; nobody is called.

    Raises:
        BadInput: naming those that are not.
    """
    if bad := [address.name for address in addresses(settings) if not _service(address)]:
        raise BadInput(f"could not use {', '.join(bad)}: apprise does not support this address", advice=_ADVICE)


def send(notice: Notice, settings: Settings) -> list[str]:
    """Tell every address at once, in at most `notify_timeout_seconds`; whoever is slower may still get it.

    The title begins with the application: several may tell the same people.

    Returns:
        A line for each that did not take it. Nothing is raised: no release fails because a provider is away.
    """
    try:
        known = addresses(settings)
    except BadInput as error:
        return [error.message]
    if not known:
        return []
    titled = replace(notice, title=f"{settings.application}: {notice.title}")
    _apprise()  # not by many threads at once
    tellers = {address.name: partial(_trouble, address, titled) for address in known}
    troubles = tell_all(tellers, settings.notify_timeout_seconds)
    return [f"could not notify {name}: {why}" for name, why in troubles.items()]


def _trouble(address: Address, notice: Notice) -> str:
    """Why *address* did not take it; empty when it did."""
    _HEARD.forget()
    try:
        service = _service(address)
        if service is None:
            return "apprise does not support this address"
        receivers = _apprise().Apprise(asset=service.asset)
        receivers.add(service)
        title, text = _plain(notice.title), _plain(notice.text)
        with writing(System.NOTICES, notice.title):
            if receivers.notify(title=title, body=text, notify_type=notice.kind, body_format="text"):
                return ""
    except Exception as error:  # one plugin of a hundred, in a thread that nobody waits for
        return without_address(f"{type(error).__name__}: {error}", address.url)
    return without_address(_HEARD.last() or "the service refused the notification", address.url)


def _plain(text: str) -> str:
    return storable(text).translate(_PLAIN).replace("](", "] (")


def _named(where: str, urls: Iterable[str]) -> Iterator[Address]:
    for place, url in enumerate(urls, 1):
        remember_address(url)
        scheme = _SCHEME.match(url)
        yield Address(f"address {place} of {where} ({scheme[0] if scheme else 'without a scheme'})", url)


def _service(address: Address) -> NotifyBase | None:
    """The plugin that apprise made of the address, or None; it leaves no file and calls nobody."""
    apprise = _apprise()
    asset = apprise.AppriseAsset(
        storage_mode="memory",
        app_id="Azora",
        app_desc="Azora",
        app_url="",
        image_url_mask="",  # its own pictures are on somebody else's server
        image_url_logo="",
        pgp_autogen=False,
        pem_autogen=False,
    )
    service: NotifyBase | None = apprise.Apprise.instantiate(address.url, asset=asset)
    return service


class _Heard(logging.Handler):
    """Last complaint of apprise, by thread: its own log would show the address."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._words = threading.local()

    def emit(self, record: logging.LogRecord) -> None:
        self._words.last = record.getMessage()

    def forget(self) -> None:
        self._words.last = ""

    def last(self) -> str:
        return str(self._words.last)


_HEARD = _Heard()


@cache
def _apprise() -> ModuleType:
    """Import apprise and its plugins at first use: runs without notifications do not wait for the import."""
    import apprise  # noqa: PLC0415

    apprise.Apprise.instantiate("json://127.0.0.1")  # the first address loads them all
    logger = logging.getLogger("apprise")
    logger.propagate = False
    logger.addHandler(_HEARD)
    return apprise
