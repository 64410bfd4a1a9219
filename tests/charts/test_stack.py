"""The chart `azora`: one complete copy of the platform in one color."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.rendering import APPLICATION, CHARTS, SERVICES, STACK, Object, Render, Rendering, image

IDENTITY = {"app.kubernetes.io/name", "app.kubernetes.io/component", "azora.dev/color"}
each_service = pytest.mark.parametrize("service", SERVICES)


def labels(found: Object) -> dict[str, str]:
    given: dict[str, str] = found["metadata"]["labels"]
    return given


def only_container(pod: Object) -> Object:
    (container,) = pod["spec"]["containers"]
    return dict(container)


def variables(pod: Object) -> dict[str, Any]:
    return {given["name"]: given.get("value", given.get("valueFrom")) for given in only_container(pod)["env"]}


def test_object_names(stack: Render) -> None:
    """A stack has a Deployment and a Service each, settings, policies and a migration Job."""
    per_service = {(kind, f"azora-blue-{name}") for kind in ("Deployment", "Service") for name in SERVICES}

    policies = (
        "azora-blue-inside",
        "azora-blue-to-postgresql",
        "azora-blue-to-redis",
        "azora-blue-web",
        "azora-blue-pay",
    )
    assert stack().names() == per_service | {
        *(("NetworkPolicy", name) for name in policies),
        ("ConfigMap", "azora-blue-config"),
        ("Secret", "azora-blue-secrets"),
        ("Job", "azora-blue-migrations"),
    }


def test_objects_of_two_colors(stack: Render) -> None:
    """Two colors share no object."""
    assert not stack(azora={"color": "blue"}).names() & stack(azora={"color": "green"}).names()


def test_pods_of_two_colors(stack: Render) -> None:
    """No selector of one color selects a pod of the other."""
    blue, green = stack(azora={"color": "blue"}), stack(azora={"color": "green"})

    for selector in selectors(blue):
        assert [name for name, pod in blue.pods().items() if selector.items() <= labels(pod).items()]
        assert not [name for name, pod in green.pods().items() if selector.items() <= labels(pod).items()]


def selectors(rendering: Rendering) -> list[dict[str, str]]:
    services = [found["spec"]["selector"] for found in rendering.of("Service").values()]
    matching = [
        found["spec"]["selector"]["matchLabels"]
        for kind in ("Deployment", "PodDisruptionBudget")
        for found in rendering.of(kind).values()
    ]
    return services + matching


def test_labels(stack: Render) -> None:
    """Each object has the application and the color as labels."""
    for found in stack(azora={"color": "green"}).objects:
        assert labels(found)["app.kubernetes.io/name"] == "azora"
        assert labels(found)["azora.dev/color"] == "green"


@each_service
def test_selector(stack: Render, service: str) -> None:
    """A selector selects the pods of one service."""
    rendering = stack()

    for kind in ("Deployment", "Service"):
        found = rendering.of(kind)[f"azora-blue-{service}"]["spec"]["selector"]
        picked = found.get("matchLabels", found)
        assert [name for name, pod in rendering.pods().items() if picked.items() <= labels(pod).items()] == [
            f"azora-blue-{service}"
        ]


def test_selector_without_the_release(stack: Render) -> None:
    """The release is a label of pods only: a Deployment's selector cannot change."""
    rendering = stack(azora={"release": "0badcafe0000"})

    assert {labels(pod)["azora.dev/release"] for pod in rendering.pods().values()} == {"0badcafe0000"}
    assert all(set(selector) == IDENTITY for selector in selectors(rendering))
    assert not [found for found in rendering.objects if "azora.dev/release" in labels(found)]


@pytest.mark.parametrize("release", ["001234567890", "12345678e012", "0x1234567890"])
def test_release_id_that_is_a_number(stack: Render, release: str) -> None:
    """A release id that looks like a number stays a text."""
    assert {labels(pod)["azora.dev/release"] for pod in stack(azora={"release": release}).pods().values()} == {release}


def test_images(stack: Render) -> None:
    """Each container runs its image by digest."""
    runs = {name: only_container(pod)["image"] for name, pod in stack().pods().items()}

    assert runs == {f"azora-blue-{name}": image(name) for name in [*SERVICES, "migrations"]}


@pytest.mark.parametrize("reference", ["registry.example/azora/web:latest", "registry.example/azora/web@sha256:12", ""])
def test_images_by_tag(refused: Callable[..., str], reference: str) -> None:
    """An image by tag is refused."""
    said = refused("azora", images={"web": reference})

    assert "/images/web" in said
    assert "does not match pattern" in said


def test_images_that_are_missing(refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing image is refused by name."""
    monkeypatch.delitem(STACK["images"], "pay")

    assert "at '/images': missing property 'pay'" in refused("azora")


@pytest.mark.parametrize(
    "changes",
    [
        {"images": {"wbe": image("web")}},
        {"replicas": {"wbe": 1}},
        {"services": {"wbe": {}}},
        {"services": {"web": {"enviroment": {}}}},
        {"resources": {"limit": {}}},
        {"secrets": {"KEY": {"valeu": "x"}}},
    ],
    ids=json.dumps,
)
def test_values_with_a_typing_mistake(refused: Callable[..., str], changes: dict[str, Any]) -> None:
    """A typing mistake at any depth is refused."""
    assert "not allowed" in refused("azora", **changes)


def schema(chart: str) -> dict[str, Any]:
    known: dict[str, Any] = json.loads((CHARTS / chart / "values.schema.json").read_text())["properties"]
    return known


def test_schemas_and_the_application_file() -> None:
    """The schemas have exactly the services and images of application.yaml."""
    stack, data = schema("azora"), schema("azora-data")
    of_the_stack = [each["name"] for each in APPLICATION["images"] if each.get("chart", "stack") == "stack"]
    of_the_data = [each["name"] for each in APPLICATION["images"] if each.get("chart", "stack") == "data"]

    assert sorted(stack["services"]["properties"]) == sorted(stack["replicas"]["properties"]) == sorted(SERVICES)
    assert sorted(stack["images"]["properties"]) == sorted(of_the_stack)
    assert sorted(data["images"]["properties"]) == sorted(of_the_data)


@pytest.mark.parametrize(("environment", "count"), [("staging", 1), ("production", 3)])
def test_replicas_of_an_environment(stack: Render, environment: str, count: int) -> None:
    """Each environment has its number of replicas."""
    sizes = {name: found["spec"]["replicas"] for name, found in stack(environment).of("Deployment").items()}

    assert sizes == {f"azora-blue-{name}": count for name in SERVICES}


def test_replicas_of_a_service(stack: Render) -> None:
    """The values set the replicas of each service alone."""
    sizes = stack(replicas={"web": 5, "pay": 0}).of("Deployment")

    assert sizes["azora-blue-web"]["spec"]["replicas"] == 5
    assert sizes["azora-blue-pay"]["spec"]["replicas"] == 0
    assert sizes["azora-blue-api"]["spec"]["replicas"] == 1


def test_disruption_budget(stack: Render) -> None:
    """One replica has no disruption budget: it would block each drain of a node."""
    assert set(stack(replicas={"web": 2}).of("PodDisruptionBudget")) == {"azora-blue-web"}
    assert len(stack("production").of("PodDisruptionBudget")) == len(SERVICES)


def test_pod_security(stack: Render) -> None:
    """Each pod meets the restricted standard, and can neither write nor call the API server."""
    for pod in stack("production").pods().values():
        spec, container = pod["spec"], only_container(pod)
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] == 10001
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert spec["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
        assert all(set(volume) <= {"name", "emptyDir", "configMap", "secret"} for volume in spec.get("volumes", []))


def test_requests_of_both_colors(stack: Render) -> None:
    """Both colors of production at full size fit on two cores and 4 GiB."""
    deployments = stack("production").of("Deployment").values()
    asked = [
        (only_container(d["spec"]["template"])["resources"]["requests"], d["spec"]["replicas"]) for d in deployments
    ]

    assert 2 * sum(count * int(requests["cpu"].removesuffix("m")) for requests, count in asked) <= 500
    assert 2 * sum(count * int(requests["memory"].removesuffix("Mi")) for requests, count in asked) <= 2500


@each_service
def test_probes(stack: Render, service: str) -> None:
    """A pod gets requests only while it is ready, and is restarted only when it is not alive."""
    container = only_container(stack().pods()[f"azora-blue-{service}"])

    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    assert container["readinessProbe"]["periodSeconds"] <= 2
    assert container["livenessProbe"]["httpGet"]["path"] == container["startupProbe"]["httpGet"]["path"] == "/healthz"
    assert container["ports"] == [{"name": "http", "containerPort": 8000}]


def test_rolling_update(stack: Render) -> None:
    """An upgrade removes no pod before its successor is ready."""
    for found in stack().of("Deployment").values():
        assert found["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
        assert found["spec"]["progressDeadlineSeconds"] == 300


def test_grace_period(stack: Render) -> None:
    """DRAIN_SECONDS 5 and SHUTDOWN_SECONDS 35 of services/README.md fit in the grace period."""
    graces = {
        pod["spec"].get("terminationGracePeriodSeconds")
        for name, pod in stack().pods().items()
        if "migrations" not in name
    }

    assert graces == {45}


def test_sibling_addresses(stack: Render) -> None:
    """The services of a color reach each other in that color."""
    settings = stack(azora={"color": "green"}).of("ConfigMap")["azora-green-config"]["data"]

    assert {f"{name.upper()}_URL": f"http://azora-green-{name}" for name in SERVICES}.items() <= settings.items()
    assert "blue" not in json.dumps(settings)


@each_service
def test_color_and_release_variables(stack: Render, service: str) -> None:
    """A pod has its color and its release from its own labels."""
    pod = stack().pods()[f"azora-blue-{service}"]
    read = {
        name: source["fieldRef"]["fieldPath"] for name, source in variables(pod).items() if name.startswith("AZORA_")
    }

    assert read == {
        "AZORA_COLOR": "metadata.labels['azora.dev/color']",
        "AZORA_RELEASE": "metadata.labels['azora.dev/release']",
    }


def test_service_links(stack: Render) -> None:
    """Service links are off: a Service named `azora` would set AZORA_PORT=tcp://… in each pod."""
    assert {pod["spec"]["enableServiceLinks"] for pod in stack().pods().values()} == {False}


def test_secrets_of_each_service(stack: Render) -> None:
    """Each service gets the secrets that it needs, and no other."""
    received = {
        name.removeprefix("azora-blue-"): sorted(
            key for key, source in variables(pod).items() if "secretKeyRef" in source
        )
        for name, pod in stack().pods().items()
    }

    assert received == {
        "web": ["REDIS_URL"],
        "api": [],
        "auth": ["DATABASE_URL", "REDIS_URL", "TRIALS_TOKEN"],
        "edu": ["DATABASE_URL", "REDIS_URL", "TRIALS_TOKEN"],
        "pay": ["DATABASE_URL", "REDIS_URL", "STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET", "TRIALS_TOKEN"],
        "migrations": ["DATABASE_URL"],
    }


def test_secret_by_its_place(stack: Render) -> None:
    """`data` is both colors' Secret, `color` this stack's, any other name one of the namespace."""
    names = {"A": "data/database-url", "B": "color/STRIPE_API_KEY", "C": "my-stripe/api-key"}
    pod = stack(services={"web": {"secretEnv": names}}).pods()["azora-blue-web"]

    assert {name: source["secretKeyRef"] for name, source in variables(pod).items() if name in names} == {
        "A": {"name": "azora-data", "key": "database-url"},
        "B": {"name": "azora-blue-secrets", "key": "STRIPE_API_KEY"},
        "C": {"name": "my-stripe", "key": "api-key"},
    }


def test_secret_of_a_color(stack: Render) -> None:
    """A secret of a color is random or given."""
    secrets = {"MADE": {}, "STRIPE_API_KEY": {"prefix": "sk_test_"}, "GIVEN": {"value": "open sesame"}}
    held = stack(secrets=secrets).of("Secret")["azora-blue-secrets"]["data"]
    plain = {name: b64decode(value).decode() for name, value in held.items()}

    assert len(plain["MADE"]) == 40
    assert plain["STRIPE_API_KEY"].startswith("sk_test_")
    assert len(plain["STRIPE_API_KEY"]) == 48
    assert plain["GIVEN"] == "open sesame"


def checksums(rendering: Rendering) -> set[tuple[str, str]]:
    found = [pod["metadata"]["annotations"] for name, pod in rendering.pods().items() if "migrations" not in name]
    return {(each["checksum/config"], each["checksum/secrets"]) for each in found}


def test_checksums(stack: Render) -> None:
    """Changed settings or secrets start new pods, and nothing else does."""
    fixed = {"secrets": {"STRIPE_API_KEY": {"value": "x"}}}
    ((config, secrets),) = checksums(stack(**fixed))

    assert checksums(stack(replicas={"web": 7}, **fixed)) == {(config, secrets)}
    ((other_config, same),) = checksums(stack(config={"LOG_LEVEL": "DEBUG"}, **fixed))
    assert (other_config != config, same == secrets) == (True, True)
    ((same, other_secrets),) = checksums(stack(secrets={"STRIPE_API_KEY": {"value": "y"}}))
    assert (same == config, other_secrets != secrets) == (True, True)
    assert len(checksums(stack())) == 1


def test_migration_job(stack: Render) -> None:
    """The migration runs before anything changes, a few times at most and for a limited time."""
    job = stack().of("Job")["azora-blue-migrations"]

    assert job["metadata"]["annotations"] == {
        "helm.sh/hook": "pre-install,pre-upgrade",
        "helm.sh/hook-delete-policy": "before-hook-creation,hook-succeeded",
    }
    assert job["spec"]["backoffLimit"] <= 3
    assert job["spec"]["activeDeadlineSeconds"] <= 600
    assert job["spec"]["template"]["spec"]["restartPolicy"] == "Never"


def test_migration_without_the_stack(stack: Render) -> None:
    """The migration needs no object of its color: a hook runs before them."""
    pod = stack().pods()["azora-blue-migrations"]

    assert "azora-blue-" not in json.dumps(pod["spec"])
    assert (
        variables(pod)["AZORA_ENVIRONMENT"] == "staging"
    )  # told in its log; the stack's pods have it from the ConfigMap


def test_names_of_another_application(stack: Render) -> None:
    """Another application has other names."""
    rendering = stack(azora={"application": "shop"})

    assert all(name.startswith("shop-blue-") for _, name in rendering.names())
    assert variables(rendering.pods()["shop-blue-auth"])["DATABASE_URL"]["secretKeyRef"]["name"] == "shop-data"
