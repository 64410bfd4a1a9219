"""Evidence of one request with everything that a page can show."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from azora.config.json_object import Json
from azora.core.checks.result_entry import CaseEntry
from azora.core.cluster.record import LastRollback, Receipt, StackRecord
from azora.core.messages.evidence.facts import Compared, Evidence, Replicas, Stage, Suite
from azora.core.promotion.plan import Change
from azora.core.promotion.risks import Seen
from azora.core.release.migrations import Migration
from azora.core.release.object_changes import changes_of
from tests.support.plans import PROOF, planned
from tests.support.releases import BASE, digest
from tests.support.worlds import BLUE, GREEN, NOW, SERVING_OLD, stack, switched

HERE = "http://127.0.0.1:1"
NAMES = ("web", "api", "auth", "edu", "pay")
MIGRATIONS = (
    Migration(revision="0041_orders_by_course", phase="expand"),
    Migration(revision="0042", phase="contract", contracts="0038"),
)
COMMITS = tuple(
    Change(f"{number:07x}", author, subject)
    for number, (author, subject) in enumerate(
        [
            ("Ada Lovelace", "Show the price of a course before the login"),
            ("Grace Hopper", "Retry a payment once when the provider does not respond"),
            *[("Linus", f"Update dependency number {number}") for number in range(14)],
        ],
        start=0xA41F3,
    )
)  # fmt: skip


def deployment(name: str, image: int, **variables: str) -> Json:
    reference = f"registry.example.org:5000/shop/{name}@{digest(image)}"
    env = [{"name": key, "value": value} for key, value in variables.items()]
    container = {"name": name, "image": reference, "env": env, "ports": [{"containerPort": 8000}]}
    template = {"metadata": {"labels": {"azora.dev/release": "3f2a1c9b"}}, "spec": {"containers": [container]}}
    labels = {"app.kubernetes.io/name": "azora", "app.kubernetes.io/component": name}
    selector = {"matchLabels": labels}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": f"azora-{name}-blue", "labels": labels},
        "spec": {"replicas": 2, "selector": selector, "template": template},
    }  # fmt: skip


def thing(kind: str, name: str, **content: Any) -> Json:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **content}


BEFORE = [
    *(deployment(name, number, TIMEOUT_SECONDS="5") for number, name in enumerate(NAMES)),
    thing("Secret", "azora-login-blue", stringData={"password": "tiger-9-tiger", "user": "shop"}),
    thing("ConfigMap", "azora-settings-blue", data={"DATABASE": "postgresql://shop:tiger-9-tiger@db/shop", "FEATURES": "courses"}),
    thing("Role", "azora-cron-blue", rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]),
]  # fmt: skip
AFTER = [
    *(deployment(name, number + (10 if name in {"web", "pay"} else 0), TIMEOUT_SECONDS="5") for number, name in enumerate(NAMES)),
    thing("Secret", "azora-login-blue", stringData={"password": "lion-10-lion", "user": "shop"}),
    thing("ConfigMap", "azora-settings-blue",
          data={"DATABASE": "postgresql://shop:lion-10-lion@db/shop", "FEATURES": "courses,prices," + "long-name," * 40}),
    thing("ConfigMap", "azora-prices-blue", data={"prices.yaml": "".join(f"course-{n}: {n * 10}\n" for n in range(40))}),
]  # fmt: skip
DATABASES = ([thing("ConfigMap", "azora-postgresql", data={"work_mem": "4MB"})], [thing("ConfigMap", "azora-postgresql", data={"work_mem": "16MB"})])  # fmt: skip

SUITES = (
    Suite("Unit tests", True, "5 passed in 31 s", tuple(CaseEntry(name=name, outcome="passed", seconds=6.2) for name in NAMES),
          reports=tuple((name, f"{HERE}/run/test%20{name}.log?expires=1&signature=2") for name in NAMES)),
    Suite("End-to-end cases of the preview of staging", True, "17 passed, 1 flaky in 34 s",
          (CaseEntry(name="test_pay.py::test_card_that_is_declined[chromium]", outcome="flaky", seconds=7.5),
           *(CaseEntry(name=f"test_learn.py::test_course_{n}[chromium]", outcome="passed", seconds=1.4) for n in range(17))),
          reports=(("html", f"{HERE}/run/e2e/report.html?expires=1&signature=2"), ("log", f"{HERE}/run/e2e/pytest.log"))),
)  # fmt: skip
RECEIPT = Receipt(
    number=8, verdict="good", total=2412, first_on_new_seconds=0.061, last_on_old_seconds=0.094, p50_ms=2, p99_ms=26
)


def evidence() -> Evidence:
    """A request with every kind of risk and change."""
    record = StackRecord(release="old", commit="c" * 40, subject="Sell courses", revision=1)
    world = replace(SERVING_OLD, stacks={BLUE: replace(stack(BLUE, "old"), record=record)})
    images = {name: f"registry.example.org:5000/shop/{name}@{digest(number)}" for number, name in enumerate(NAMES)}
    running = BASE.model_copy(update={"images": images})
    release = BASE.model_copy(
        update={
            "subject": "Show the price of a course before the login",
            "images": images | {name: images[name].replace("sha256:0", "sha256:a") for name in ("web", "pay")},
            "migrations": MIGRATIONS,
        }
    )
    proof = PROOF.model_copy(update={"summary": "unit tests, smoke and 18 end-to-end cases passed"})
    lost = (Change("00bada5", "Linus", "Round prices up"),)
    plan = planned(world, release, running=running, changes=COMMITS, lost=lost, proof=proof, on_main=False)
    return Evidence(
        plan=replace(plan, objects="b" * 64),
        at=NOW,
        run_page=f"{HERE}/v2/runs/flow-run/3f2a",
        command="azora approve 3f2a1c9b --plan 9f86d081884c -m 'why you approve'",
        until=NOW + timedelta(hours=72),
        seen=Seen(restarts=("StatefulSet azora-postgresql",), policy_of=7, flaky=1),
        changed=("the active release is 3f2a1c9b0d4e (blue), not 77aa00000000 (green)",),
        objects=(
            Compared("azora-blue", changes_of(BEFORE, AFTER)),
            Compared("azora", ()),
            Compared("azora-data", changes_of(*DATABASES)),
        ),
        replicas=tuple(Replicas(name, 3, 3 if name != "edu" else 2, 4 if name == "web" else 3) for name in NAMES),
        suites=SUITES,
        stage=Stage("staging", switched(8, release.id, GREEN), RECEIPT),
        rollback=LastRollback(at=NOW - timedelta(days=3), seconds=0.84),
    )
