"""Expiry: certificates that the pipeline depends on, and the disk under its state."""

from __future__ import annotations

import shutil
import ssl
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509

from azora.config.environment import Environment
from azora.config.settings import Settings
from azora.config.urls import public_url
from azora.core.metrics import CERTIFICATE, FREE, SIZE, Sample
from azora.gateways.kubernetes.cluster import connect

HTTPS = 443


def disks(settings: Settings) -> Iterator[Sample]:
    """Disks of the state: reports, mirrors, exports, and the embedded node's images, volumes, databases."""
    folder = settings.state_folder
    with suppress(OSError):
        usage = shutil.disk_usage(folder)
        yield Sample(FREE, usage.free, {"folder": str(folder)})
        yield Sample(SIZE, usage.total, {"folder": str(folder)})


def certificates(environment: Environment, settings: Settings) -> Iterator[Sample]:
    """Certificates of the API server, of the account, and of the public host where it has one."""
    api = connect(environment, settings).namespace.api
    limit = settings.api_timeout_seconds
    yield from _of_a_server(f"{environment.name}: API server", api.host, limit)
    yield from _of_a_file(f"{environment.name}: account", api.client_certificate)
    live = environment.hosts.live
    yield from _of_a_server(f"{environment.name}: {live}", public_url(live, settings), limit)


def _of_a_server(what: str, url: str, timeout_seconds: float) -> Iterator[Sample]:
    place = urlsplit(url)
    if place.scheme != "https" or not place.hostname:
        return
    with suppress(OSError, ValueError):
        address = (place.hostname, place.port or HTTPS)
        yield _sample(what, ssl.get_server_certificate(address, timeout=timeout_seconds).encode())


def _of_a_file(what: str, file: Path | None) -> Iterator[Sample]:
    if file:
        with suppress(OSError, ValueError):
            yield _sample(what, file.read_bytes())


def _sample(what: str, pem: bytes) -> Sample:
    ends = x509.load_pem_x509_certificate(pem).not_valid_after_utc
    return Sample(CERTIFICATE, ends.timestamp(), {"certificate": what})
