"""`make mutants`: break the platform in every way that is listed, and show which case sees it."""

from __future__ import annotations

import sys
import time

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.mutants.hunt import hunting
from tests.mutants.mutations import MUTATIONS


def main() -> None:
    console = Console()
    table = Table("", "what is wrong", "in", "must be seen by", "was seen by", "s", title="Mutants")
    good = True
    with hunting() as hunt, console.status("as it is") as status:
        wrong = hunt.red(None)
        if wrong:
            sys.exit(f"the platform as it is fails {', '.join(wrong)}")
        for mutation in MUTATIONS:
            status.update(mutation.what)
            began = time.monotonic()
            red = hunt.red(mutation)
            caught = red == [mutation.case]
            good = good and caught
            console.print(f"{mutation.what}: {escape(', '.join(red)) or 'nobody'}")
            mark = "[green]✓[/]" if caught else "[red]✗[/]"
            took = f"{time.monotonic() - began:.0f}"
            table.add_row(
                mark, mutation.what, mutation.service, escape(mutation.case), escape(", ".join(red)) or "nobody", took
            )
    console.print(table)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
