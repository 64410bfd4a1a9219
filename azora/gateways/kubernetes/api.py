"""Kubernetes API by plain paths: JSON in and out, a time limit per request, errors translated.

Plain paths on `ApiClient` import in a quarter of a second; the typed classes take three times as long, and a rollback
waits for it.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlencode

import urllib3
from kubernetes.client import ApiClient, Configuration
from kubernetes.client.exceptions import ApiException
from kubernetes.client.rest import RESTResponse

from azora.config.json_object import Json
from azora.core.cluster.capabilities import Capabilities, served
from azora.core.gate.refusal import ADVICE, GATE
from azora.errors import AzoraError, Conflict, Failed, Refused, TransientError, Unreachable
from azora.gateways.kubernetes import kubeconfig as kubeconfigs
from azora.host.writes import System, writing_if

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"
NOT_OF_THE_SCHEMA = "failed to create typed patch object"  # the answer to such an apply is 500
PLAIN = "application/json"
RIGHTS_ADVICE = (
    "`azora doctor ENV` lists what the pipeline lacks; the environment's file names people who may approve, override and roll back;"
    " `azora rights apply ENV`, by an administrator, grants both"
)
# https://kubernetes.io/docs/reference/using-api/api-concepts/#metadata-only-fetches
METADATA = f"{PLAIN};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,{PLAIN}"
DISCOVERY = f"{PLAIN};g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,{PLAIN}"

_WARNING = re.compile(r'^\d+ \S+ "(.*)"')  # https://www.rfc-editor.org/rfc/rfc7234#section-5.5
VERBS = {"GET": "read", "POST": "create one of", "PUT": "replace", "PATCH": "change", "DELETE": "delete"}


class Missing(Failed):
    """404: the object is not there."""


class Api:
    """One cluster, by kubeconfig file and context (None: kubectl's own defaults)."""

    def __init__(self, kubeconfig: Path | None, context: str | None, *, timeout_seconds: float) -> None:
        configuration = Configuration()
        configuration.retries = urllib3.Retry(total=0)
        self._acts_as = kubeconfigs.load(configuration, kubeconfig, context)
        self.connection = _connection(configuration)
        if (proxy := configuration.proxy or "").startswith("socks5:"):
            configuration.proxy = proxy.replace("socks5:", "socks5h:", 1)  # the proxy resolves the name, as for kubectl
        self._client = ApiClient(configuration)
        self._timeout = timeout_seconds
        self.host: str = configuration.host
        self.authority: Path | None = Path(configuration.ssl_ca_cert) if configuration.ssl_ca_cert else None
        self.client_certificate = Path(configuration.cert_file) if configuration.cert_file else None

    def get(self, path: str, **query: str) -> Json:
        return _json(self._answered("GET", path, query=query))

    def find(self, path: str, **query: str) -> Json | None:
        """Read as `get`; None when the object is not there."""
        try:
            return self.get(path, **query)
        except Missing:
            return None

    def metadata(self, path: str, **query: str) -> list[Json]:
        """Metadata of the objects that *path* lists; their contents, passwords among them, are not sent."""
        found = _json(self._answered("GET", path, query=query, accept=METADATA))["items"]
        return [item["metadata"] for item in found or []]  # null where there are none

    def capabilities(self) -> Capabilities:
        """Version and custom kinds of the cluster."""
        version = self.get("/version")["gitVersion"]
        return Capabilities(version, served(_json(self._answered("GET", "/apis", accept=DISCOVERY))))

    def create(self, path: str, body: Json) -> Json:
        return _json(self._answered("POST", path, body=body))

    def replace(self, path: str, body: Json) -> Json:
        return _json(self._answered("PUT", path, body=body))

    def patch(self, path: str, body: Json, *, kind: str = MERGE) -> Json:
        """Patch an object; a body with metadata.resourceVersion is refused (Conflict) after another change."""
        return _json(self._answered("PATCH", path, body=body, content_type=kind))

    def apply(self, path: str, body: Json, *, manager: str = "azora") -> Json:
        """Server-side apply that wins conflicts: the object is made, or its fields become those of *body*."""
        query = {"fieldManager": manager, "force": "true"}
        return _json(self._answered("PATCH", path, body=body, query=query, content_type=APPLY))

    def dry_run(self, path: str, body: Json, *, manager: str = "azora") -> RESTResponse:
        """Answer that `apply` would get; nothing is done."""
        query = {"fieldManager": manager, "force": "true", "dryRun": "All"}
        return self._answered("PATCH", path, body=body, query=query, content_type=APPLY)

    def warnings_of(self, path: str, body: Json) -> list[str]:
        """Warnings that `apply` would give, as `kubectl --dry-run=server` prints them; nothing is done."""
        response = self.dry_run(path, body)
        said = response.headers.getlist("Warning") if hasattr(response.headers, "getlist") else []
        return [found[1] for one in said for found in [_WARNING.search(one)] if found]

    def delete(self, path: str) -> None:
        """Delete an object, and in the background what it owns: for a Job the default is to leave its pods."""
        self._answered("DELETE", path, query={"propagationPolicy": "Background"})

    def clock(self) -> datetime:
        """Time of the API server's own clock, to the second."""
        said = self._answered("GET", "/version").headers["Date"]
        return parsedate_to_datetime(said)

    def text(self, path: str, **query: str) -> str:
        """The raw answer, for logs."""
        return _content(self._answered("GET", path, query=query)).decode(errors="replace")

    def _answered(
        self,
        method: str,
        path: str,
        *,
        body: Json | None = None,
        query: dict[str, str] | None = None,
        content_type: str = PLAIN,
        accept: str = PLAIN,
    ) -> RESTResponse:
        """An answer below 400, read whole."""
        what = f"{VERBS[method]} {path}"
        url = f"{self.host}{path}" + (f"?{urlencode(query)}" if query else "")
        headers = urllib3.HTTPHeaderDict({"Accept": accept, "Content-Type": content_type, "User-Agent": "azora"})
        headers.extend(self._acts_as)
        self._client.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
        try:
            with writing_if(method != "GET" and "dryRun" not in (query or {}), System.KUBERNETES, f"{method} {path}"):
                response = self._client.call_api(method, url, headers, body, _request_timeout=self._timeout)
                raw = _content(response)
                if response.status >= 400:  # noqa: PLR2004 - HTTP
                    raise translated(what, response.status, raw)
        except ApiException as error:
            raise translated(what, error.status or 0, str(error.body or error.reason).encode()) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Unreachable(
                f"could not reach the API server at {self.host} ({what}): {_cause(error)}",
                advice="check that the cluster runs (`azora local status`) and the network to it, then retry",
            ) from error
        return response


def _content(response: RESTResponse) -> bytes:
    """The client reads it once and keeps it."""
    raw: bytes = response.read()  # type: ignore[no-untyped-call]
    return raw


def _json(response: RESTResponse) -> Json:
    raw = _content(response)
    answer: Json = json.loads(raw) if raw else {}
    return answer


def micro_time(moment: datetime) -> str:
    """MicroTime wants its six digits, also when they are zero."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _connection(configuration: Configuration) -> Json:
    """Further fields of a kubeconfig's cluster: TLS name, proxy, no verification."""
    known: Json = {}
    if configuration.tls_server_name:
        known["tls-server-name"] = configuration.tls_server_name
    if configuration.proxy and not configuration._proxy_from_env:  # noqa: SLF001 - the environment's holds without a word
        known["proxy-url"] = configuration.proxy
    if not configuration.verify_ssl:
        known["insecure-skip-tls-verify"] = True
    return known


def translated(what: str, status: int, raw: bytes) -> AzoraError:
    """Our error for an HTTP *status*; decides what is tried again."""
    said = _message(raw)
    if status == 404:  # noqa: PLR2004 - HTTP
        return Missing(f"could not {what}: {said}", advice="check the environment with `azora status`")
    if status == 409:  # noqa: PLR2004 - HTTP
        return Conflict(f"could not {what}: {said}", advice="the object was changed by another client; retry")
    if status == 401:  # noqa: PLR2004 - HTTP
        return Refused(
            f"could not {what}: the cluster rejected the credentials: {said}",
            advice="a token or certificate has expired or was revoked: `azora rights apply ENV` writes the pipeline's; renew your own login yourself",
        )
    if status == 403 or GATE in said:  # noqa: PLR2004 - HTTP; a policy that cannot be evaluated answers 422
        return Refused(f"could not {what}: {said}", advice=ADVICE if GATE in said else RIGHTS_ADVICE)
    if status in {429, 500, 502, 503, 504} and NOT_OF_THE_SCHEMA not in said:
        return TransientError(
            f"could not {what}: the API server responded with {status}: {said}",
            advice="check that the API server and its etcd are healthy, then retry",
        )
    return Failed(
        f"could not {what}: the API server responded with {status}: {said}",
        advice="correct what the message names, then retry",
    )


def _message(raw: bytes) -> str:
    try:
        return str(json.loads(raw)["message"])
    except (ValueError, KeyError, TypeError):
        return raw.decode(errors="replace")[:300]


def _cause(error: BaseException) -> str:
    """The last thing that urllib3 says, which is what the network said."""
    reason = str(getattr(error, "reason", None) or error)
    return re.sub(r"^\[Errno \d+\] ", "", re.sub(r"^.*(\): |connection: )", "", reason))
