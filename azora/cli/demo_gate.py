"""The demo's answers: what the cluster refuses meanwhile, then the approval."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from azora.cli.options import environment_called
from azora.cli.output import console, safe
from azora.config.settings import settings
from azora.core.release.release import LABEL_DIGITS
from azora.errors import Failed
from azora.gateways.kubernetes.cluster import connect
from azora.gateways.kubernetes.gate_probe import refusals
from azora.gateways.prefect.runs import Run, answer
from azora.gateways.prefect.waiting_plan import waiting_plan
from azora.local.layout import layout

APPROVER = "demo approver"
REASON = "the demo approves its own request"
ATTEMPTS = {
    "azora-approvals": "writes the approval itself",
    "azora-live": "leads users to the release",
    "azora-images": "runs an image that nobody approved",
}
_REASON = re.compile(r"denied request: (.*)", re.DOTALL)


def approve(run: Run) -> None:
    """Approve what *run* waits with; where the gate is on, show first what the cluster refuses."""
    plan = waiting_plan(run.id).hash
    if environment_called("production").has_a_gate:
        _show_refusals(run)
        _approve_as_person(run, plan)
        return
    console.print(
        f"  [yellow]‖[/] the run waits for an approval; the demo answers as {APPROVER!r} through the public API"
    )
    answer(
        run.id,
        decision="approve",
        approver=APPROVER,
        reason=REASON,
        plan=plan,
        application=settings().application,
    )


def _show_refusals(run: Run) -> None:
    """Print how the API server refuses the pipeline's own account.

    Raises:
        Failed: it lets something through.
    """
    cluster = connect(environment_called("production"), settings())
    release = next(one.release for one in cluster.look().questions if one.run == run.id)
    console.print(
        "  [yellow]‖[/] the run waits for an approval; the cluster refuses the pipeline's own account meanwhile:"
    )
    for policy, said in refusals(cluster.namespace, release[:LABEL_DIGITS]).items():
        if not said:
            raise Failed(
                f"could not show the gate: {policy} does not refuse that the pipeline {ATTEMPTS[policy]}",
                advice="`azora doctor production` checks the gate",
            )
        console.print(f"    it {ATTEMPTS[policy]}: [red]refused[/], {safe(reason_of(said))}", highlight=False)


def reason_of(refusal: str) -> str:
    """The policy's own sentence in the API server's *refusal*."""
    found = _REASON.search(refusal)
    return (found.group(1) if found else refusal).strip()


def _approve_as_person(run: Run, plan: str) -> None:
    kubeconfig = layout(settings().node).approver
    command = ["approve", run.id[:8], "--plan", plan, "--reason", REASON]
    console.print(f"    the approver, by a client certificate: azora {' '.join(command[:2])} --plan {plan[:12]}")
    done = subprocess.run(
        [sys.executable, "-m", "azora", *command],
        env={**os.environ, "AZORA_KUBECONFIG": str(kubeconfig)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Failed(
            f"could not approve as the node's approver: {done.stderr.strip()}",
            advice="`azora approvals` lists what waits",
        )
