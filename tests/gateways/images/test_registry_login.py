"""Registry logins as buildah, podman and docker keep them.

The files, helper programs and servers on loopback are real.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from azora.config.json_object import Json
from azora.errors import BadInput, Failed, Refused, Unreachable
from azora.gateways.images import credential_helper
from azora.gateways.images.registry import Reference, digest_of_tag, digest_of_target
from azora.gateways.images.registry_login import file_for_buildah, login_of

PLACE = "h.example/team/web"
DIGEST = "sha256:" + "1" * 64
SECRET = "hunter2-hunter2"


def entry(user: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{SECRET}".encode()).decode()}


def auths(**users: str) -> Json:
    return {"auths": {key.replace("__", "/").replace("_", "."): entry(user) for key, user in users.items()}}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without a login; `bin` in it goes first on the PATH."""
    for name in ("REGISTRY_AUTH_FILE", "DOCKER_CONFIG", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return tmp_path


def write(file: Path, content: Json | str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def helper(home: Path, script: str, name: str = "keys") -> Path:
    """Program `docker-credential-<name>`: it writes down its arguments and its input, then does *script*."""
    file = home / f"bin/docker-credential-{name}"
    file.write_text(f'#!/bin/sh\nserver=$(cat)\necho "$* $server" >>{home}/asked\n{script}\n')
    file.chmod(0o755)
    return home / "asked"


def answers(user: str, secret: str = SECRET) -> str:
    return f"""printf '{{"ServerURL":"%s","Username":"{user}","Secret":"{secret}"}}' "$server" """


def user_of(place: str = PLACE) -> str | None:
    login = login_of(place)
    return login.user if login else None


FILES = {
    "REGISTRY_AUTH_FILE": "named.json",
    "runtime": "run/containers/auth.json",
    "config": ".config/containers/auth.json",
    "docker": ".docker/config.json",
    "legacy": ".dockercfg",
}


def written(home: Path, *names: str) -> None:
    """The files of *names*, each with a login of its own name."""
    for name in names:
        content = {"h.example": entry(name)} if name == "legacy" else {"auths": {"h.example": entry(name)}}
        write(home / FILES[name], content)


@pytest.mark.parametrize("names", [list(FILES)[first:] for first in range(len(FILES))], ids=lambda names: names[0])
def test_file_with_a_login(home: Path, monkeypatch: pytest.MonkeyPatch, names: list[str]) -> None:
    """The first file with a login counts, in the order of containers-auth.json(5)."""
    written(home, *names)
    if "REGISTRY_AUTH_FILE" in names:
        monkeypatch.setenv("REGISTRY_AUTH_FILE", str(home / "named.json"))

    assert user_of() == names[0]


@pytest.mark.parametrize(
    ("variable", "file"), [("DOCKER_CONFIG", "config.json"), ("XDG_CONFIG_HOME", "containers/auth.json")]
)
def test_file_moved_by_a_variable(home: Path, monkeypatch: pytest.MonkeyPatch, variable: str, file: str) -> None:
    """A variable moves a file as it does for buildah."""
    written(home, "config" if variable == "XDG_CONFIG_HOME" else "docker")
    write(home / "moved" / file, auths(h_example="moved"))
    monkeypatch.setenv(variable, str(home / "moved"))

    assert user_of() == "moved"


def test_file_of_docker_config(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`DOCKER_CONFIG` has priority over buildah's files, as it has for buildah."""
    written(home, "runtime", "config", "docker")
    write(home / "moved/config.json", auths(h_example="moved"))
    monkeypatch.setenv("DOCKER_CONFIG", str(home / "moved"))

    assert user_of() == "moved"


@pytest.mark.skipif(not shutil.which("buildah"), reason="needs buildah: `make up` installs it")
@pytest.mark.parametrize("names", [list(FILES)[first:] for first in range(len(FILES))], ids=lambda names: names[0])
def test_file_that_buildah_reads(home: Path, monkeypatch: pytest.MonkeyPatch, names: list[str]) -> None:
    """buildah pushes with the login of our look-up."""
    written(home, *names)
    if "REGISTRY_AUTH_FILE" in names:
        monkeypatch.setenv("REGISTRY_AUTH_FILE", str(home / "named.json"))

    said = subprocess.run(["buildah", "login", "--get-login", "h.example"], capture_output=True, text=True, check=True)

    assert said.stdout.strip() == user_of()


@pytest.mark.parametrize(
    ("place", "user"),
    [
        pytest.param("h.example/team/web", "image", id="the image's own"),
        pytest.param("h.example/team/api", "team", id="the folder's"),
        pytest.param("h.example/team/deep/api", "team", id="a folder's above"),
        pytest.param("h.example/other/web", "host", id="the host's"),
        pytest.param("h.example/teams/web", "host", id="no part of a name"),
        pytest.param("h.example", "host", id="no path"),
        pytest.param("h.example:5000/team/web", None, id="another port"),
        pytest.param("example/team/web", None, id="no part of a host"),
    ],
)
def test_key_of_an_image(home: Path, place: str, user: str | None) -> None:
    """The most specific key counts."""
    write(home / FILES["runtime"], auths(h_example="host", h_example__team="team", h_example__team__web="image"))

    assert user_of(place) == user


@pytest.mark.parametrize("key", ["https://h.example/v1/", "https://h.example", "http://h.example/v2/"])
def test_key_that_is_an_address(home: Path, key: str) -> None:
    """An address, as older programs wrote it, is a key of its host."""
    write(home / FILES["docker"], {"auths": {key: entry("old")}})

    assert user_of() == "old"


@pytest.mark.parametrize("key", ["https://index.docker.io/v1/", "docker.io", "index.docker.io"])
@pytest.mark.parametrize("host", ["docker.io", "index.docker.io", "registry-1.docker.io"])
def test_key_of_docker_hub(home: Path, key: str, host: str) -> None:
    """Each name of Docker Hub is one host."""
    write(home / FILES["docker"], {"auths": {key: entry("hub")}})

    assert user_of(f"{host}/team/web") == "hub"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("", id="empty"),
        pytest.param(" \n", id="blank"),
        pytest.param("{}", id="no key"),
        pytest.param('{"auths": null}', id="null"),
        pytest.param('{"auths": {"h.example": {}}}', id="an entry without a login"),
        pytest.param('{"auths": {"h.example": {"auth": "bm9jb2xvbg=="}}}', id="an entry without a colon"),
        pytest.param('{"HttpHeaders": {"User-Agent": "x"}, "auths": {"h.example": {"email": "a@b"}}}', id="other keys"),
    ],
)
def test_file_without_a_login(home: Path, content: str) -> None:
    """A file without a login is skipped."""
    write(home / FILES["runtime"], content)
    written(home, "docker")

    assert user_of() == "docker"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(f'{{"auths": {{"h.example": {{"auth": "{SECRET}', "EOF while parsing", id="cut off"),
        pytest.param("[]", "should be an object", id="no object"),
        pytest.param(f'{{"auths": {{"h.example": "{SECRET}"}}}}', "auths.h.example", id="no entry"),
        pytest.param(f'{{"auths": {{"h.example": {{"auth": "{SECRET}"}}}}}}', "is not base64", id="no base64"),
        pytest.param(f'{{"credHelpers": "{SECRET}"}}', "credHelpers", id="no helpers"),
    ],
)
def test_file_that_is_broken(home: Path, content: str, said: str) -> None:
    """The error names the file and the fault, and nothing of the content."""
    file = write(home / FILES["config"], content)

    with pytest.raises(BadInput) as refused:
        login_of(PLACE)

    assert str(file) in refused.value.message
    assert said in refused.value.message
    assert SECRET not in str(refused.value)


def test_file_that_is_missing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that `REGISTRY_AUTH_FILE` names must exist, as for buildah."""
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(home / "none.json"))

    with pytest.raises(BadInput, match=r"none\.json': there is no such file"):
        login_of(PLACE)


@pytest.mark.parametrize(
    ("config", "place", "server"),
    [
        pytest.param({"credHelpers": {"h.example": "keys"}}, PLACE, "h.example", id="of the host"),
        pytest.param({"credsStore": "keys"}, PLACE, "h.example", id="of every host"),
        pytest.param(
            {"credsStore": "keys", "auths": {"h.example": {}}}, PLACE, "h.example", id="as docker login leaves it"
        ),
        pytest.param(
            {"credsStore": "none", "credHelpers": {"h.example": "keys"}}, PLACE, "h.example", id="before both"
        ),
        pytest.param(
            {"credHelpers": {"h.example": "keys"}, "auths": {"h.example": entry("file")}},
            PLACE,
            "h.example",
            id="before the file's own",
        ),
        pytest.param({"credsStore": "keys"}, "docker.io/team/web", "https://index.docker.io/v1/", id="of docker's hub"),
    ],
)
def test_helper_request(home: Path, config: Json, place: str, server: str) -> None:
    """docker's protocol: `get`, the server on standard input, no secret among the arguments."""
    asked = helper(home, answers("ada"))
    write(home / FILES["docker"], config)

    assert user_of(place) == "ada"
    assert asked.read_text() == f"get {server}\n"


def test_helper_beside_a_file_login(home: Path) -> None:
    """A login in the file is used, whatever `credsStore` names."""
    write(home / FILES["docker"], {"credsStore": "none", **auths(h_example="file")})

    assert user_of() == "file"


def test_helper_without_the_login(home: Path) -> None:
    """A helper without the login is skipped."""
    helper(home, "echo 'credentials not found in native keychain'; exit 1")
    write(home / FILES["runtime"], {"credHelpers": {"h.example": "keys"}})
    written(home, "docker")

    assert user_of() == "docker"


def test_helper_request_for_many_images(home: Path) -> None:
    """A helper runs once for many images: a cloud's helper takes a second."""
    asked = helper(home, answers("ada"))
    write(home / FILES["docker"], {"credHelpers": {"h.example": "keys"}})

    assert {user_of(f"h.example/{name}") for name in "abc"} == {"ada"}
    assert asked.read_text() == "get h.example\n"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        pytest.param(f"echo {SECRET}; echo {SECRET} >&2; exit 3", r"printed no login \(exit code 3\)", id="fails"),
        pytest.param(f"echo {SECRET}", r"printed no login \(exit code 0\)", id="prints no JSON"),
        pytest.param(f"""echo '{{"Secret": "{SECRET}"}}'""", "printed no login", id="prints no user"),
        pytest.param(f"echo {SECRET}; sleep 30", "did not end within 0.3 s", id="hangs"),
    ],
)
def test_helper_that_fails(
    home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, script: str, said: str
) -> None:
    """The error names the helper and what to do, and nothing of its output."""
    monkeypatch.setattr(credential_helper, "TIMEOUT_SECONDS", 0.3)
    caplog.set_level(logging.DEBUG)
    helper(home, script)
    write(home / FILES["docker"], {"credsStore": "keys"})

    with pytest.raises(
        Failed, match=f"could not get the login of 'h.example': docker-credential-keys {said}"
    ) as failed:
        login_of(PLACE)

    assert failed.value.advice
    assert SECRET not in str(failed.value) + caplog.text


def test_helper_that_is_missing(home: Path) -> None:
    """The error names the missing helper."""
    write(home / FILES["docker"], {"credHelpers": {"h.example": "gone"}})

    with pytest.raises(
        Failed, match=r"could not get the login of 'h.example': 'docker-credential-gone' cannot be started"
    ):
        login_of(PLACE)


def test_login_in_print(home: Path) -> None:
    """The printed form of a login has no secret."""
    write(home / FILES["docker"], {"auths": {"h.example": {**entry("ada"), "identitytoken": SECRET}}})

    assert SECRET not in repr(login_of(PLACE))
    assert base64.b64encode(f"ada:{SECRET}".encode()).decode() not in repr(login_of(PLACE))


class Server:
    """Registry with one image and its token server.

    It lets in who sends *wanted*, and keeps every request.
    """

    def __init__(self, challenge: str, *, wanted: str) -> None:
        self.requests: list[tuple[str, str, str]] = []
        self.forms: list[dict[str, list[str]]] = []
        self.tokens: dict[str, str] | int = {}  # or the status of a token server that refuses
        self.refused = 401
        self.challenge, self.wanted = challenge, wanted
        self.head = 0  # what it answers to HEAD, without a digest; 0: as it should
        served = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                sent = self.headers.get("Authorization", "")
                path, _, query = self.path.partition("?")
                served.requests.append((self.command, path, sent))
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                if path == "/token":
                    served.forms.append(parse_qs(body or query))
                    refused = isinstance(served.tokens, int)
                    self.reply(served.tokens if refused else 200, {}, json.dumps(served.tokens).encode())
                elif self.command == "HEAD" and served.head:
                    self.reply(served.head, {})
                elif sent == served.wanted:
                    self.reply(
                        200,
                        {} if served.head else {"Docker-Content-Digest": DIGEST},
                        b"" if self.command == "HEAD" else MANIFEST,
                    )
                else:
                    self.reply(
                        served.refused if sent else 401, {"WWW-Authenticate": served.challenge.format(served.address)}
                    )

            def reply(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_HEAD = do_POST = answer  # noqa: N815 - http.server's names

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def image(self) -> Reference:
        return Reference(self.address, "team/web", "1", plain_http=True)


MANIFEST = b'{"schemaVersion": 2}'
BASIC = 'Basic realm="a registry"'
BEARER = 'Bearer realm="http://{}/token",service="the.registry",scope="repository:team/web:pull"'


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Starts a server that is this machine's registry."""
    servers: list[Server] = []

    def start(challenge: str, *, wanted: str) -> Server:
        servers.append(Server(challenge, wanted=wanted))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def test_registry_without_a_login(serve: Callable[..., Server], home: Path) -> None:
    """A registry that asks for no login gets none, and a broken store does not matter."""
    server = serve(BASIC, wanted="")
    write(home / FILES["docker"], {"credsStore": "gone"})

    assert digest_of_tag(server.image) == DIGEST


def test_registry_with_a_password(serve: Callable[..., Server], home: Path) -> None:
    """The password of the most specific key is sent."""
    server = serve(BASIC, wanted=f"Basic {entry('ada')['auth']}")
    write(home / FILES["docker"], {"auths": {f"{server.address}/team": entry("ada"), server.address: entry("bob")}})

    assert digest_of_tag(server.image) == DIGEST


@pytest.mark.parametrize(
    ("login", "token", "is_new"),
    [
        pytest.param(True, {"token": "of no use"}, True, id="Quay, Docker Hub"),
        pytest.param(True, 403, True, id="GitHub"),
        pytest.param(True, {"details": "incorrect username or password"}, False, id="wrong password"),
        pytest.param(False, {"token": "anonymous"}, False, id="no login"),
        pytest.param(False, 403, False, id="no login, no token"),
    ],
)
def test_repository_made_by_a_push(
    serve: Callable[..., Server], home: Path, login: bool, token: dict[str, str] | int, is_new: bool
) -> None:
    """Logged in, an image to push may be in a new repository; a base image and a wrong password are still refused."""
    server = serve(BEARER, wanted="never")
    server.tokens = token
    write(home / FILES["docker"], {"auths": {server.address: entry("ada")} if login else {}})

    if is_new:
        assert digest_of_target(server.image) is None
    else:
        with pytest.raises(Refused, match="HTTP 40"):
            digest_of_target(server.image)
    with pytest.raises(Refused, match="HTTP 40"):
        digest_of_tag(server.image)


@pytest.mark.parametrize("status", [401, 403])
def test_password_without_a_token(serve: Callable[..., Server], home: Path, status: int) -> None:
    """A password that is wrong is refused with 401, one without a right to the repository with 403."""
    server = serve(BASIC, wanted="never")
    server.refused = status
    write(home / FILES["docker"], {"auths": {server.address: entry("ada")}})

    if status == 403:
        assert digest_of_target(server.image) is None
    else:
        with pytest.raises(Refused, match="HTTP 401"):
            digest_of_target(server.image)


def test_registry_with_a_token_server(serve: Callable[..., Server], home: Path) -> None:
    """A password gives a token: https://distribution.github.io/distribution/spec/auth/token/"""
    server = serve(BEARER, wanted="Bearer short-lived")
    server.tokens = {"token": "short-lived"}
    write(home / FILES["docker"], {"auths": {server.address: entry("ada")}})

    assert digest_of_tag(server.image) == DIGEST
    assert server.requests[1] == ("GET", "/token", f"Basic {entry('ada')['auth']}")
    assert server.forms == [{"service": ["the.registry"], "scope": ["repository:team/web:pull"]}]


@pytest.mark.parametrize("status", [200, 405, 501])
def test_registry_without_a_digest(serve: Callable[..., Server], home: Path, status: int) -> None:  # noqa: ARG001
    """A registry that refuses HEAD, or leaves out the digest, is asked for the manifest, which has one."""
    server = serve(BASIC, wanted="")
    server.head = status
    assert digest_of_tag(server.image) == f"sha256:{hashlib.sha256(MANIFEST).hexdigest()}"


def test_registry_that_has_enough(serve: Callable[..., Server], home: Path) -> None:  # noqa: ARG001
    """Too many requests are no missing image: the error says what it is, and the run tries again."""
    server = serve(BASIC, wanted="")
    server.head = 429
    with pytest.raises(Unreachable, match="too many requests"):
        digest_of_tag(server.image)


@pytest.mark.parametrize(
    "challenge", ['Bearer realm="http://{0}/token"', "Basic realm=x, Bearer realm=http://{0}/token,service=s"]
)
def test_registry_with_an_odd_challenge(serve: Callable[..., Server], home: Path, challenge: str) -> None:
    """A challenge without quotes or after another one is understood."""
    server = serve(challenge, wanted="Bearer short-lived")
    server.tokens = {"token": "short-lived"}
    write(home / FILES["docker"], {"auths": {server.address: entry("ada")}})
    assert digest_of_tag(server.image) == DIGEST


@pytest.mark.parametrize("kept", ["in a file", "by a helper"])
def test_registry_with_an_identity_token(serve: Callable[..., Server], home: Path, kept: str) -> None:
    """By OAuth 2 in the body: https://distribution.github.io/distribution/spec/auth/oauth/"""
    server = serve(BEARER, wanted="Bearer short-lived")
    server.tokens = {"access_token": "short-lived"}
    helper(home, answers("<token>"))
    in_file = {"auths": {server.address: {**entry("00000000-0000-0000-0000-000000000000"), "identitytoken": SECRET}}}
    write(home / FILES["docker"], in_file if kept == "in a file" else {"credsStore": "keys"})

    assert digest_of_tag(server.image) == DIGEST
    assert server.requests[1] == ("POST", "/token", "")
    assert server.forms == [
        {
            "grant_type": ["refresh_token"],
            "refresh_token": [SECRET],
            "client_id": ["azora"],
            "service": ["the.registry"],
            "scope": ["repository:team/web:pull"],
        }
    ]


@pytest.mark.parametrize(
    ("challenge", "tokens"),
    [
        pytest.param(BASIC, {}, id="a wrong password"),
        pytest.param(BEARER, {}, id="no token"),
        pytest.param(BEARER, {"token": "old"}, id="a wrong token"),
        pytest.param('Bearer realm="ftp://{}/token"', {}, id="no web address"),
    ],
)
def test_registry_that_refuses(
    serve: Callable[..., Server], home: Path, caplog: pytest.LogCaptureFixture, challenge: str, tokens: dict[str, str]
) -> None:
    """The error has the command to log in; neither error nor log has the login."""
    caplog.set_level(logging.DEBUG)
    server = serve(challenge, wanted="nothing")
    server.tokens = tokens
    write(home / FILES["docker"], {"auths": {server.address: {**entry("ada"), "identitytoken": SECRET}}})

    with pytest.raises(Refused, match="HTTP 401") as refused:
        digest_of_tag(server.image)

    assert refused.value.advice == f"log in: buildah login {server.address}"
    assert SECRET not in str(refused.value) + caplog.text
    assert entry("ada")["auth"] not in caplog.text


def test_token_server_that_is_unreachable(serve: Callable[..., Server], home: Path) -> None:
    """An unreachable token server is a transient error with its address."""
    server = serve('Bearer realm="http://127.0.0.1:9/token"', wanted="nothing")
    write(home / FILES["docker"], {"auths": {server.address: entry("ada")}})

    with pytest.raises(Unreachable, match="refused") as away:
        digest_of_tag(server.image)

    assert away.value.advice == "check that http://127.0.0.1:9/token is reachable"


def test_token_server_over_plain_http(serve: Callable[..., Server], home: Path) -> None:
    """A password goes over plain HTTP only where the registry itself does."""
    server = serve(BEARER, wanted="nothing")
    write(home / FILES["docker"], {"auths": {"h.example": entry("ada")}})
    from azora.gateways.images.registry import _token

    assert _token(BEARER.format(server.address), Reference("h.example", "team/web"), login_of(PLACE), "try") is None
    assert server.requests == []


@pytest.mark.parametrize(
    ("config", "handed"),
    [
        pytest.param({"credsStore": "keys"}, True, id="a store"),
        pytest.param({"credHelpers": {"h.example": "keys"}}, False, id="a helper"),
        pytest.param(auths(h_example="file"), False, id="a file"),
        pytest.param({"credsStore": "gone"}, False, id="a store that is not there"),
    ],
)
def test_login_file_for_buildah(home: Path, config: Json, handed: bool) -> None:
    """buildah gets a file with the logins that it does not find itself."""
    helper(home, answers("ada"))
    write(home / FILES["docker"], config)

    file = file_for_buildah({PLACE: None}, home)

    assert (file is not None) == handed


def test_login_file_with_other_logins(home: Path) -> None:
    """The file keeps buildah's other logins, and is private."""
    helper(home, answers("ada"))
    write(home / FILES["runtime"], {**auths(other_example="bob"), "credHelpers": {"third.example": "keys"}})
    write(home / FILES["docker"], {"credsStore": "keys", "credHelpers": {"broken.example": "gone"}})

    file = file_for_buildah({PLACE: None, "broken.example/base/python": None}, home)

    assert file
    assert file.stat().st_mode & 0o777 == 0o600
    read = json.loads(file.read_text())
    assert set(read["auths"]) == {PLACE, "other.example"}
    assert read["auths"][PLACE]["auth"] == entry("ada")["auth"]
    assert read["auths"]["other.example"]["auth"] == entry("bob")["auth"]
    assert read["credHelpers"] == {"third.example": "keys"}


def test_login_file_of_the_registry(home: Path) -> None:
    """Azora's own file has priority for its registry, and buildah gets the logins of all images that a build names."""
    own = write(home / "own.json", auths(h_example="pipeline"))
    write(home / FILES["docker"], auths(h_example="ada", other_example="bob"))

    login = login_of(PLACE, own)
    assert (login and login.user, user_of()) == ("pipeline", "ada")
    file = file_for_buildah({PLACE: own, "other.example/base": None}, home)
    assert file
    read = json.loads(file.read_text())["auths"]
    assert read[PLACE]["auth"] == entry("pipeline")["auth"]
    assert read["other.example/base"]["auth"] == entry("bob")["auth"]


def test_helper_that_hangs(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A helper that hangs ends at its time limit, and no process stays."""
    monkeypatch.setattr(credential_helper, "TIMEOUT_SECONDS", 0.2)
    helper(home, f"echo $$ >{home}/pid; sleep 30 & wait")
    write(home / FILES["docker"], {"credsStore": "keys"})
    began = time.monotonic()

    with pytest.raises(Failed):
        login_of(PLACE)

    assert time.monotonic() - began < 3
    assert not Path(f"/proc/{(home / 'pid').read_text().strip()}").exists()
