"""Identities towards a cluster: an account per environment for the pipeline, a person's kubeconfig."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from azora.config.environment import Environment
from azora.config.settings import Settings
from azora.errors import BadInput, Unreachable


@dataclass(frozen=True)
class Identity:
    """None means kubectl's own rules, or the file's current context."""

    kubeconfig: Path | None
    context: str | None


def usual_kubeconfig() -> str:
    """Files of kubectl's own rules, as KUBECONFIG lists them; for every client the same.

    https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
    """
    named = os.environ.get("KUBECONFIG") or "~/.kube/config"
    return os.pathsep.join(os.path.expanduser(file) for file in named.split(os.pathsep) if file)  # noqa: PTH111 - Path("~x") raises


def of_pipeline(environment: Environment, settings: Settings) -> Identity:
    """Identity that releases to *environment*: its account with AZORA_IDENTITIES, else the person's.

    Raises:
        BadInput: there is no kubeconfig for this environment.
    """
    if settings.identities is None:
        return of_person(environment, settings)
    file = settings.identities / f"{environment.name}.kubeconfig"
    if not file.is_file():
        raise BadInput(
            f"could not connect to {environment.name!r}: there is no {str(file)!r}",
            advice=f"create it with `azora rights apply {environment.name}`, as a user who may create namespaces and roles",
        )
    return Identity(file, None)


def of_person(environment: Environment, settings: Settings) -> Identity:
    """Identity of the person who grants rights and looks at what belongs to the whole cluster."""
    return Identity(settings.kubeconfig_file, environment.context or settings.kube_context)


def settings_by_hand(settings: Settings) -> Settings:
    """Settings under which a command moves users as the person who gives it.

    With their own kubeconfig where AZORA_KUBECONFIG or AZORA_KUBE_CONTEXT names one: the cluster then knows who it was, and an
    account whose token expired is in nobody's way. Else with the account.
    """
    return (
        settings.model_copy(update={"identities": None}) if settings.kubeconfig or settings.kube_context else settings
    )


def node_must_be_up(settings: Settings) -> None:
    """Check that the embedded node is up before a request: without its link, requests leave the machine.

    Raises:
        Unreachable: these are the embedded node's settings, and it is down.
    """
    if settings.node_is_down:
        raise Unreachable(
            f"could not reach the node {settings.node!r}: it is down", advice=f"azora local up {settings.node}"
        )
