"""Check the charts of a release before anything is built: they render, and provide what Azora needs."""

from __future__ import annotations

from pathlib import Path

from e2b_dockerfile_utils import PatternMatcher

from azora.core.messages.listing import capped
from azora.core.release.chart_contract import RELEASE_LINE, router_faults, shared_names, stack_faults
from azora.core.release.delivery import Delivery
from azora.core.release.helm_record import record_fault
from azora.core.release.values import Values
from azora.errors import AzoraError, BadInput
from azora.gateways.helm.client import Helm
from azora.operations.promotion import chart_values

SHOWN_FAULTS = 8
NO_RELEASE = (
    "allow `release` under `azora` in the router chart's values.schema.json, and select it: the live Service's selector needs the"
    f" line `{RELEASE_LINE}` (docs/application-contract.md)"
)


def check_charts(delivery: Delivery, helm: Helm) -> None:
    """Raise BadInput unless every chart of *delivery* renders for its environment and keeps the contract.

    The cluster is asked for its version and kinds where *helm* knows one.
    """
    environment = delivery.environment
    rendered: dict[str, list[Values]] = {}
    for name, chart, values in chart_values.everything(delivery):
        try:
            rendered[name] = helm.render(name, chart, values)
            _must_provide(delivery, name, str(chart), rendered[name], values)
            if fault := record_fault(_files_of(chart), rendered[name], values):
                raise _unfit(f"install the chart {str(chart)!r}", [fault])
        except AzoraError as error:
            message = error.message.replace(f"{delivery.charts()}/", "")
            advice = (
                NO_RELEASE if name == delivery.application.name and "'release' not allowed" in message else error.advice
            )
            raise type(error)(f"{message}\n  with the values of {environment.name}", advice=advice) from error
    if faults := list(shared_names(rendered)):
        raise _unfit("use the charts", faults)


def _files_of(chart: Path) -> dict[str, bytes]:
    """Files of *chart* that Helm keeps in its record, by name: those that its .helmignore does not name."""
    ignore = chart / ".helmignore"
    lines = ignore.read_text(errors="replace").split("\n") if ignore.is_file() else []
    anywhere = [
        f"**/{line}" if line and "/" not in line and line[0] not in "#!" else line for line in lines
    ]  # as Helm's
    ignored = PatternMatcher(anywhere)
    files = [file for file in chart.rglob("*") if file.is_file()]
    named = {str(file.relative_to(chart)): file for file in files}
    return {name: file.read_bytes() for name, file in named.items() if not ignored.matches(name)}


def _must_provide(delivery: Delivery, name: str, chart: str, objects: list[Values], values: Values) -> None:
    """Raise BadInput for a stack or router chart without the objects that Azora needs."""
    application = delivery.application
    faults: list[str] = []
    if name == application.name:
        faults = list(router_faults(objects, values))
    elif "color" in values["azora"]:
        faults = list(stack_faults(objects, values, application.service_names))
    if faults:
        raise _unfit(f"use the chart {chart!r}", faults)


def _unfit(what: str, faults: list[str]) -> BadInput:
    lines = "\n  ".join(capped(faults, SHOWN_FAULTS))
    return BadInput(f"could not {what}: {lines}", advice="docs/application-contract.md lists what a chart must provide")
