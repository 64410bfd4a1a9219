"""Container registry over its HTTP API: the digest of a tag, with the login of buildah or docker."""

from __future__ import annotations

import hashlib
import re
import ssl
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import httpx
from httpx import codes

from azora.config.settings import Settings
from azora.errors import BadInput, Refused, Unreachable
from azora.gateways.images.registry_login import HUB, Login, login_of
from azora.host.writes import System, writing_if
from azora.redaction import remember

TIMEOUT_SECONDS = 10.0

_MANIFESTS = ", ".join(
    f"application/vnd.{kind}+json"
    for kind in (
        "oci.image.manifest.v1",
        "oci.image.index.v1",
        "docker.distribution.manifest.v2",
        "docker.distribution.manifest.list.v2",
    )
)
_REFERENCE = re.compile(r"(?P<name>[^@]+?)(:(?P<tag>[\w][\w.-]{0,127}))?(@(?P<digest>sha256:[0-9a-f]{64}))?")
_PARAMETER = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,"]+))')
_PART = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_PART}(/{_PART})*")


@dataclass(frozen=True)
class Reference:
    """An image's place: `host/path:tag` or `host/path@digest`; *plain_http* for a host without TLS.

    *own* is one in the registry of the settings, *login* the file with the login of that registry.
    """

    host: str
    path: str
    tag: str = "latest"
    digest: str | None = None
    plain_http: bool = False
    own: bool = False
    login: Path | None = None

    @classmethod
    def parse(cls, text: str, settings: Settings) -> Reference:
        """Read *text* as Docker does; the settings say whether its host is one without TLS.

        `python:3.13` is `docker.io/library/python:3.13`: https://github.com/distribution/reference/blob/main/normalize.go

        Raises:
            BadInput: it is no name of an image.
        """
        found = _REFERENCE.fullmatch(text)
        host, _, path = found["name"].partition("/") if found else ("", "", "")
        if not path or not ({".", ":"} & set(host) or host == "localhost"):
            host, path = "docker.io", found["name"] if found else ""
        if host in HUB:
            host, path = "docker.io", path if "/" in path else f"library/{path}"
        if not found or not _PATH.fullmatch(path):
            raise BadInput(
                f"could not use the image {text!r}: no name of an image",
                advice="write HOST/PATH:TAG or HOST/PATH@DIGEST",
            )
        own = host == settings.registry.split("/")[0]
        plain_http, login = own and settings.registry_plain_http, settings.registry_login if own else None
        return cls(host, path, found["tag"] or "latest", found["digest"], plain_http, own, login)

    def __str__(self) -> str:
        return self.by_digest(self.digest) if self.digest else self.by_tag()

    def by_digest(self, digest: str) -> str:
        return f"{self.host}/{self.path}@{digest}"

    def by_tag(self) -> str:
        return f"{self.host}/{self.path}:{self.tag}"


def find(repository: str, tag: str, settings: Settings) -> str | None:
    """Digest of `repository:tag` in the registry, or None.

    Raises Unreachable, or Refused without a login.
    """
    return digest_of_target(Reference.parse(f"{settings.registry}/{repository}:{tag}", settings))


_NO_HEAD = (codes.METHOD_NOT_ALLOWED, codes.NOT_IMPLEMENTED)


def exists(reference: str, settings: Settings) -> bool:
    """Return True when the registry still has the image *reference*, by its digest. Raises as `find`."""
    image = Reference.parse(reference, settings)
    what = f"look {reference!r} up"
    path = f"/v2/{image.path}/manifests/{image.digest}"
    answer = asked("HEAD", image, path, what=what)
    if answer.status_code in _NO_HEAD:
        answer = asked("GET", image, path, what=what)
    return answer.status_code != codes.NOT_FOUND and accepted(answer, image, what=what).is_success


def status_of_registry(settings: Settings) -> int:
    """HTTP status of the registry's root; 401 where a login is needed. Raises Unreachable."""
    host = _api(settings.registry.partition("/")[0])
    url = f"{'http' if settings.registry_plain_http else 'https'}://{host}/v2/"
    try:
        with _client() as client:
            return client.get(url).status_code
    except httpx.HTTPError as error:
        raise Unreachable(
            f"could not reach the registry {settings.registry}: {error}",
            advice="check AZORA_REGISTRY and AZORA_REGISTRY_PLAIN_HTTP, and that the registry runs (`azora local status`)",
        ) from None


_NOBODY_S = "00000000-0000-0000-0000-000000000000"


def takes_pushes_from_anybody(settings: Settings) -> bool:
    """Return True when the registry requests no login to continue an upload that nobody began.

    Raises Unreachable.
    """
    host, _, path = settings.registry.partition("/")
    repository = "/".join(part for part in (path, settings.application, "doctor") if part)
    image = Reference(host, repository, plain_http=settings.registry_plain_http, own=True)
    url = f"{'http' if image.plain_http else 'https'}://{_api(host)}/v2/{repository}/blobs/uploads/{_NOBODY_S}"
    answer = _sent("PATCH", url, None, image, "look for a foreign upload")
    return answer.is_success or answer.status_code in (codes.BAD_REQUEST, codes.NOT_FOUND)


def digest_of_target(image: Reference) -> str | None:
    """Digest of an *image* that may be pushed; None also where its repository is made by the first push.

    Quay and Docker's hub refuse to look into a repository that is not there, as into another one's. A push shows which
    it is. Raises as `find`.
    """
    return digest_of_tag(image, may_be_new=True)


def digest_of_tag(image: Reference, *, may_be_new: bool = False) -> str | None:
    """Digest of the image that *reference* names by its tag. Raises as `find`."""
    what = f"look {image.by_tag()!r} up"
    path = f"/v2/{image.path}/manifests/{image.tag}"
    answer = asked("HEAD", image, path, what=what)
    known = answer.is_success and "Docker-Content-Digest" in answer.headers
    if not known and (answer.is_success or answer.status_code in _NO_HEAD):
        answer = asked("GET", image, path, what=what)
    if answer.status_code == codes.NOT_FOUND or (may_be_new and _knows_the_login(answer, image)):
        return None
    return digest_of_answer(accepted(answer, image, what=what))


def digest_of_answer(answer: httpx.Response) -> str:
    """Digest of a manifest: the header, which a registry may leave out, or the hash of its bytes."""
    return answer.headers.get("Docker-Content-Digest") or f"sha256:{hashlib.sha256(answer.content).hexdigest()}"


def _knows_the_login(answer: httpx.Response, image: Reference) -> bool:
    """Return True where *answer* refuses a right, and not a login: a wrong password gets no token."""
    sent = answer.request.headers.get("Authorization", "")
    refused = (codes.UNAUTHORIZED, codes.FORBIDDEN) if sent.startswith("Bearer ") else (codes.FORBIDDEN,)
    used = bool(sent) or answer.request.method == "POST"  # of an identity token, to the token server
    return used and answer.status_code in refused and login_of(f"{image.host}/{image.path}", image.login) is not None


def asked(method: str, image: Reference, path: str, *, what: str) -> httpx.Response:
    """Send a request to the registry of *image*, with a login where it wants one.

    Raises Unreachable; BadInput or Failed for a login that cannot be read.
    """
    url = f"{'http' if image.plain_http else 'https'}://{_api(image.host)}{path}"
    answer = _sent(method, url, None, image, what)
    if answer.status_code == codes.UNAUTHORIZED:
        authorization = _authorization(answer, image, what)
        if isinstance(authorization, httpx.Response):
            return authorization
        answer = _sent(method, url, authorization, image, what) if authorization else answer
    return answer


def accepted(answer: httpx.Response, image: Reference, *, what: str) -> httpx.Response:
    """*answer*, where it is a good one. Raises Refused without a login or a right, else Unreachable."""
    if answer.is_success:
        return answer
    said = f"could not {what}: HTTP {answer.status_code}"
    if answer.status_code in (codes.UNAUTHORIZED, codes.FORBIDDEN):
        raise Refused(said, advice=f"log in: buildah login {image.host}")
    if answer.status_code == codes.TOO_MANY_REQUESTS:
        raise Unreachable(f"{said}: too many requests", advice="log in, or wait as long as the registry's limit says")
    raise Unreachable(said, advice="check the registry's log")


def _api(host: str) -> str:
    """Docker's own hub is called by another name than the one that its images have."""
    return "registry-1.docker.io" if host in HUB else host


def _sent(method: str, url: str, authorization: str | None, image: Reference, what: str) -> httpx.Response:
    headers = {"Accept": _MANIFESTS} | ({"Authorization": authorization} if authorization else {})
    try:
        with writing_if(method not in {"GET", "HEAD"}, System.REGISTRY, f"{method} {url}"), _client() as client:
            return client.request(method, url, headers=headers)
    except httpx.HTTPError as error:
        raise Unreachable(
            f"could not {what}: {error}",
            advice="check AZORA_REGISTRY, and that the registry runs (`azora local status`)"
            if image.own
            else f"check that this machine reaches {image.host}, or name a mirror of it in buildah's registries.conf",
        ) from None


def _client() -> httpx.Client:
    """With the authorities that this system trusts, not a package's own list."""
    return httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=True, verify=_authorities())


@lru_cache(maxsize=1)
def _authorities() -> ssl.SSLContext:
    return ssl.create_default_context()


def _authorization(answer: httpx.Response, image: Reference, what: str) -> str | httpx.Response | None:
    """Header that *answer* requires, from the login of *image*; None without a suitable login.

    A token server that refuses the right to the image, as GitHub's does, has answered for the registry.
    """
    login = login_of(f"{image.host}/{image.path}".rstrip("/"), image.login)
    for line in answer.headers.get_list("WWW-Authenticate"):
        if (start := line.lower().find("bearer ")) >= 0:
            challenge = line[start:]
            token = _token(challenge, image, login, what)
            return f"Bearer {token}" if isinstance(token, str) else token
    return f"Basic {login.basic}" if login else None


def _token(challenge: str, image: Reference, login: Login | None, what: str) -> str | httpx.Response | None:
    """https://distribution.github.io/distribution/spec/auth/token/"""
    wanted = {name: quoted or plain for name, quoted, plain in _PARAMETER.findall(challenge)}
    realm = wanted.get("realm", "")
    if not realm.startswith(("https://", "http://") if image.plain_http else "https://"):
        return None
    query = {"service": wanted.get("service", ""), "scope": wanted.get("scope", f"repository:{image.path}:pull")}
    try:
        with _client() as client:
            answer = _exchanged(client, realm, query, login)
        if answer.status_code == codes.FORBIDDEN:
            return answer
        said = answer.json()
    except httpx.HTTPError as error:
        raise Unreachable(f"could not {what}: {error}", advice=f"check that {realm} is reachable") from None
    except ValueError:
        return None
    if not isinstance(said, dict):
        return None
    token = said.get("token") or said.get("access_token")
    if not token:
        return None
    remember(str(token))
    return str(token)


def _exchanged(client: httpx.Client, realm: str, query: dict[str, str], login: Login | None) -> httpx.Response:
    """Exchange an identity token, sent in the body and to no other address.

    https://distribution.github.io/distribution/spec/auth/oauth/
    """
    if login and login.identity_token:
        form = {"grant_type": "refresh_token", "refresh_token": login.identity_token, "client_id": "azora", **query}
        return client.post(realm, data=form, follow_redirects=False)
    return client.get(realm, params=query, headers={"Authorization": f"Basic {login.basic}"} if login else {})
