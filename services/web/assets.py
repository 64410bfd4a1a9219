"""Stylesheets and pictures: named by their content, and kept where the other color finds them.

A page that was loaded before a switch, or before a rollback, asks for the files of the release that it came from. So
every process lends its own to Redis, which both colors reach, and looks there for names that it does not know.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

# Pages stay open for days. Lent again long before: a release may run for weeks, and Redis may have lost what it held.
LENT = timedelta(days=7)
LENT_AGAIN = timedelta(hours=1)
_TRIED_AGAIN_SECONDS = 5.0

_NAME = re.compile(r"(?P<stem>[a-z]{1,32})\.(?P<version>[0-9a-f]{12})\.(?P<suffix>css|svg)")
MEDIA_TYPES = {"css": "text/css", "svg": "image/svg+xml"}


def _version(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Asset:
    """Content of an asset; *exact* when it is what its name says, and so may be cached for good."""

    content: str
    media_type: str
    exact: bool


class Assets:
    """The files of *folder*, and those that other releases lent."""

    def __init__(self, folder: Path, redis: Redis) -> None:
        self._redis = redis
        self._own = {file.name: file.read_text() for file in folder.iterdir()}
        self._names = {name: self._named(name) for name in self._own}
        self._contents = {self._names[name]: content for name, content in self._own.items()}

    def _named(self, name: str) -> str:
        stem, _, suffix = name.partition(".")
        return f"{stem}.{_version(self._own[name])}.{suffix}"

    def address(self, name: str) -> str:
        """Path at which the file *name* is served."""
        return f"/static/{self._names[name]}"

    async def find(self, name: str) -> Asset | None:
        """The file of that name, of whatever release; else this release's in its place, else nothing."""
        parts = _NAME.fullmatch(name)
        if parts is None:
            return None
        media_type = MEDIA_TYPES[parts["suffix"]]
        content = self._contents.get(name) or await self._borrowed(name, parts["version"])
        if content is not None:
            return Asset(content, media_type, exact=True)
        content = self._own.get(f"{parts['stem']}.{parts['suffix']}")
        return None if content is None else Asset(content, media_type, exact=False)

    async def _borrowed(self, name: str, version: str) -> str | None:
        try:
            found = await asyncio.to_thread(self._redis.get, f"asset:{name}")
        except RedisError as error:
            log.warning("could not look for an asset", extra={"labels.asset": name, "error.type": type(error).__name__})
            return None
        content = None if found is None else str(found)
        return content if content is not None and _version(content) == version else None

    def lend(self) -> None:
        """Let the other color serve our files too, for a week from now.

        Raises:
            RedisError: Redis does not answer.
        """
        for name, content in self._contents.items():
            self._redis.set(f"asset:{name}", content, ex=LENT)

    async def keep_lending(self) -> None:
        """Lend for as long as this runs, through restarts of Redis."""
        while True:
            seconds = LENT_AGAIN.total_seconds()
            try:
                await asyncio.to_thread(self.lend)
            except RedisError as error:
                log.warning("could not lend assets to the other color", extra={"error.type": type(error).__name__})
                seconds = _TRIED_AGAIN_SECONDS
            await asyncio.sleep(seconds)
