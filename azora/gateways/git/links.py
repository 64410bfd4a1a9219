"""Links of a commit, judged where they end in its finished tree, whatever was unpacked first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

MOST_STEPS = 1000  # a link that needs more is a circle, or written to cost time


def leading_out(links: Mapping[str, str]) -> Iterator[str]:
    """Yield the paths of those *links*, path to target, that leave their tree or never end."""
    return (path for path in links if not _stays_inside(path, links))


def _stays_inside(path: str, links: Mapping[str, str]) -> bool:
    """Follow the link at *path* name by name, as the kernel does, and through each link that it meets."""
    *at, name = path.split("/")
    waiting = [name]
    for _ in range(MOST_STEPS):
        if not waiting:
            return True
        step = waiting.pop()
        if step == "..":
            if not at:
                return False
            at.pop()
        elif step not in {"", "."}:
            at.append(step)
            if (target := links.get("/".join(at))) is not None:
                if target.startswith("/"):
                    return False
                at.pop()
                waiting += reversed(target.split("/"))
    return False
