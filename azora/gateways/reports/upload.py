"""Upload of a run's files to the report server, by one signed address each."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path

TIMEOUT_SECONDS = 20.0
"""Limit of one connection, and of each wait for the server."""
CHUNK_BYTES = 1_000_000


def upload(addresses: Mapping[Path, str], *, limit_seconds: float) -> tuple[frozenset[Path], str]:
    """Upload each file to its address, within *limit_seconds* together.

    Returns:
        The files that the server has, and why not all; empty when all. The first error ends the upload, and nothing is raised: no
        release fails because the report server is away.
    """
    import httpx  # noqa: PLC0415 - where nothing is uploaded, nothing waits for it

    done: set[Path] = set()
    ends = time.monotonic() + limit_seconds
    try:
        with httpx.Client(timeout=TIMEOUT_SECONDS) as client:
            for file, address in addresses.items():
                if time.monotonic() > ends:
                    return frozenset(done), f"the upload took more than {limit_seconds:.0f} s"
                answer = client.put(address, content=_chunks(file, ends))
                if answer.is_error:
                    return frozenset(done), f"{file.name!r}: {answer.status_code} {answer.text.strip()[:200]}"
                done.add(file)
    except (OSError, httpx.HTTPError, httpx.InvalidURL) as error:
        return frozenset(done), str(error) or type(error).__name__
    return frozenset(done), ""


def _chunks(file: Path, ends: float) -> Iterator[bytes]:
    with file.open("rb") as content:
        while chunk := content.read(CHUNK_BYTES):
            if time.monotonic() > ends:
                raise TimeoutError(f"the upload of {file.name!r} took too long")
            yield chunk
