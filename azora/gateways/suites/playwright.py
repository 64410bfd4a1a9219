"""Files of pytest-playwright for a failed browser case, and what it needs to record them."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from slugify import slugify

from azora.core.checks.suite_result import Case


def with_pictures(cases: Iterable[Case], folder: Path) -> tuple[Case, ...]:
    """Add to *cases* their screenshot, video and trace from the subfolder of *folder* with the node id."""
    found: dict[tuple[str, str], Path] = {}
    for file in sorted(folder.rglob("*.*"), reverse=True):  # the first of several stays
        found[file.parent.name, file.suffix] = file
    return tuple(_with(case, found) for case in cases)


def video_browsers() -> dict[str, str]:
    """Environment in which videos work; empty where they cannot, for want of an ffmpeg.

    Playwright records with a build of its own that cannot be downloaded everywhere: it is given the system's.
    """
    ffmpeg, playwright = shutil.which("ffmpeg"), importlib.util.find_spec("playwright")
    if not ffmpeg or not playwright or not playwright.origin:
        return {}
    browsers = json.loads((Path(playwright.origin).parent / "driver/package/browsers.json").read_text())["browsers"]
    revision = next(browser["revision"] for browser in browsers if browser["name"] == "ffmpeg")
    folder = Path.home() / ".cache/azora/playwright"
    link = folder / f"ffmpeg-{revision}" / "ffmpeg-linux"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.exists():
        link.unlink(missing_ok=True)
        with suppress(FileExistsError):  # another run was faster
            link.symlink_to(ffmpeg)
    return {"PLAYWRIGHT_BROWSERS_PATH": str(folder)}


def _with(case: Case, found: dict[tuple[str, str], Path]) -> Case:
    name = slugify(case.name)
    screenshot, video, trace = (found.get((name, suffix)) for suffix in (".png", ".webm", ".zip"))
    return replace(case, screenshot=screenshot, video=video, trace=trace)
