"""docs/own-cluster.md, taken apart: what a reader would copy, heading by heading."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from azora.config.settings import ROOT

FILE = ROOT / "docs/own-cluster.md"
_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> dict[str, list[str]]:
    """Fenced blocks in *language*, by their heading, in the order of the document.

    Headings without any are left out.
    """
    _, *parts = _HEADING.split(FILE.read_text())
    found = {
        heading: [text for kind, text in _BLOCK.findall(body) if kind == language]
        for heading, body in zip(parts[::2], parts[1::2], strict=True)
    }
    return {heading: texts for heading, texts in found.items() if texts}


def settings_file(values: Mapping[str, str | bool | int]) -> str:
    """The document's settings file, with *values* in place of those of its keys; each must be there."""
    ((text,),) = blocks("toml").values()
    for key, value in values.items():
        text, count = re.subn(rf"^{key} = .*$", f"{key} = {json.dumps(value)}", text, flags=re.MULTILINE)
        assert count == 1, f"the settings file of {FILE.name} does not give {key} once"
    return text
