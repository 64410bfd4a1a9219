"""axe-core looks at each page that a case visits; what it finds serious or critical fails the case.

It runs inside the page as soon as that is loaded. A page that is left before it is through is visited again at the end.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

# Axe looks through a page once, whoever asks first: it refuses to run twice at a time.
_SCRIPT = """
if (window === top && location.protocol.startsWith("http")) {
  const look = async () => (await axe.run(document, {resultTypes: ["violations"], preload: false})).violations
    .filter(found => ["serious", "critical"].includes(found.impact))
    .map(found => `${found.impact}: ${found.help} (${found.id}): ${found.nodes.map(node => node.target.join(" ")).join(", ")}`);
  let looking;
  globalThis.lookThrough = () => looking ??= look();
  addEventListener("load", async () => {
    await lookedAt(location.href, null);
    await lookedAt(location.href, await lookThrough());
  });
}"""


@dataclass
class Looking:
    """Findings on the pages of one case, by address; None while axe is not through."""

    seen: dict[str, list[str] | None] = field(default_factory=dict)

    def note(self, _: Any, address: str, found: list[str] | None) -> None:
        if found is not None or address not in self.seen:
            self.seen[address] = found

    def finish(self, page: Page) -> None:
        """Raise AssertionError with all that was found."""
        for address in [address for address, found in self.seen.items() if found is None]:
            if page.url != address:
                page.goto(address)
            self.seen[address] = page.evaluate("lookThrough()")
        troubles = [f"{address}: {line}" for address, found in self.seen.items() for line in found or []]
        assert not troubles, "not accessible:\n" + "\n".join(troubles)


def axe_script() -> str | None:
    """axe-core, from the package that brings it; None where it is not installed."""
    package = importlib.util.find_spec("axe_playwright_python")
    if package is None or package.origin is None:
        return None
    return (Path(package.origin).parent / "axe.min.js").read_text(encoding="utf-8")


def look_at(page: Page, script: str) -> Looking:
    looking = Looking()
    page.expose_binding("lookedAt", looking.note)
    page.add_init_script(f"{script};{_SCRIPT}")
    return looking
