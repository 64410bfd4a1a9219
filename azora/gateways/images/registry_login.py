"""Registry logins by repository path, from Azora's file, then buildah's, podman's and docker's.

https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from azora.errors import AzoraError, BadInput
from azora.gateways.images.credential_helper import TOKEN_USER, answer_of
from azora.redaction import remember

HUB = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})
_HUB_KEY = "https://index.docker.io/v1/"


@dataclass(frozen=True)
class Login:
    """User and password, or an identity token, for which a token server gives an access token.

    `hidden` says that it is where buildah does not find it: in docker's store, or in AZORA_REGISTRY_LOGIN.
    """

    user: str = field(repr=False)
    password: str = field(repr=False)
    identity_token: str = field(default="", repr=False)
    hidden: bool = False

    @property
    def basic(self) -> str:
        """User and password as the header `Authorization` and the files have them."""
        return base64.b64encode(f"{self.user}:{self.password}".encode(errors="surrogateescape")).decode()


class _Entry(BaseModel):
    auth: str = ""
    identitytoken: str = ""


class _File(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    auths: dict[str, _Entry] | None = None
    helpers: dict[str, str] | None = Field(None, alias="credHelpers")
    store: str | None = Field(None, alias="credsStore")


def login_of(place: str, own: Path | None = None) -> Login | None:
    """The login of *place* (`host/path`), the most specific one of the first file that has one.

    *own* is read first. Raises BadInput for a file that cannot be used, Failed for a helper that does not answer.
    """
    if own:
        _must_exist(own, "AZORA_REGISTRY_LOGIN")
    files = [*([own] if own else []), *_files()]
    found = next(((file, login) for file in files if (login := _in_file(file, place))), None)
    if found is None:
        return None
    file, login = found
    remember(login.password, login.identity_token, login.basic)
    return replace(login, hidden=True) if file == own else login


def file_for_buildah(places: Mapping[str, Path | None], folder: Path) -> Path | None:
    """File in *folder* with the logins of *places*, each with its own file, for buildah to read.

    None where buildah finds them all itself: it then reads what it always does.
    """
    found = {place: login for place, own in places.items() if (login := _found(place, own))}
    if not any(login.hidden for login in found.values()):
        return None
    first = _read(next(_files()))
    entries = {key: entry.model_dump() for key, entry in (first.auths or {}).items()}
    entries |= {place: {"auth": login.basic, "identitytoken": login.identity_token} for place, login in found.items()}
    file = folder / "auth.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps({"auths": entries, "credHelpers": first.helpers or {}}))
    return file


def _found(place: str, own: Path | None) -> Login | None:
    """An error is not raised again: where the registry wants a login, looking the image up raised it."""
    with suppress(AzoraError):
        return login_of(place, own)
    return None


def _files() -> Iterator[Path]:
    """Login files in buildah's order: the file of a variable precedes the one that `buildah login` writes."""
    docker = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "config.json"
    running = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/containers/{os.getuid()}")
    written = running / ("containers/auth.json" if os.environ.get("XDG_RUNTIME_DIR") else "auth.json")
    yield _named() or (docker if os.environ.get("DOCKER_CONFIG") else written)
    yield Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "containers/auth.json"
    yield docker
    yield Path.home() / ".dockercfg"


def _named() -> Path | None:
    named = os.environ.get("REGISTRY_AUTH_FILE")
    if named:
        _must_exist(Path(named), "REGISTRY_AUTH_FILE")
    return Path(named) if named else None


def _must_exist(file: Path, variable: str) -> None:
    if not file.exists():
        raise _unusable(file, "there is no such file", f"correct {variable}")


def _in_file(file: Path, place: str) -> Login | None:
    """For a host with a helper of its own its other entries do not count: containers-auth.json(5)."""
    known, host = _read(file), place.partition("/")[0]
    for server, helper in (known.helpers or {}).items():
        if _host(server) == _host(host):
            return _from_helper(helper, server, hidden=server != host)
    for key in _keys(place, known.auths or {}):
        if login := _decoded(file, key, (known.auths or {})[key]):
            return login
    return _from_helper(known.store, _HUB_KEY if host in HUB else host, hidden=True) if known.store else None


def _from_helper(helper: str, server: str, *, hidden: bool) -> Login | None:
    answer = answer_of(helper, server)
    if answer is None:
        return None
    user, secret = answer
    is_token = user == TOKEN_USER
    return Login(user, "" if is_token else secret, secret if is_token else "", hidden)


def _keys(place: str, entries: dict[str, _Entry]) -> Iterator[str]:
    """Keys of *entries*: the place itself, then what is above it, then other spellings of its host."""
    parts = place.split("/")
    exact = ["/".join(parts[:length]) for length in range(len(parts), 0, -1)]
    yield from (key for key in exact if key in entries)
    yield from (key for key in entries if key not in exact and _host(key) == _host(parts[0]))


def _host(key: str) -> str:
    """Older programs write an address, as docker still does for its own hub: `https://HOST/v1/`."""
    scheme, _, rest = key.rpartition("://")
    host = rest.partition("/")[0] if scheme else key
    return "docker.io" if host in HUB else host


def _read(file: Path) -> _File:
    try:
        content = file.read_bytes()
        if not content.strip():
            return _File()
        if file.name == ".dockercfg":
            return _File(auths=TypeAdapter(dict[str, _Entry]).validate_json(content))
        return _File.model_validate_json(content)
    except (FileNotFoundError, NotADirectoryError):
        return _File()
    except OSError as error:
        raise _unusable(file, str(error.strerror), "give the pipeline's user read access") from None
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, one['loc']))} {one['msg']}".strip() for one in error.errors())
        raise _unusable(file, said, "correct the file, or remove it and log in again") from None


def _decoded(file: Path, key: str, entry: _Entry) -> Login | None:
    try:
        pair = base64.b64decode(entry.auth.strip(), validate=True).decode(errors="surrogateescape")
    except ValueError:
        raise _unusable(file, f"auths.{key}.auth is not base64", f"log in again: buildah login {key}") from None
    user, _, password = pair.partition(":")
    login = Login(user, password.rstrip("\0"), entry.identitytoken)
    return login if login.identity_token or (login.user and login.password) else None


def _unusable(file: Path, said: str, advice: str) -> BadInput:
    return BadInput(f"could not read the registry logins in {str(file)!r}: {said}", advice=advice)
