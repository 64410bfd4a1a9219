"""Lengths of time in files and settings, no longer than clocks and system calls take."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

_CENTURY_DAYS = 36_525

Days = Annotated[float, Field(allow_inf_nan=False, le=_CENTURY_DAYS)]
Hours = Annotated[float, Field(allow_inf_nan=False, le=_CENTURY_DAYS * 24)]
Minutes = Annotated[float, Field(allow_inf_nan=False, le=_CENTURY_DAYS * 24 * 60)]
Seconds = Annotated[float, Field(allow_inf_nan=False, le=1_000_000)]  # poll(2) takes 24 days
