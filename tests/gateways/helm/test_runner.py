"""Values as Helm merges them, and what Helm said as our errors."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from azora.core.release.values import merged
from azora.errors import BadInput, HelmFailed, LeaseLost, Refused, TransientError, Unreachable
from azora.gateways.helm import runner
from azora.gateways.helm.errors import classified
from azora.gateways.helm.runner import SafeCommand


@pytest.mark.parametrize(
    ("layers", "result"),
    [
        pytest.param([{"a": {"b": 1}}, {"a": {"c": 2}}], {"a": {"b": 1, "c": 2}}, id="maps merge"),
        pytest.param([{"a": [1, 2]}, {"a": [3]}], {"a": [3]}, id="lists are replaced"),
        pytest.param(
            [{"a": {"b": 1, "c": 2}}, {"a": {"b": None}}],
            {"a": {"b": None, "c": 2}},
            id="None takes away, the chart's default too",
        ),
        pytest.param([{"a": 1}, {}], {"a": 1}, id="nothing over something"),
        pytest.param([{"a": {"b": 1}}, {"a": 2}], {"a": 2}, id="a scalar over a map"),
    ],
)
def test_values_are_laid_over_each_other_as_helm_does(
    layers: list[dict[str, object]], result: dict[str, object]
) -> None:
    assert merged(*layers) == result


def test_merging_leaves_the_layers_alone() -> None:
    under: dict[str, object] = {"a": {"b": 1}}
    merged(under, {"a": {"b": 2}})
    assert under == {"a": {"b": 1}}


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        pytest.param(
            "Error: values don't meet the specifications of the schema(s) in the following chart(s): additional properties 'x' not allowed",
            BadInput,
            id="schema",
        ),
        pytest.param(
            "Error: kubernetes cluster unreachable: dial tcp 10.0.0.1:6443: connect: connection refused",
            Unreachable,
            id="away",
        ),
        pytest.param(
            "Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress",
            TransientError,
            id="pending",
        ),
        pytest.param(
            "Error: UPGRADE FAILED: resource Deployment/n/web not ready. status: InProgress", HelmFailed, id="not ready"
        ),
        pytest.param(
            'Error: unable to continue with install: Service "shop" in namespace "n" exists and cannot be imported into the'
            " current release: invalid ownership metadata",
            Refused,
            id="of others",
        ),
        pytest.param("Error: parse error at (azora/templates/x.yaml:1): unexpected {{end}}", BadInput, id="template"),
    ],
)
def test_what_helm_said_decides_what_is_tried_again(said: str, kind: type[Exception]) -> None:
    assert type(classified("upgrade Helm release 'azora'", said)) is kind


def test_what_helm_said_is_told_once_and_without_its_own_prefixes() -> None:
    said = "level=WARN msg=x\nError: UPGRADE FAILED: resource web not ready\nresource web not ready\ncontext deadline exceeded\n"
    assert classified("upgrade Helm release 'azora'", said).message == (
        "could not upgrade Helm release 'azora': resource web not ready\ncontext deadline exceeded"
    )


def test_what_is_not_ready_for_the_same_reason_stands_on_one_line() -> None:
    late = "resource Deployment/shop/shop-blue-{} not ready. status: Failed, message: Progress deadline exceeded"
    said = f"Error: UPGRADE FAILED: {late.format('web')}\n{late.format('pay')}\ncontext deadline exceeded\n"
    assert classified("upgrade Helm release 'shop-blue'", said).message == (
        "could not upgrade Helm release 'shop-blue': "
        "Deployment shop-blue-web, shop-blue-pay not ready: Progress deadline exceeded\ncontext deadline exceeded"
    )


def command(script: str, folder: Path, **options: Any) -> SafeCommand:
    """A program in Helm's place: it gets Helm's arguments and leaves its pid in `folder/pid`."""
    program = folder / "helm"
    program.write_text(f"#!/bin/sh\necho $$ > {folder}/pid\n{script}\n")
    program.chmod(0o755)
    return SafeCommand(executable=str(program), **options)


def is_gone(folder: Path) -> bool:
    return not Path(f"/proc/{(folder / 'pid').read_text().strip()}").exists()


def test_helm_is_ended_when_waiting_has_become_pointless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "LOOK_EVERY_SECONDS", 0.05)
    reasons = iter([None, "pod web-1 will not come up"])
    waits = command(
        f"trap 'touch {tmp_path}/asked; exit 1' TERM; while :; do sleep 0.05; done",
        tmp_path,
        limit_seconds=20,
        give_up=lambda: next(reasons),
    )
    with pytest.raises(HelmFailed, match="could not upgrade Helm release 'azora-blue': pod web-1 will not come up"):
        asyncio.run(waits.run(["upgrade", "azora-blue"]))
    assert (tmp_path / "asked").exists(), "TERM lets Helm write down that it failed"
    assert is_gone(tmp_path)


def test_helm_that_heeds_no_term_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "GRACE_SECONDS", 0.3)
    deaf = command("trap '' TERM; while :; do sleep 0.05; done", tmp_path, limit_seconds=0.3)
    with pytest.raises(HelmFailed, match=r"it did not end within 0\.3 s"):
        asyncio.run(deaf.run(["upgrade", "azora-blue"]))
    assert is_gone(tmp_path)


def test_a_look_that_fails_ends_helm_and_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "LOOK_EVERY_SECONDS", 0.05)

    def look() -> None:
        raise LeaseLost("could not go on: somebody took over")

    with pytest.raises(LeaseLost, match="somebody took over"):
        asyncio.run(command("exec sleep 60", tmp_path, limit_seconds=20, give_up=look).run(["upgrade", "azora-blue"]))
    assert is_gone(tmp_path)


def test_helm_that_ends_first_is_heard(tmp_path: Path) -> None:
    answers = command("cat; echo done", tmp_path, limit_seconds=20, give_up=lambda: "never asked in time")
    assert asyncio.run(answers.run(["upgrade", "azora-blue"], b"values ")) == b"values done\n"


def test_a_program_that_is_not_there_is_told_with_the_setting_to_correct() -> None:
    with pytest.raises(BadInput, match=r"could not run '/nowhere/helm': No such file.*\n.*AZORA_HELM"):
        asyncio.run(SafeCommand(executable="/nowhere/helm", limit_seconds=1).run(["version"]))
