"""Logs: one JSON object a line on standard output, in the words of the Elastic Common Schema.

Each line says which service, release and color it comes from, and which request it belongs to.
https://www.elastic.co/docs/reference/ecs; docs/monitoring.md has the fields.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from ecs_logging import StdlibFormatter

from common.settings import ServiceSettings

request_id: ContextVar[str] = ContextVar("request_id", default="")
request_fields: ContextVar[Mapping[str, str]] = ContextVar("request_fields", default={})  # noqa: B039 - never changed

# What an error's own text might carry: addresses with a password, tokens, Stripe's keys, rows of PostgreSQL.
_SECRETS = [
    re.compile(r"""(://[^\s/@:"]*:)[^\s/@"\\]+(?=@)"""),
    re.compile(r"""(\b(?:bearer|basic)\s+)[\w.~+/=-]{8,}""", re.IGNORECASE),
    re.compile(r"""(\b(?:[srp]k_(?:test|live)|whsec)_)\w{4,}"""),
    re.compile(r"""((?:Failing row contains |Key \([^)"]*\)=)\()[^)"\\]+"""),
]
# The library's, and uvicorn's for terminals: what a line of ours says already, or what nobody asks for.
_LEFT_OUT = ("log.original", "log.origin", "process", "color_message")


def without_secrets(text: str) -> str:
    for secret in _SECRETS:
        text = secret.sub(r"\1***", text)
    return text


class _Line(StdlibFormatter):
    """The library's line with an error's whole story, what caused it as well, and without secrets."""

    def format_to_ecs(self, record: logging.LogRecord) -> dict[str, Any]:
        fields = super().format_to_ecs(record)
        if record.exc_info and record.exc_info[0]:
            fields["error"]["stack_trace"] = self.formatException(record.exc_info)
        return fields

    def format(self, record: logging.LogRecord) -> str:
        return without_secrets(super().format(record))


def _add_request(record: logging.LogRecord) -> bool:
    for name, value in request_fields.get().items():
        record.__dict__.setdefault(name, value)
    return True


def configure(service: str, settings: ServiceSettings) -> None:
    """Send every logger of this process, and Python's warnings, to standard output."""
    handler = logging.StreamHandler(sys.stdout)
    handler.addFilter(_add_request)
    identity = {
        "service.name": service,
        "service.version": settings.azora_release,
        "service.environment": settings.azora_environment,
        "labels.color": settings.azora_color,
    }
    handler.setFormatter(_Line(extra=identity, exclude_fields=_LEFT_OUT))
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    logging.captureWarnings(True)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    for name in ("httpcore", "stripe"):  # their debugging has headers and bodies: tokens and cards
        logging.getLogger(name).setLevel(logging.INFO)
