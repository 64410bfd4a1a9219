"""Marks on Grafana's boards, by its HTTP API.

https://grafana.com/docs/grafana/latest/developers/http_api/annotations/
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from azora.config.secret_file import secret_in
from azora.config.settings import Settings
from azora.core.messages.annotations import Annotation
from azora.errors import BadInput
from azora.host.deadline import tell_all
from azora.host.writes import System, writing
from azora.redaction import redacted, remember

SAID_LETTERS = 200


def annotate(annotations: Sequence[Annotation], settings: Settings) -> list[str]:
    """Mark each of *annotations*, in at most `notify_timeout_seconds` together, where a Grafana is named.

    Returns:
        Why they are not marked, in one line; empty when they are. Nothing is raised: no release fails because Grafana is away.
    """
    if not annotations or not settings.grafana_url:
        return []
    try:
        tellers = {"Grafana": partial(_trouble, annotations, settings, _token(settings))}
    except BadInput as error:
        return [error.message]
    troubles = tell_all(tellers, settings.notify_timeout_seconds)
    return [f"could not mark the switch in {name}: {why}" for name, why in troubles.items()]


def _token(settings: Settings) -> str:
    """That of AZORA_GRAFANA_TOKEN, or else of the file.

    Raises:
        BadInput: there is none, or something else.
    """
    file = settings.grafana_token_file or settings.state_folder / "grafana-token"
    found = settings.grafana_token.get_secret_value().strip() or secret_in(file, "Grafana's token").strip()
    if len(found.split()) != 1 or not found.isascii():
        raise BadInput("could not use Grafana's token: it contains white space")
    remember(found)
    return found


def _trouble(annotations: Sequence[Annotation], settings: Settings, token: str) -> str:
    """Error at the first of *annotations* that was not accepted; empty when all were."""
    import httpx  # noqa: PLC0415 - a rollback without Grafana must not wait for it

    url = f"{settings.grafana_url.rstrip('/')}/api/annotations"
    try:
        with httpx.Client(
            headers={"Authorization": f"Bearer {token}"}, timeout=settings.notify_timeout_seconds
        ) as client:
            for one in annotations:
                with writing(System.NOTICES, f"POST {url}"):
                    answer = client.post(url, json=_body(one))
                if answer.status_code != httpx.codes.OK:
                    return f"HTTP {answer.status_code}: {_said(answer.text)}"
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return _said(f"{type(error).__name__}: {error}")
    return ""


def _body(annotation: Annotation) -> dict[str, object]:
    """Time in milliseconds since 1970; no board is named, so that every one may show it."""
    return {
        "time": round(annotation.at.timestamp() * 1000),
        "tags": list(annotation.tags),
        "text": annotation.text,
    }


def _said(text: str) -> str:
    return " ".join(redacted(text).split())[:SAID_LETTERS]
