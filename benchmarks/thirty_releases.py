"""Growth of a machine: thirty releases of a changed page to staging, measured after each.

    make thirty             # about half an hour on the node `demo`; writes docs/thirty-releases.md as it goes

After each release `azora prune` runs with limits so tight that they matter within an hour (`LIMITS`); those of the settings are
the same code with larger numbers. Fails when what was counted after the last release is more than a tenth above what it was
after the twentieth: only then Helm's ten revisions of each color and a record's twenty entries are full. Two have bounds of another kind:
etcd's log grows by whole files, and Prefect's events go by age.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psycopg

from azora.cli.output import console
from azora.config.environment import load_environment
from azora.config.settings import ROOT, settings
from azora.core.auth import authorization
from azora.gateways.kubernetes.cluster import Cluster, connect
from azora.local.prefect import DATABASE, OWNER

RELEASES = 30
ENVIRONMENT = "staging"
BANNER = Path("services/web/banner.txt")
TABLE = ROOT / "docs/thirty-releases.md"
FULL = 20
MOST_GROWTH = 1.1
STEPS = {"etcd MB": 64}  # a file of its log, of which it keeps those that it is not done with
POSTGRESQL, EVENTS = "PostgreSQL MB", "of it events"

LIMITS = {
    "AZORA_KEEP_AT_LEAST_HOURS": "0.01",
    "AZORA_KEEP_IMAGES": "3",
    "AZORA_KEEP_REPORTS": "5",
    "AZORA_KEEP_EXPORTS": "3",
    "AZORA_KEEP_PREFECT_RUNS": "5",
}
GIT = ["git", "-c", "user.name=Benchmark", "-c", "user.email=benchmark@azora.localhost"]
Row = dict[str, int]


def main() -> None:
    """Release, prune, count; thirty times."""
    rows = [count()]
    for number in range(1, RELEASES + 1):
        azora("deploy", ENVIRONMENT, changed(number))
        pruned = json.loads(azora("prune", "--json", **LIMITS))
        rows.append(count())
        TABLE.write_text(page(rows))
        console.print(f"{number}: {rows[-1]}, pruned {sum(len(part['gone']) for part in pruned['parts'])}")
    if grown := growth(rows):
        console.print(f"[red]✗[/] grew after release {FULL}: {grown}")
        sys.exit(1)
    console.print(f"[green]✓[/] nothing grew; the table is in {TABLE}")


def changed(number: int) -> str:
    """Commit another banner, so that one image is built anew; returns the commit."""
    repository = Path(settings().repository_location)
    (repository / BANNER).write_text(f"Release {number} of {RELEASES}, {datetime.now(UTC):%H:%M:%S}\n")
    git(repository, "commit", "--quiet", "--all", "-m", f"Change the banner, {number} of {RELEASES}")
    return git(repository, "rev-parse", "HEAD")


def count() -> Row:
    """Count what a release could leave behind. Sizes in MB, as `du` has them."""
    state, cluster = (
        settings().state_folder,
        connect(load_environment(ENVIRONMENT, settings().environments), settings()),
    )
    return {
        "state MB": megabytes(state),
        "registry MB": megabytes(state / "lib/registry"),
        "etcd MB": megabytes(state / "lib/etcd"),
        POSTGRESQL: megabytes(state / "lib/postgres"),
        EVENTS: megabytes_of_events(state / "lib/postgres/run"),
        "build cache MB": megabytes(Path.home() / ".cache/azora/workers/azora/containers"),
        "run folders": len(list((state / "work/runs").iterdir())),
        "exports": len(list((state / "work/exports").glob("*"))),
        "pods": len(cluster.pods()),
        "Helm revisions": len(secrets_of_helm(cluster)),
        **{f"Prefect {kind}": rows_of(kind) for kind in ("flow_runs", "task_runs", "artifacts")},
    }


def page(rows: list[Row]) -> str:
    """The table, one line a release; before the first one as well."""
    titles = ["after release", *rows[0]]
    lines = [titles, ["---:"] * len(titles), *([str(n), *map(str, row.values())] for n, row in enumerate(rows))]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    limits = ", ".join(f"`{name}={value}`" for name, value in LIMITS.items())
    return f"""# Thirty releases in a row

A measurement for whoever asks what grows with each release. Made by `make thirty` on {datetime.now(UTC):%Y-%m-%d}: {len(rows) - 1} releases
of a changed page to {ENVIRONMENT}, each with one new image. After each release `azora prune` ran with these [limits](retention.md):
{limits}.

1. **It fails** if a number is more than a tenth above its value after release {FULL}, when everything with a bound is full.
2. **etcd** may have one more file of its log, of 64 MB.
3. **Prefect's events** ("of it events") may grow: the server removes what is older than 7 days, and nothing else limits them.

{table}
"""


def growth(rows: list[Row]) -> dict[str, str]:
    """Growth from the time when all that has a bound was full to the end."""
    full, end = judged(rows[min(FULL, len(rows) - 1)]), judged(rows[-1])
    grown = [name for name in end if end[name] > full[name] * MOST_GROWTH + STEPS.get(name, 1)]
    return {name: f"{full[name]} → {end[name]}" for name in grown}


def judged(row: Row) -> Row:
    """Without Prefect's events, which go by age alone: seven days hold more than thirty releases."""
    if EVENTS not in row:
        return row
    rest = {name: size for name, size in row.items() if name not in {POSTGRESQL, EVENTS}}
    return rest | {f"{POSTGRESQL} without events": row[POSTGRESQL] - row[EVENTS]}


def megabytes(folder: Path) -> int:
    done = subprocess.run(
        ["du", "-sm", folder], capture_output=True, text=True, check=False
    )  # files come and go meanwhile
    return int(done.stdout.split()[0])


def megabytes_of_events(socket_folder: Path) -> int:
    """Prefect's events: no limit of ours, its server keeps them for 7 days."""
    query = "SELECT (pg_total_relation_size('events') + pg_total_relation_size('event_resources')) / 1000000"
    with psycopg.connect(host=str(socket_folder), user=OWNER, dbname=DATABASE) as database:
        ((size,),) = database.execute(query).fetchall()
    return int(size)


def secrets_of_helm(cluster: Cluster) -> list[object]:
    return list(cluster.namespace.api.get(f"{cluster.namespace.core}/secrets", labelSelector="owner=helm")["items"])


def rows_of(kind: str) -> int:
    """Rows, as Prefect counts them; scheduled runs too, which are as many at any time."""
    known = {"Authorization": authorization(os.environ["PREFECT_API_AUTH_STRING"])}
    answer = httpx.post(f"{os.environ['PREFECT_API_URL']}/{kind}/count", json={}, headers=known, timeout=30)
    return int(answer.raise_for_status().json())


def azora(*arguments: str, **environment: str) -> str:
    """Run the command line with the worker's Prefect home, whose results it reads; exit at an error."""
    env: Mapping[str, str] = {
        **os.environ,
        "PREFECT_HOME": str(settings().state_folder / "work/prefect"),
        **environment,
    }
    command = [str(Path(sys.executable).parent / "azora"), *arguments]
    return subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True).stdout


def git(repository: Path, *arguments: str) -> str:
    done = subprocess.run([*GIT, "-C", str(repository), *arguments], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()


if __name__ == "__main__":
    settings()  # before Prefect's address is asked for
    main()
