"""Logs: one JSON object a line on standard output, each with the request it belongs to."""

from __future__ import annotations

import logging
import sys
from contextvars import ContextVar

from pythonjsonlogger.json import JsonFormatter

from common.settings import ServiceSettings

request_id: ContextVar[str] = ContextVar("request_id", default="")


def _add_request_id(record: logging.LogRecord) -> bool:
    record.__dict__.pop("color_message", None)  # uvicorn's, for terminals
    if current := request_id.get():
        record.request_id = current
    return True


def configure(service: str, settings: ServiceSettings) -> None:
    """Send every logger of this process to standard output as JSON."""
    handler = logging.StreamHandler(sys.stdout)
    handler.addFilter(_add_request_id)
    handler.setFormatter(
        JsonFormatter(
            "{asctime}{levelname}{name}{message}",
            style="{",
            rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
            static_fields={"service": service, "color": settings.azora_color, "release": settings.azora_release},
        )
    )
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)
