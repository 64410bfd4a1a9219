"""Pages of the report server that list what there is."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime
from html import escape
from urllib.parse import quote

from rich.filesize import decimal

from azora.core.messages.foreign_text import line

# No script, no request: the names on these pages are a stranger's.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 56rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.4rem; overflow-wrap: anywhere }
table { border-collapse: collapse; width: 100% }
td { padding: .35rem .75rem .35rem 0; border-bottom: 1px solid #8884; overflow-wrap: anywhere }
td + td { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; opacity: .75 }
@media (max-width: 40rem) {
  tr { display: flex; flex-wrap: wrap; justify-content: space-between; border-bottom: 1px solid #8884 }
  td { border: 0; padding: .1rem 0 } td:first-child { flex-basis: 100%; padding-top: .35rem } td + td { font-size: .85rem }
}
"""


def page(title: str, body: str, style: str = STYLE) -> str:
    head = f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title>"
    view = '<meta name=viewport content="width=device-width, initial-scale=1">'
    return f"{head}{view}<style>{style}</style><h1>{escape(title)}</h1>\n{body}\n</html>"


def listing(title: str, entries: list[tuple[str, os.stat_result]]) -> str:
    """Page that lists a folder's *entries*."""
    rows = "\n".join(_row(name, seen) for name, seen in entries)
    return page(title, f"<table>\n{rows or '<tr><td>empty</td></tr>'}\n</table>")


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def address(name: str) -> str:
    """Relative address of a file *name*, whatever letters it has."""
    return "./" + quote(os.fsencode(name))


def _row(name: str, seen: os.stat_result) -> str:
    slash = "/" if stat.S_ISDIR(seen.st_mode) else ""
    size = "" if slash else decimal(seen.st_size)
    link = f'<a href="{address(name)}{slash}">{escape(line(name + slash))}</a>'
    return f"<tr><td>{link}</td><td>{size}</td><td>{moment(seen.st_mtime)}</td></tr>"
