"""Limits of an upload to the report server; worker and server have the same ones."""

from __future__ import annotations

FILE_BYTES = 200_000_000
RUN_BYTES = 1_000_000_000
RUN_FILES = 2_000
FREE_BYTES = 1_000_000_000
"""Room that an upload leaves on the server's disk."""
