"""Index of the runs: newest first, each with the results that the pipeline wrote beside its reports."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from html import escape
from pathlib import Path
from urllib.parse import quote

from azora.core.checks.result_entry import MOST_BYTES, ResultEntry, is_entry
from azora.core.messages.evidence.file_name import environment_in
from azora.core.messages.foreign_text import line
from azora.host.plain_files import entries_of, opened_plain
from azora.operations.reports import pages

RUNS_ON_A_PAGE = 50
MOST_ENTRIES = 30
"""Results of one run that are shown."""

STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 1.5rem auto; padding: 0 1rem; overflow-wrap: anywhere }
h1 { font-size: 1.4rem }
article { border-top: 1px solid #8884; padding: .75rem 0 }
h2 { font-size: 1.05rem; margin: 0; display: flex; flex-wrap: wrap; gap: 0 .75rem; align-items: baseline }
h2 small { font-weight: normal; opacity: .75; margin-left: auto; font-variant-numeric: tabular-nums }
ul { list-style: none; margin: .25rem 0 0; padding: 0 }
li { margin: .15rem 0 }
li a { margin-left: .6rem; display: inline-block; min-height: 1.75rem }
.ok { color: light-dark(#0a6b2d, #6fd08c) } .bad { color: light-dark(#b3261e, #ff8a80) }
"""


def index(root: Path, number: int) -> str:
    """Page *number* of the index, from 1."""
    with opened_plain(root, []) as folder:
        runs = [one for one in entries_of(folder) if stat.S_ISDIR(one[1].st_mode)] if folder is not None else []
    shown = runs[(number - 1) * RUNS_ON_A_PAGE : number * RUNS_ON_A_PAGE]
    articles = "\n".join(_article(root, name, seen.st_mtime) for name, seen in shown)
    body = f"{articles or '<p>No reports yet.</p>'}\n{_others(number, len(runs))}"
    return pages.page("Reports", body, STYLE)


def results_of(root: Path, run: str) -> list[ResultEntry]:
    """Results of *run*, oldest first; a file that is no result is left out."""
    return _results(root, run, _names(root, run))


def _results(root: Path, run: str, names: list[str]) -> list[ResultEntry]:
    """Results among the *names* of the folder of *run*."""
    found = (_entry(root, [run, name]) for name in [name for name in names if is_entry(name)][:MOST_ENTRIES])
    return sorted((entry for entry in found if entry), key=lambda entry: entry.at)


def _evidence(names: list[str]) -> dict[str, str]:
    """Newest page of evidence among *names* by environment."""
    found = [(environment, name) for name in names if (environment := environment_in(name))]
    return dict(reversed(found[:MOST_ENTRIES]))


def _names(root: Path, run: str) -> list[str]:
    """Names in the folder of *run*, newest first."""
    with opened_plain(root, [run]) as folder:
        return [name for name, _ in entries_of(folder)] if folder is not None else []


def _entry(root: Path, parts: list[str]) -> ResultEntry | None:
    with opened_plain(root, parts) as file:
        try:
            return ResultEntry.model_validate_json(os.read(file, MOST_BYTES)) if file is not None else None
        except (ValueError, OSError):  # half written, of another version, a folder
            return None


def _article(root: Path, run: str, changed: float) -> str:
    names = _names(root, run)
    entries = _results(root, run, names)
    name, at = (entries[-1].run_name, entries[-1].at.timestamp()) if entries else (run, changed)
    mark = _mark(all(entry.ok for entry in entries)) if entries else ""
    of = f"<small>{escape(line(entries[-1].application))} · {pages.moment(at)}</small>" if entries else ""
    head = f'{mark}<a href="{pages.address(run)}/">{escape(line(name or run))}</a>'
    results = "".join(f"<li>{_result(run, entry)}</li>" for entry in entries)
    results += "".join(
        f'<li>Approval request for {escape(line(name))}<a href="{pages.address(run)}/{quote(file)}">evidence</a></li>'
        for name, file in _evidence(names).items()
    )
    return f"<article><h2>{head}{of or f'<small>{pages.moment(at)}</small>'}</h2><ul>{results}</ul></article>"


def _result(run: str, entry: ResultEntry) -> str:
    links = (
        f'<a href="{pages.address(run)}/{quote(str(file))}">{escape(line(kind))}</a>'
        for kind, file in entry.file_names.items()
    )
    return f"{_mark(entry.ok)} {escape(line(entry.title))}: {escape(line(entry.summary))}{''.join(links)}"


def _mark(ok: bool) -> str:
    return "<span class=ok>✓ passed</span>" if ok else "<span class=bad>✗ failed</span>"


def _others(number: int, count: int) -> str:
    pages_: Iterable[tuple[str, int]] = (("newer runs", number - 1), ("older runs", number + 1))
    last = -(-count // RUNS_ON_A_PAGE)
    links = [f'<a href="?page={one}">{text}</a>' for text, one in pages_ if 1 <= one <= last]
    return f"<p>{' · '.join(links)}</p>" if links else ""
