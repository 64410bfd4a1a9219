"""A kubeconfig, read as kubectl reads it: cluster, login, the user to act as."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

from kubernetes.client import Configuration
from kubernetes.config import ConfigException
from kubernetes.config.kube_config import KubeConfigLoader, KubeConfigMerger
from yaml import YAMLError

from azora.config.identity import usual_kubeconfig
from azora.config.json_object import Json
from azora.errors import BadInput

ADVICE = "start the node with `azora local up`, or set AZORA_KUBECONFIG and AZORA_KUBE_CONTEXT"
PROXIES = ("http", "https", "socks5")  # https://kubernetes.io/docs/tasks/extend-kubernetes/socks5-proxy-access-api/
_UNREADABLE = (ConfigException, YAMLError, OSError, ValueError, TypeError, AttributeError, KeyError)
_LETTERS = "!#$&'*+-.^_`|~"  # letters of a header's name


def load(configuration: Configuration, kubeconfig: Path | None, context: str | None) -> list[tuple[str, str]]:
    """Fill *configuration*; return the headers by which its user acts as another one.

    Raises:
        BadInput: no such file, one that kubectl could not use either, or a login program that did not log in.
    """
    where = f"kubeconfig {str(kubeconfig)!r}" if kubeconfig else "the usual kubeconfig"
    if kubeconfig and not kubeconfig.is_file():
        raise BadInput(f"could not use {where}: there is no such file", advice=ADVICE)
    try:
        user = _loaded(configuration, str(kubeconfig or usual_kubeconfig()), context)
        headers = list(_impersonation(user))
    except _UNREADABLE as error:
        raise BadInput(f"could not use {where}: {' '.join(str(error).split())}", advice=ADVICE) from error
    _must_be_usable(configuration, user, where)
    return headers


def _loaded(configuration: Configuration, files: str, context: str | None) -> Json:
    """Fill *configuration* and return what *files* say of its user."""
    merged = KubeConfigMerger(files)  # type: ignore[no-untyped-call]
    if merged.config is None:
        raise ConfigException(f"there is no file {files}")
    loader = KubeConfigLoader(merged.config, context, config_base_path=None, config_persister=merged.save_changes)  # type: ignore[no-untyped-call]
    loader.load_and_set(configuration)  # type: ignore[no-untyped-call]
    if "token" in vars(loader):  # a tokenFile ends in a line end
        loader.token = configuration.api_key["BearerToken"] = loader.token.strip()
    name = loader.current_context["context"].get("user")
    users = merged.config.value["users"]
    return next((one.value["user"] or {} for one in users if one.value["name"] == name), {})


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
