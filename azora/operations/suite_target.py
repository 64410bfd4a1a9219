"""Target of a suite: address of an environment, and the secret for cases beyond a visitor's rights."""

from __future__ import annotations

from base64 import b64decode
from contextlib import suppress
from dataclasses import dataclass, field

from azora.config.application import SecretKey, load_application
from azora.config.environment import load_environment
from azora.config.settings import ROOT, Settings
from azora.config.urls import public_url
from azora.errors import BadInput
from azora.gateways.kubernetes.cluster import connect
from azora.gateways.kubernetes.namespace import Namespace
from azora.redaction import remember


@dataclass(frozen=True)
class UnderTest:
    """Address, what must answer there, and the secret."""

    url: str
    connect: str | None
    release: str | None
    color: str | None
    secret: str | None = field(repr=False)


def testing_of(environment_name: str, settings: Settings) -> UnderTest:
    """Target that users of the environment reach now; the suites are this checkout's.

    Raises:
        BadInput: there is no such environment, or no color is active.
    """
    environment = load_environment(environment_name, settings.environments)
    cluster = connect(environment, settings)
    live = cluster.look().active_stack
    if live is None:
        raise BadInput(f"could not test {environment_name}: no color is active", advice="release something first")
    secret = None
    with suppress(BadInput):  # who needs it says so; the smoke cases do not
        secret = suite_secret(cluster.namespace, load_application(ROOT).suites.secret)
    return UnderTest(
        public_url(environment.hosts.live, settings),
        settings.ingress_address,
        live.label,
        str(live.color),
        secret,
    )


def suite_secret(namespace: Namespace, where: SecretKey | None) -> str | None:
    """Secret for the suites; None where the application names none.

    Raises:
        BadInput: the environment does not have it.
    """
    return secret_value(namespace, where, "suites.secret") if where else None


def secret_value(namespace: Namespace, where: SecretKey, key: str) -> str:
    """Value of one key of a Secret in the environment's namespace, which *key* of application.yaml names.

    Raises:
        BadInput: the environment does not have it, or it is no text.
    """
    found = (namespace.api.find(f"{namespace.core}/secrets/{where.name}") or {}).get("data") or {}
    if where.key not in found:
        raise BadInput(
            f"could not find key {where.key!r} of Secret {where.name!r} in {namespace.name}",
            advice=f"{key} of deployments/application.yaml names this key: make the Secret, or correct it",
        )
    try:
        value = b64decode(found[where.key]).decode()
    except UnicodeDecodeError:
        value = "\0"
    if "\0" in value:
        raise BadInput(
            f"could not read key {where.key!r} of Secret {where.name!r} in {namespace.name}: no text in UTF-8",
            advice=f"{key} of deployments/application.yaml names this key: store a text in it, or correct it",
        )
    remember(value.strip())
    return value
