"""Fields of the pipeline's log, as docs and Kibana name them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from azora.config.settings import ROOT, settings
from azora.host.log_file import log_file


def flat(fields: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Fields by their names in Elasticsearch: `{"service": {"name": …}}` is `service.name`."""
    found: dict[str, Any] = {}
    for name, value in fields.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return found


def lines_of_the_pipeline() -> list[dict[str, Any]]:
    """Lines of the logs of commands and of the node's worker, also of files that were rotated."""
    file = log_file(settings())
    inside = file.relative_to(settings().state_folder)
    files = [one for place in ("", "work") for one in (settings().state_folder / place).glob(f"{inside}*")]
    return [flat(json.loads(line)) for one in files for line in one.read_text().splitlines()]


# What Elasticsearch's own mapping for ECS makes of a field, and what a line has to hold for it.
IS: dict[str, Callable[[Any], bool]] = {
    "date": lambda value: datetime.fromisoformat(value).tzinfo is not None,
    "keyword": lambda value: isinstance(value, str),
    "text": lambda value: isinstance(value, str),
    "long": lambda value: isinstance(value, int),
}
QUERIED = re.compile(r"([@\w.]+)\s*(?::|>=|<=|>|<)")
SERVICES_ALONE = re.compile(r"http\.|url\.|event\.|labels\.(route|asset|intent|order)")


def documented() -> dict[str, str]:
    """Each field of the logs and its type, as docs/monitoring.md has them."""
    page = (ROOT / "docs/monitoring.md").read_text()
    return dict(re.findall(r"^\| `([@a-z_.]+)` \| (date|keyword|text|long) \|", page, re.MULTILINE))


def kibana() -> Iterator[dict[str, Any]]:
    for line in (ROOT / "deployments/monitoring/kibana/azora.ndjson").read_text().splitlines():
        yield json.loads(line)


def used(saved: Mapping[str, Any]) -> Iterator[str]:
    """Every field that the saved object names."""
    attributes = saved["attributes"]
    if saved["type"] == "index-pattern":
        yield attributes["timeFieldName"]
        yield from json.loads(attributes["fieldFormatMap"])
        yield from json.loads(attributes["fieldAttrs"])
        return
    yield from attributes["columns"]
    yield from (field for field, _ in attributes["sort"])
    yield from QUERIED.findall(query(saved))


def query(saved: Mapping[str, Any]) -> str:
    source = json.loads(saved["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
    return str(source["query"]["query"])
