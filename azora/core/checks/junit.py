"""The cases in a JUnit file that pytest wrote together with `azora.gateways.suites.pytest_plugin`.

The file comes from a process that runs a tested commit: what cannot be understood is a failure, never a pass.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import reduce
from xml.etree import ElementTree as ET

from azora.core.checks.suite_result import Case, Outcome

NODE_ID = "node_id"
"""Property of each test case: pytest's node id, which classname and name do not tell unambiguously."""

MESSAGE_CHARACTERS = 1000
_NO_OUTCOME = {"properties", "system-out", "system-err"}
_A_SKIPPED_FILE = "collection skipped"  # pytest's message for a module in which nothing was collected


def cases_of(text: str) -> tuple[Case, ...]:
    """The cases in *text*; pytest writes one that fails and then fails to clean up as two.

    Raises:
        ValueError: it is not XML, defines entities, which could expand without end, or reports what belongs to no case, as
            a file that cannot be collected.
    """
    if "<!DOCTYPE" in text:
        raise ValueError("the file has a DOCTYPE")
    try:
        root = ET.fromstring(text)  # noqa: S314 - without a DOCTYPE there are no entities to expand
    except ET.ParseError as error:
        raise ValueError(f"not XML: {error}") from None
    found: dict[str, list[Case]] = {}
    for element in root.iter("testcase"):
        if not _is_a_skipped_file(element):
            case = _case(element)
            found.setdefault(case.name, []).append(case)
    return tuple(reduce(_together, parts) for parts in found.values())


def _case(element: ET.Element) -> Case:
    results = [child for child in element if child.tag not in _NO_OUTCOME]
    if not (name := _node_id(element)):
        text = next((child.text for child in results if child.text), "not finished")
        raise ValueError(f"{element.get('name', 'something')!r} is no case: {text[-MESSAGE_CHARACTERS:]}")
    message = next((said for child in results if (said := child.get("message") or child.text)), "")
    return Case(name, _outcome({child.tag for child in results}), _seconds(element), message[:MESSAGE_CHARACTERS])


def _outcome(results: set[str]) -> Outcome:
    if not results:
        return "passed"
    return "skipped" if results == {"skipped"} else "failed"


def _node_id(element: ET.Element) -> str:
    properties = element.iterfind("properties/property")
    return next((one.get("value", "") for one in properties if one.get("name") == NODE_ID), "")


def _seconds(element: ET.Element) -> float:
    try:
        seconds = float(element.get("time", "0"))
    except ValueError:
        return 0.0
    return round(seconds, 3) if 0 <= seconds < math.inf else 0.0


def _is_a_skipped_file(element: ET.Element) -> bool:
    messages = [child.get("message") for child in element if child.tag == "skipped"]
    return not _node_id(element) and messages == [_A_SKIPPED_FILE]


def _together(first: Case, second: Case) -> Case:
    outcome: Outcome = first.outcome if first.outcome == second.outcome else "failed"
    seconds = round(first.seconds + second.seconds, 3)
    return replace(first, outcome=outcome, seconds=seconds, message=first.message or second.message)
