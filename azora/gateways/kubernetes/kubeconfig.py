"""A kubeconfig, read as kubectl reads it: cluster, login, the user to act as."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

from kubernetes.client import Configuration
from kubernetes.config import ConfigException
from kubernetes.config.kube_config import KubeConfigLoader, KubeConfigMerger
from yaml import YAMLError

from azora.config.identity import usual_kubeconfig
from azora.config.json_object import Json
from azora.errors import BadInput
from azora.redaction import remember

ADVICE = "start the node with `azora local up`, or set AZORA_KUBECONFIG and AZORA_KUBE_CONTEXT"
PROXIES = ("http", "https", "socks5")  # https://kubernetes.io/docs/tasks/extend-kubernetes/socks5-proxy-access-api/
_UNREADABLE = (ConfigException, YAMLError, OSError, ValueError, TypeError, AttributeError, KeyError)
_LETTERS = "!#$&'*+-.^_`|~"  # letters of a header's name


def load(configuration: Configuration, kubeconfig: Path | None, context: str | None) -> list[tuple[str, str]]:
    """Fill *configuration*; return the headers by which its user acts as another one.

    Raises:
        BadInput: no such file, one that kubectl could not use either, or a login program that did not log in.
    """
    with _read(kubeconfig) as (files, where):
        loader = _loader(files, context)
        loader.load_and_set(configuration)  # type: ignore[no-untyped-call]
        if "token" in vars(loader):  # a tokenFile ends in a line end
            loader.token = configuration.api_key["BearerToken"] = loader.token.strip()
        user = _named(loader, "user")
        headers = list(_impersonation(user))
        remember(configuration.api_key.get("BearerToken", "").removeprefix("Bearer "), configuration.password)
        remember(user.get("client-key-data"))
    _must_be_usable(configuration, user, where)
    return headers


def server_of(kubeconfig: Path | None, context: str | None) -> str:
    """Address of the cluster, without a login. Raises as `load` does."""
    with _read(kubeconfig) as (files, _):
        return str(_named(_loader(files, context), "cluster")["server"]).rstrip("/")


@contextmanager
def _read(kubeconfig: Path | None) -> Iterator[tuple[str, str]]:
    """Files to read, and how errors name them; what cannot be used is BadInput."""
    where = f"kubeconfig {str(kubeconfig)!r}" if kubeconfig else "the usual kubeconfig"
    if kubeconfig and not kubeconfig.is_file():
        raise BadInput(f"could not use {where}: there is no such file", advice=ADVICE)
    try:
        yield str(kubeconfig or usual_kubeconfig()), where
    except _UNREADABLE as error:
        raise BadInput(f"could not use {where}: {' '.join(str(error).split())}", advice=ADVICE) from error


def _loader(files: str, context: str | None) -> KubeConfigLoader:
    merged = KubeConfigMerger(files)  # type: ignore[no-untyped-call]
    if merged.config is None:
        raise ConfigException(f"there is no file {files}")
    return KubeConfigLoader(merged.config, context, config_base_path=None, config_persister=merged.save_changes)  # type: ignore[no-untyped-call]


def _named(loader: KubeConfigLoader, kind: str) -> Json:
    """The user or the cluster of the loader's context; empty where there is none."""
    name = loader.current_context["context"].get(kind)
    entries = loader._config.value[f"{kind}s"]  # noqa: SLF001 - what the loader merged
    return next((one.value[kind] or {} for one in entries if one.value["name"] == name), {})


def _impersonation(user: Json) -> Iterator[tuple[str, str]]:
    """Headers of `as` and its like.

    https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation
    """
    for key, header in {"as": "User", "as-uid": "Uid"}.items():
        if user.get(key):
            yield f"Impersonate-{header}", str(user[key])
    yield from (("Impersonate-Group", str(group)) for group in user.get("as-groups") or [])
    for key, values in (user.get("as-user-extra") or {}).items():
        yield from ((f"Impersonate-Extra-{quote(key, safe=_LETTERS)}", str(value)) for value in values)


def _must_be_usable(configuration: Configuration, user: Json, where: str) -> None:
    proxy = "" if configuration._proxy_from_env else configuration.proxy or ""  # noqa: SLF001 - no other way to tell
    if proxy and urlsplit(proxy).scheme not in PROXIES:
        raise BadInput(
            f"could not use {where}: proxy-url {proxy!r} is none of {', '.join(PROXIES)}", advice="correct it"
        )
    if configuration.api_key or configuration.cert_file:
        return
    if program := (user.get("exec") or {}).get("command"):
        lacks = "/" not in program and shutil.which(program) is None
        why = (
            "is not on the PATH of this process" if lacks else "gave neither token nor certificate; its error is logged"
        )
        raise BadInput(
            f"could not use {where}: its login program {program!r} {why}",
            advice="run it as the user who runs Azora, in the same environment",
        )
    if provider := user.get("auth-provider"):
        raise BadInput(
            f"could not use {where}: its auth-provider {provider.get('name')!r} gave no token",
            advice="use an `exec` program in place of the auth-provider",
        )
