"""Values as Helm merges them, and what Helm said as our errors."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from azora.config.identity import usual_kubeconfig
from azora.core.release.values import merged
from azora.errors import BadInput, HelmFailed, LeaseLost, Refused, TransientError, Unreachable
from azora.gateways.helm import runner
from azora.gateways.helm.errors import classified
from azora.gateways.helm.runner import SafeCommand
from tests.support.rendering import helm_program


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
def test_merged_values(layers: list[dict[str, object]], result: dict[str, object]) -> None:
    """Values are merged as Helm merges them."""
    assert merged(*layers) == result


def test_merged_values_are_copies() -> None:
    """The merged layers stay unchanged."""
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
def test_helm_error_and_its_kind(said: str, kind: type[Exception]) -> None:
    """Helm's output decides whether an error is transient."""
    assert type(classified("upgrade Helm release 'azora'", said)) is kind


def test_helm_error_in_short() -> None:
    """The error has each line of Helm once, without Helm's prefixes."""
    said = "level=WARN msg=x\nError: UPGRADE FAILED: resource web not ready\nresource web not ready\ncontext deadline exceeded\n"
    assert classified("upgrade Helm release 'azora'", said).message == (
        "could not upgrade Helm release 'azora': resource web not ready\ncontext deadline exceeded"
    )


def test_helm_error_of_several_objects() -> None:
    """Objects that are not ready for the same reason are on one line."""
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


def test_helm_without_a_prospect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Helm gets TERM, to record the failure, as soon as waiting is pointless."""
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


def test_helm_that_ignores_term(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Helm is killed when it ignores TERM."""
    monkeypatch.setattr(runner, "GRACE_SECONDS", 0.3)
    deaf = command("trap '' TERM; while :; do sleep 0.05; done", tmp_path, limit_seconds=0.3)
    with pytest.raises(HelmFailed, match=r"not finished within 0\.3 s"):
        asyncio.run(deaf.run(["upgrade", "azora-blue"]))
    assert is_gone(tmp_path)


def test_helm_during_a_failed_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look that fails ends Helm, and its error is raised."""
    monkeypatch.setattr(runner, "LOOK_EVERY_SECONDS", 0.05)

    def look() -> None:
        raise LeaseLost("could not go on: somebody took over")

    with pytest.raises(LeaseLost, match="took over"):
        asyncio.run(command("exec sleep 60", tmp_path, limit_seconds=20, give_up=look).run(["upgrade", "azora-blue"]))
    assert is_gone(tmp_path)


def test_helm_that_ends_first(tmp_path: Path) -> None:
    """Helm's output is returned when Helm ends before the next look."""
    answers = command("cat; echo done", tmp_path, limit_seconds=20, give_up=lambda: "never asked in time")
    assert asyncio.run(answers.run(["upgrade", "azora-blue"], b"values ")) == b"values done\n"


@pytest.mark.parametrize(
    ("named", "used"),
    [
        pytest.param("/team/a:~/b", "/team/a:/home/ada/b", id="named files"),
        pytest.param("", "/home/ada/.kube/config", id="empty"),
        pytest.param(None, "/home/ada/.kube/config", id="nothing named"),
    ],
)
def test_usual_kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str | None, used: str) -> None:
    """Without a file of the settings Helm uses the files that Azora's own requests use."""
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.delenv("KUBECONFIG", raising=False)
    if named is not None:
        monkeypatch.setenv("KUBECONFIG", named)
    assert usual_kubeconfig() == used
    printing = command("echo $KUBECONFIG $*", tmp_path, limit_seconds=20, kubecontext="c")
    assert asyncio.run(printing.run(["list"])).decode() == f"{used} list --kube-context c\n"


def test_plugins_of_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Helm loads none: what renders and installs is Helm and the chart alone."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    plugin = tmp_path / "helm/plugins/mine"
    plugin.mkdir(parents=True)
    (plugin / "plugin.yaml").write_text("name: mine\nversion: 1.0.0\ncommand: 'echo mine'\n")
    listed = SafeCommand(executable=helm_program(), limit_seconds=60).run(["plugin", "list"])
    assert "mine" not in asyncio.run(listed).decode()


@pytest.mark.parametrize(
    "text",
    [
        "Guestbook \U0001f389",
        "\\\U0001f389\U0001f600",
        "\\ud83c\\udf89",
        "\x7f\x85\u2028\ufeff\ufffe",
        'a"\n\0',
    ],
)
def test_letters_of_values(tmp_path: Path, text: str) -> None:
    """Helm reads the text that the values have."""
    chart = tmp_path / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: chart\nversion: 1.0.0\n")
    (chart / "templates/x.yaml").write_text("text: {{ .Values.text | b64enc }}")
    helm = SafeCommand(executable=helm_program(), limit_seconds=60)
    output = asyncio.run(helm.run(["template", "x", str(chart), "--values", "-"], json.dumps({"text": text}).encode()))
    assert b64decode(output.partition(b"text: ")[2]).decode() == text


def test_helm_that_is_missing() -> None:
    """The error names the program and the setting."""
    with pytest.raises(BadInput, match=r"could not run '/nowhere/helm': No such file.*\n.*AZORA_HELM"):
        asyncio.run(SafeCommand(executable="/nowhere/helm", limit_seconds=1).run(["version"]))
