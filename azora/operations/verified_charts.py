"""Charts and values of a release, in a copy of their own that is verified by the release's digests.

The export lies on the worker's disk from the first test to the last call of Helm. Helm reads the copy, which only this user may
write, and which has no file beside those that the digests cover.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from azora.config.settings import Settings
from azora.core.messages.listing import capped
from azora.core.release.release import Release
from azora.errors import AzoraError, Refused
from azora.gateways.git.export import export
from azora.host.content_hash import covered, digest_of, entry
from azora.operations.checkout import Checkout

SHOWN = 8


def verified_charts(found: Checkout, release: Release, settings: Settings) -> Path:
    """Folder with charts and values of *release* and nothing else; verified at each call.

    Raises:
        Refused: with the files, where the export or the copy is not what the release was made of.
    """
    copy = _copied(found.folder, found.chart_paths)
    if not _is_of(copy, found, release):
        _copied.cache_clear()
        changed = _changed(found, settings)
        raise Refused(
            f"could not use the charts of {release.title}: they differ from the release: {', '.join(capped(changed, SHOWN))}",
            advice=f"find out who changed {str(found.folder)!r}, then remove that folder: the next start exports the commit again",
        )
    return copy


def _is_of(copy: Path, found: Checkout, release: Release) -> bool:
    """Return True when *copy* has the content that *release* names; older releases did not follow links."""
    charts, values = found.charts, [found.application.values]
    return any(
        (digest_of(copy, charts, follow=follow), digest_of(copy, values, follow=follow))
        == (release.charts_digest, release.values_digest)
        for follow in (True, False)
    )


@cache
def _copied(folder: Path, paths: Sequence[str]) -> Path:
    """Copy of what is at *paths* of *folder*; removed at the end of the process."""
    copy = Path(tempfile.mkdtemp(prefix="azora-charts-"))
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    for name in covered(folder, paths, follow=True):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(folder / name, copy / name, follow_symlinks=False)
    return copy


def _changed(found: Checkout, settings: Settings) -> list[str]:
    """Files that the export has otherwise than the commit, by Git."""
    with tempfile.TemporaryDirectory(prefix="azora-export-") as name:
        try:
            clean = export(found.commit, Path(name) / "exports", settings)
        except AzoraError as error:
            return [f"Git does not tell which files ({error.message})"]
        here, there = (
            {one: entry(folder / one, one) for one in covered(folder, found.chart_paths, follow=True)}
            for folder in (found.folder, clean)
        )
    changed = sorted(one for one in here.keys() | there.keys() if here.get(one) != there.get(one))
    return changed or ["no file, so that another version of Azora counted them otherwise"]
