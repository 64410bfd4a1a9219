"""Objects of JSON and YAML as they are read, before anything is known of their fields."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
