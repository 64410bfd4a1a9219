"""The chart `azora-data`: the state of an environment that has none of its own."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from tests.support.rendering import DATA, Object, Render, Rendering

each_kind = pytest.mark.parametrize("kind", ["claim", "emptyDir"])


def pod_specs(rendering: Rendering) -> dict[str, Object]:
    return {name.removeprefix("azora-"): pod["spec"] for name, pod in rendering.pods().items()}


def secret(rendering: Rendering) -> dict[str, str]:
    return {key: b64decode(value).decode() for key, value in rendering.of("Secret")["azora-data"]["data"].items()}


def test_object_names(data: Render) -> None:
    """The chart renders exactly the objects whose names the stacks use."""
    names = data(localstripe={"enabled": False}).names()

    assert names == {
        ("Secret", "azora-data"),
        ("StatefulSet", "azora-postgresql"),
        ("Service", "azora-postgresql"),
        ("StatefulSet", "azora-redis"),
        ("Service", "azora-redis"),
        ("NetworkPolicy", "azora-postgresql"),
        ("NetworkPolicy", "azora-redis"),
    }
    assert data(localstripe={"enabled": True}).names() - names == {
        ("Deployment", "azora-localstripe"),
        ("Service", "azora-localstripe"),
        ("NetworkPolicy", "azora-localstripe"),
    }


def test_labels(data: Render) -> None:
    """No object has a color or a release: a switch does not touch it."""
    text = "\n".join(str(found) for found in data().objects if found["kind"] != "NetworkPolicy")

    assert "azora.dev/color" not in text
    assert "azora.dev/release" not in text


@pytest.mark.parametrize(("name", "port"), [("postgresql", 5432), ("redis", 6379), ("localstripe", 8420)])
def test_service(data: Render, name: str, port: int) -> None:
    """Each Service selects one pod and has its port."""
    rendering = data(localstripe={"enabled": True})
    service = rendering.of("Service")[f"azora-{name}"]["spec"]
    picked = [
        pod
        for pod, found in rendering.pods().items()
        if service["selector"].items() <= found["metadata"]["labels"].items()
    ]

    assert picked == [f"azora-{name}"]
    (container,) = rendering.pods()[picked[0]]["spec"]["containers"]
    assert service["ports"] == [
        {"name": service["ports"][0]["name"], "port": port, "targetPort": container["ports"][0]["name"]}
    ]
    assert container["ports"][0]["containerPort"] == port


def test_secret_addresses(data: Render) -> None:
    """The addresses in the Secret have its passwords, of at least 32 characters."""
    held = secret(data())
    database, redis = urlsplit(held["database-url"]), urlsplit(held["redis-url"])

    assert (database.scheme, database.hostname, database.port, database.path) == (
        "postgresql",
        "azora-postgresql",
        5432,
        "/azora",
    )
    assert (database.username, database.password) == ("azora", held["postgresql-password"])
    assert (redis.hostname, redis.port, redis.password) == ("azora-redis", 6379, held["redis-password"])
    assert len(held["postgresql-password"]) >= 32
    assert len(held["redis-password"]) >= 32
    assert len(held["trials-token"]) >= 32


def test_localstripe(data: Render) -> None:
    """localstripe sends webhooks to the live color, signed with the secret that pay checks."""
    rendering = data(localstripe={"enabled": True})
    (container,) = pod_specs(rendering)["localstripe"]["containers"]
    variables = {given["name"]: given for given in container["env"]}

    assert variables["WEBHOOK_URL"]["value"] == "http://azora/api/pay/webhooks/stripe"
    source = variables["WEBHOOK_SECRET"]["valueFrom"]["secretKeyRef"]
    assert source == {"name": "azora-data", "key": "stripe-webhook-secret"}
    assert secret(rendering)["stripe-webhook-secret"].startswith("whsec_")


def test_secret_after_an_uninstall(data: Render) -> None:
    """The Secret stays after an uninstall, as the data does."""
    annotations = data().of("Secret")["azora-data"]["metadata"]["annotations"]

    assert annotations == {"helm.sh/resource-policy": "keep"}


def test_secret_as_files(data: Render) -> None:
    """Pods get their passwords as files of the Secret."""
    for name, key in (("postgresql", "postgresql-password"), ("redis", "redis-password")):
        spec = pod_specs(data())[name]
        sources = [volume["secret"] for volume in spec["volumes"] if "secret" in volume]
        assert [(source["secretName"], [item["key"] for item in source["items"]]) for source in sources] == [
            ("azora-data", [key])
        ]


@each_kind
def test_storage(data: Render, kind: str) -> None:
    """The data is on the volume that the values name."""
    rendering = data(storage={"kind": kind}, localstripe={"enabled": False})

    for name in ("postgresql", "redis"):
        found = rendering.of("StatefulSet")[f"azora-{name}"]["spec"]
        volumes = {volume["name"]: volume for volume in found["template"]["spec"]["volumes"]}
        claims = [claim["metadata"]["name"] for claim in found.get("volumeClaimTemplates", [])]
        assert claims == (["data"] if kind == "claim" else [])
        assert ("data" in volumes) == (kind != "claim")
        (container,) = found["template"]["spec"]["containers"]
        assert "data" in [mount["name"] for mount in container["volumeMounts"]]


def test_storage_claim(data: Render) -> None:
    """A claim has the class and the size of the values."""
    rendering = data(storage={"kind": "claim", "className": "fast", "size": "20Gi"})
    (claim,) = rendering.of("StatefulSet")["azora-postgresql"]["spec"]["volumeClaimTemplates"]

    assert claim["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "fast",
        "resources": {"requests": {"storage": "20Gi"}},
    }


@each_kind
def test_pod_security(data: Render, kind: str) -> None:
    """Each pod meets the restricted standard, and gets no token and no init container."""
    for spec in pod_specs(data(storage={"kind": kind}, localstripe={"enabled": True})).values():
        (container,) = spec["containers"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] > 0
        assert spec["securityContext"]["fsGroup"] == spec["securityContext"]["runAsUser"]
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert spec["automountServiceAccountToken"] is False
        assert spec["enableServiceLinks"] is False
        assert "initContainers" not in spec


@pytest.mark.parametrize(
    "changes",
    [
        {"storage": {"kind": "nfs"}},
        {"storage": {"size": "much"}},
        {"images": {"redis": "redis:7"}},
        {"images": {"postgres": "x"}},
        {"localstripe": {"enable": True}},
    ],
    ids=str,
)
def test_values_that_are_wrong(refused: Callable[..., str], changes: dict[str, object]) -> None:
    """A wrong value is refused with its path."""
    ((outer, inner),) = changes.items()

    assert f"/{outer}" in refused("azora-data", **{outer: inner})


@pytest.mark.parametrize(
    ("image", "said"),
    [("redis", "at '/images': missing property 'redis'"), ("localstripe", "images.localstripe is missing")],
)
def test_values_without_an_image(
    refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch, image: str, said: str
) -> None:
    """A missing image is refused by name."""
    monkeypatch.delitem(DATA["images"], image)

    assert said in refused("azora-data", localstripe={"enabled": True})
