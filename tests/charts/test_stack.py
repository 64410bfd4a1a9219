"""The chart `azora`: one complete copy of the platform in one color."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.rendering import APPLICATION, CHARTS, ENVIRONMENTS, SERVICES, STACK, Object, Render, Rendering, image

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


def test_a_stack_has_one_of_each_per_service_and_its_settings_and_its_migration(stack: Render) -> None:
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


def test_two_colors_share_no_object(stack: Render) -> None:
    assert not stack(azora={"color": "blue"}).names() & stack(azora={"color": "green"}).names()


def test_two_colors_share_no_pod(stack: Render) -> None:
    """What a Deployment or a Service of one color selects is never a pod of the other."""
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


def test_every_object_says_what_it_belongs_to(stack: Render) -> None:
    for found in stack(azora={"color": "green"}).objects:
        assert labels(found)["app.kubernetes.io/name"] == "azora"
        assert labels(found)["azora.dev/color"] == "green"


@each_service
def test_a_selector_picks_the_pods_of_one_service(stack: Render, service: str) -> None:
    rendering = stack()

    for kind in ("Deployment", "Service"):
        found = rendering.of(kind)[f"azora-blue-{service}"]["spec"]["selector"]
        picked = found.get("matchLabels", found)
        assert [name for name, pod in rendering.pods().items() if picked.items() <= labels(pod).items()] == [
            f"azora-blue-{service}"
        ]


def test_the_release_is_a_label_of_pods_and_never_selects(stack: Render) -> None:
    """Selectors of a Deployment cannot change, and the live Service must pick the same pods after each release."""
    rendering = stack(azora={"release": "0badcafe0000"})

    assert {labels(pod)["azora.dev/release"] for pod in rendering.pods().values()} == {"0badcafe0000"}
    assert all(set(selector) == IDENTITY for selector in selectors(rendering))
    assert not [found for found in rendering.objects if "azora.dev/release" in labels(found)]


@pytest.mark.parametrize("release", ["001234567890", "12345678e012", "0x1234567890"])
def test_a_release_id_that_looks_like_a_number_stays_as_it_is(stack: Render, release: str) -> None:
    assert {labels(pod)["azora.dev/release"] for pod in stack(azora={"release": release}).pods().values()} == {release}


def test_what_runs_is_named_by_digest(stack: Render) -> None:
    runs = {name: only_container(pod)["image"] for name, pod in stack().pods().items()}

    assert runs == {f"azora-blue-{name}": image(name) for name in [*SERVICES, "migrations"]}


@pytest.mark.parametrize("reference", ["registry.example/azora/web:latest", "registry.example/azora/web@sha256:12", ""])
def test_an_image_by_tag_is_refused(refused: Callable[..., str], reference: str) -> None:
    said = refused("azora", images={"web": reference})

    assert "/images/web" in said
    assert "does not match pattern" in said


def test_a_missing_image_is_refused_by_name(refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_a_typing_mistake_at_any_depth_is_refused(refused: Callable[..., str], changes: dict[str, Any]) -> None:
    assert "not allowed" in refused("azora", **changes)


def schema(chart: str) -> dict[str, Any]:
    known: dict[str, Any] = json.loads((CHARTS / chart / "values.schema.json").read_text())["properties"]
    return known


def test_the_schemas_know_exactly_what_the_application_file_names() -> None:
    stack, data = schema("azora"), schema("azora-data")
    of_the_stack = [each["name"] for each in APPLICATION["images"] if each.get("chart", "stack") == "stack"]
    of_the_data = [each["name"] for each in APPLICATION["images"] if each.get("chart", "stack") == "data"]

    assert sorted(stack["services"]["properties"]) == sorted(stack["replicas"]["properties"]) == sorted(SERVICES)
    assert sorted(stack["images"]["properties"]) == sorted(of_the_stack)
    assert sorted(data["images"]["properties"]) == sorted(of_the_data)


@pytest.mark.parametrize(("environment", "count"), [("staging", 1), ("production", 3)])
def test_each_environment_has_its_size(stack: Render, environment: str, count: int) -> None:
    sizes = {name: found["spec"]["replicas"] for name, found in stack(environment).of("Deployment").items()}

    assert sizes == {f"azora-blue-{name}": count for name in SERVICES}


def test_replicas_are_counted_per_service(stack: Render) -> None:
    sizes = stack(replicas={"web": 5, "pay": 0}).of("Deployment")

    assert sizes["azora-blue-web"]["spec"]["replicas"] == 5
    assert sizes["azora-blue-pay"]["spec"]["replicas"] == 0
    assert sizes["azora-blue-api"]["spec"]["replicas"] == 1


def test_a_disruption_budget_only_where_a_pod_can_be_spared(stack: Render) -> None:
    """With one replica it would block every drain of a node."""
    assert set(stack(replicas={"web": 2}).of("PodDisruptionBudget")) == {"azora-blue-web"}
    assert len(stack("production").of("PodDisruptionBudget")) == len(SERVICES)


def test_pods_meet_the_restricted_standard(stack: Render) -> None:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted, and no way to write or to call the API."""
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


def test_thirty_pods_fit_on_a_small_node(stack: Render) -> None:
    """Both colors of production at full size, while one replaces the other: two cores, 4 GiB."""
    deployments = stack("production").of("Deployment").values()
    asked = [
        (only_container(d["spec"]["template"])["resources"]["requests"], d["spec"]["replicas"]) for d in deployments
    ]

    assert 2 * sum(count * int(requests["cpu"].removesuffix("m")) for requests, count in asked) <= 500
    assert 2 * sum(count * int(requests["memory"].removesuffix("Mi")) for requests, count in asked) <= 2500


@each_service
def test_a_pod_takes_requests_only_while_it_says_so(stack: Render, service: str) -> None:
    container = only_container(stack().pods()[f"azora-blue-{service}"])

    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    assert container["readinessProbe"]["periodSeconds"] <= 2
    assert container["livenessProbe"]["httpGet"]["path"] == container["startupProbe"]["httpGet"]["path"] == "/healthz"
    assert container["ports"] == [{"name": "http", "containerPort": 8000}]


def test_an_upgrade_never_takes_a_pod_away_before_its_successor_is_ready(stack: Render) -> None:
    for found in stack().of("Deployment").values():
        assert found["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
        assert found["spec"]["progressDeadlineSeconds"] == 300


def test_a_stopping_pod_has_time_to_finish_what_runs(stack: Render) -> None:
    """DRAIN_SECONDS 5 and SHUTDOWN_SECONDS 35 of services/README.md fit into the grace period."""
    graces = {
        pod["spec"].get("terminationGracePeriodSeconds")
        for name, pod in stack().pods().items()
        if "migrations" not in name
    }

    assert graces == {45}


def test_a_service_reaches_its_siblings_in_its_own_color(stack: Render) -> None:
    settings = stack(azora={"color": "green"}).of("ConfigMap")["azora-green-config"]["data"]

    assert {f"{name.upper()}_URL": f"http://azora-green-{name}" for name in SERVICES}.items() <= settings.items()
    assert "blue" not in json.dumps(settings)


@each_service
def test_a_pod_knows_its_color_and_its_release_from_its_own_labels(stack: Render, service: str) -> None:
    pod = stack().pods()[f"azora-blue-{service}"]
    read = {
        name: source["fieldRef"]["fieldPath"] for name, source in variables(pod).items() if name.startswith("AZORA_")
    }

    assert read == {
        "AZORA_COLOR": "metadata.labels['azora.dev/color']",
        "AZORA_RELEASE": "metadata.labels['azora.dev/release']",
    }


def test_the_services_around_do_not_become_variables(stack: Render) -> None:
    """A Service named `azora` would otherwise set AZORA_PORT=tcp://… in every pod."""
    assert {pod["spec"]["enableServiceLinks"] for pod in stack().pods().values()} == {False}


def test_only_who_needs_a_secret_gets_it(stack: Render) -> None:
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


def test_a_secret_is_named_by_where_it_is_kept(stack: Render) -> None:
    """`data`: the databases', shared by both colors. `color`: this stack's. Anything else: a Secret of the namespace."""
    names = {"A": "data/database-url", "B": "color/STRIPE_API_KEY", "C": "my-stripe/api-key"}
    pod = stack(services={"web": {"secretEnv": names}}).pods()["azora-blue-web"]

    assert {name: source["secretKeyRef"] for name, source in variables(pod).items() if name in names} == {
        "A": {"name": "azora-data", "key": "database-url"},
        "B": {"name": "azora-blue-secrets", "key": "STRIPE_API_KEY"},
        "C": {"name": "my-stripe", "key": "api-key"},
    }


def test_a_secret_of_a_color_is_made_at_random_or_given(stack: Render) -> None:
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


def test_a_changed_setting_starts_new_pods_and_nothing_else_does(stack: Render) -> None:
    """A random secret is made once a rendering: all pods agree on its checksum."""
    fixed = {"secrets": {"STRIPE_API_KEY": {"value": "x"}}}
    ((config, secrets),) = checksums(stack(**fixed))

    assert checksums(stack(replicas={"web": 7}, **fixed)) == {(config, secrets)}
    ((other_config, same),) = checksums(stack(config={"LOG_LEVEL": "DEBUG"}, **fixed))
    assert (other_config != config, same == secrets) == (True, True)
    ((same, other_secrets),) = checksums(stack(secrets={"STRIPE_API_KEY": {"value": "y"}}))
    assert (same == config, other_secrets != secrets) == (True, True)
    assert len(checksums(stack())) == 1


def test_the_migration_runs_before_anything_changes(stack: Render) -> None:
    job = stack().of("Job")["azora-blue-migrations"]

    assert job["metadata"]["annotations"] == {
        "helm.sh/hook": "pre-install,pre-upgrade",
        "helm.sh/hook-delete-policy": "before-hook-creation,hook-succeeded",
    }
    assert job["spec"]["backoffLimit"] <= 3
    assert job["spec"]["activeDeadlineSeconds"] <= 600
    assert job["spec"]["template"]["spec"]["restartPolicy"] == "Never"


def test_the_migration_needs_nothing_that_the_stack_brings(stack: Render) -> None:
    """A hook runs before the ConfigMap and the Secret of its color are there."""
    pod = stack().pods()["azora-blue-migrations"]

    assert "azora-blue-" not in json.dumps(pod["spec"])
    assert (
        variables(pod)["AZORA_ENVIRONMENT"] == "staging"
    )  # told in its log; the stack's pods have it from the ConfigMap


def test_another_application_has_other_names(stack: Render) -> None:
    rendering = stack(azora={"application": "shop"})

    assert all(name.startswith("shop-blue-") for _, name in rendering.names())
    assert variables(rendering.pods()["shop-blue-auth"])["DATABASE_URL"]["secretKeyRef"]["name"] == "shop-data"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_there_are_values_for_every_environment(stack: Render, environment: str) -> None:
    assert stack(environment).of("Deployment")
