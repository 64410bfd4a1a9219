"""Requests of a rehearsal, counted on a real API server."""

from __future__ import annotations

from pathlib import Path

import pytest

from azora.config.application import load_application
from azora.config.environment import load_environment
from azora.config.permissions import namespace_object
from azora.config.settings import ROOT, Settings
from azora.core.release.release import Release
from azora.gateways.helm.client import Helm
from azora.gateways.kubernetes.cluster import Cluster
from azora.gateways.kubernetes.namespace import Namespace
from azora.operations.checkout import Checkout
from azora.operations.promotion.context import Context
from azora.operations.promotion.rehearsal import rehearse
from tests.support.api_server import ApiServer
from tests.support.counting import requests_of
from tests.support.rendering import helm_program
from tests.support.worlds import EMPTY

GUESTBOOK = ROOT / "docs/examples/guestbook"
STAGING = load_environment("staging", ROOT / "docs/examples/environments")
IMAGES = {name: f"r:1/guestbook/{name}@sha256:{'1' * 64}" for name in ("front", "store")}
RELEASE = Release(application="guestbook", commit="0" * 40, images=IMAGES, charts_digest="", values_digest="")


@pytest.fixture
def promotion(server: ApiServer, tmp_path: Path) -> Context:
    """The guestbook on its way to an empty namespace."""
    api = server.api()
    api.create("/api/v1/namespaces", namespace_object(STAGING.namespace))
    here = Settings(state=tmp_path, helm=helm_program(), application="guestbook", kube_context="none", identities=None)
    found = Checkout("0" * 40, GUESTBOOK, load_application(GUESTBOOK)).delivery(RELEASE, STAGING, here, run="run")
    return Context(found, Cluster(Namespace(api, STAGING, "guestbook")), Helm(STAGING, here), here)


def test_requests_of_a_rehearsal(promotion: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """One for each object and kind of API; the cluster is not looked at again."""
    seen = requests_of(monkeypatch)
    rehearse(promotion, EMPTY)
    assert [one for one in seen if one.startswith("GET")] == [f"GET {STAGING.namespace}", "GET v1", "GET v1", "GET v1"]
    assert len(seen) == 4 + 12
