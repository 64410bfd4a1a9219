"""The plan that a waiting run shows: what an answer to it is bound to."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from azora.errors import BadInput, NotReadyYet, Refused
from azora.gateways.prefect.client import connected

PREFIX_DIGITS = 12
LOOK_AGAIN = "look again"  # an answer that only the form of a run for people of the cluster takes


@dataclass(frozen=True)
class WaitingPlan:
    """Its whole hash, and its text (markdown) as the form has it.

    *by_form*: the form takes an approval; else people whom the cluster knows approve.
    """

    run: str
    hash: str
    text: str
    by_form: bool = True

    def must_be(self, named: str) -> None:
        """Raise Refused unless *named*, at least 12 digits, begins this plan's hash; BadInput when shorter."""
        if len(named) < PREFIX_DIGITS:
            raise BadInput(
                f"could not answer run {self.run[:8]}: {named!r} is too short for the hash of a plan",
                advice=f"give at least the first {PREFIX_DIGITS} digits of the hash: `azora plan {self.run[:8]}` prints it",
            )
        if self.hash.startswith(named.lower()):
            return
        raise Refused(
            f"could not answer run {self.run[:8]}: the run waits with plan {self.hash[:PREFIX_DIGITS]}, not {named!r}",
            advice=f"read the current plan (`azora plan {self.run[:8]}`), then give the first {PREFIX_DIGITS} digits of its hash",
        )


FORM_WITHIN_SECONDS = 10  # Prefect stores the form after the state: a run waits a moment without it


@retry(
    retry=retry_if_exception_type(NotReadyYet),
    stop=stop_after_delay(FORM_WITHIN_SECONDS),
    wait=wait_fixed(0.5),
    reraise=True,
)
def waiting_plan(run: str) -> WaitingPlan:
    """The plan of *run*, by its whole id.

    Raises:
        Refused: the run does not wait, or waits with the form of an older version, which names no plan.
        NotReadyYet: it waits without a form for ten seconds; its process was killed before it stored one.
    """
    with connected(f"read the plan of run {run!r}") as client:
        found = client.read_flow_run(UUID(run))
        state = found.state
        keys = state.state_details.run_input_keyset if state and state.is_paused() else None
        if not keys:
            raise Refused(
                f"could not read the plan of run {found.name!r}: it waits for no answer, it is {state.name if state else 'new'}",
                advice="`azora status` lists the waiting runs",
            )
        try:
            schema, text = (
                json.loads(client.read_flow_run_input(found.id, keys[name])) for name in ("schema", "description")
            )
        except httpx.HTTPStatusError as error:
            if error.response.status_code != httpx.codes.NOT_FOUND:
                raise
            raise NotReadyYet(
                f"could not read the plan of run {found.name!r}: it waits, and its form is not stored yet",
                advice="try again; if it stays so, cancel the run on its page and start it anew",
            ) from error
    return WaitingPlan(run, _hash(schema, found.name), str(text), by_form=LOOK_AGAIN not in json.dumps(schema))


def _hash(schema: dict[str, Any], name: str) -> str:
    try:
        (only,) = schema["properties"]["plan"]["enum"]
    except (KeyError, TypeError, ValueError):
        raise Refused(
            f"could not read the plan of run {name!r}: its form is from an older version and contains no plan",
            advice="choose Resume on the run's page: the run then requests the approval again, with a plan in the form",
        ) from None
    return str(only)
