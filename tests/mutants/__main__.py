"""`make mutants`: break the platform in every way that is listed, and show which case sees it."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from queue import SimpleQueue

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.mutants.hunt import Hunt, hunting
from tests.mutants.mutations import MUTATIONS, Mutation

AT_ONCE = 2  # platforms; the cases of one leave half of two processors idle


@dataclass(frozen=True)
class Seen:
    """Cases that failed for a mutant, and the time that took."""

    mutation: Mutation
    red: list[str]
    seconds: float

    @property
    def by_its_guard_alone(self) -> bool:
        return self.red == [self.mutation.case]

    @property
    def by(self) -> str:
        return escape(", ".join(self.red)) or "nobody"


def main() -> None:
    console = Console()
    free: SimpleQueue[Hunt] = SimpleQueue()

    def hunted(mutation: Mutation) -> Seen:
        hunt, began = free.get(), time.monotonic()
        try:
            seen = Seen(mutation, hunt.red(mutation), time.monotonic() - began)
        finally:
            free.put(hunt)
        console.print(f"{mutation.what}: {seen.by}")
        return seen

    with ExitStack() as stack, console.status("mutants"):
        hunts = [stack.enter_context(hunting()) for _ in range(AT_ONCE)]
        if wrong := hunts[0].red(None):
            sys.exit(f"the platform as it is fails {', '.join(wrong)}")
        for hunt in hunts:
            free.put(hunt)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = list(pool.map(hunted, MUTATIONS))
    console.print(_table(found))
    sys.exit(0 if all(seen.by_its_guard_alone for seen in found) else 1)


def _table(found: Sequence[Seen]) -> Table:
    table = Table("", "what is wrong", "in", "must be seen by", "was seen by", "s", title="Mutants")
    for seen in found:
        mark = "[green]✓[/]" if seen.by_its_guard_alone else "[red]✗[/]"
        mutation = seen.mutation
        table.add_row(mark, mutation.what, mutation.service, escape(mutation.case), seen.by, f"{seen.seconds:.0f}")
    return table


if __name__ == "__main__":
    main()
