"""`make drill`: break a running demo in every way that the runbook has, and recover by its commands.

It prints how long each recovery took.
"""

from __future__ import annotations

import os
import sys
import time

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from azora.config.settings import node_environment

os.environ.setdefault("AZORA_NODE", "demo")
os.environ.update(node_environment(os.environ["AZORA_NODE"]))  # Prefect reads its address and auth string at its import


def main(names: list[str]) -> None:
    """All situations, or those of *names*."""
    from tests.drill.drilling import drill
    from tests.drill.situations import SITUATIONS
    from tests.support import pipeline

    console = Console()
    if unknown := set(names) - {situation.name for situation in SITUATIONS}:
        sys.exit(f"the runbook has no section {', '.join(sorted(unknown))}")
    if pipeline.world("production").active is None:
        sys.exit("nothing was released yet: make demo")
    table = Table("", "situation", "recovered in, s", "with the break, s", title="Drill")
    good = True
    with pipeline.undone():
        for situation in [one for one in SITUATIONS if not names or one.name in names]:
            console.rule(situation.name)
            began = time.monotonic()
            try:
                recovered = drill(situation)
            except Exception as error:  # the other situations are drilled all the same
                good = False
                console.print(f"[red]✗[/] {escape(str(error))}")
                table.add_row("[red]✗[/]", situation.name, "", "")
            else:
                whole = time.monotonic() - began
                table.add_row("[green]✓[/]", situation.name, f"{recovered:.0f}", f"{whole:.0f}")
    console.print(table)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main(sys.argv[1:])
