"""The chart contract on the charts of this repository, and the errors for charts that break it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from azora.config.application import load_application
from azora.config.environment import environments, load_environment
from azora.config.settings import ROOT, Settings
from azora.core.colors import Color
from azora.core.release.release import Release
from azora.errors import BadInput
from azora.gateways.helm.client import Helm
from azora.operations.chart_check import check_charts
from azora.operations.checkout import Checkout
from azora.operations.promotion.chart_values import everything, stack_values
from tests.support.pod_security import offences
from tests.support.rendering import helm_program

EXAMPLES = ROOT / "docs/examples"
GUESTBOOK = EXAMPLES / "guestbook"
PLACES = {
    "this platform": (ROOT, ROOT / "deployments/environments"),
    "guestbook": (GUESTBOOK, EXAMPLES / "environments"),
}


def made_of(folder: Path) -> Release:
    """The release of the application in *folder*, with images that nobody made."""
    application = load_application(folder)
    images = {
        one.name: f"registry.example/{application.name}/{one.name}@sha256:{'0' * 64}" for one in application.images
    }
    return Release(application=application.name, commit="0" * 40, images=images, charts_digest="", values_digest="")


def render(folder: Path, environment: str, files: Path) -> None:
    """Check the charts as a run does before it builds."""
    application = load_application(folder)
    settings = Settings(helm=helm_program(), application=application.name, kube_context="none", identities=None)
    found = Checkout("0" * 40, folder, application)
    here = load_environment(environment, files)
    check_charts(found.delivery(made_of(folder), here, settings), Helm(here, settings))


@pytest.mark.parametrize("environment", ["staging", "production"])
@pytest.mark.parametrize("application", PLACES)
def test_charts_of_each_application(application: str, environment: str) -> None:
    """The charts of each application in this repository provide what Azora needs."""
    render(PLACES[application][0], environment, PLACES[application][1])


def test_environments_of_the_example() -> None:
    """The example has the environments that the flows name."""
    assert environments(EXAMPLES / "environments") == ["production", "staging"]


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_pods_of_the_example(environment: str) -> None:
    """The example's pods meet the restricted Pod Security Standard."""
    here = load_environment(environment, EXAMPLES / "environments")
    settings = Settings(helm=helm_program(), application="guestbook", kube_context="none", identities=None)
    delivery = Checkout("0" * 40, GUESTBOOK, load_application(GUESTBOOK)).delivery(made_of(GUESTBOOK), here, settings)
    helm = Helm(here, settings)
    objects = [found for name, chart, values in everything(delivery) for found in helm.render(name, chart, values)]
    pods = [found["spec"]["template"]["spec"] for found in objects if "template" in found["spec"]]
    assert len(pods) == 2 * 2
    assert [offences(pod) for pod in pods] == [[]] * len(pods)


@pytest.mark.parametrize(
    ("values", "replicas"),
    [
        pytest.param("", {"front": 3, "store": 2}, id="the chart's own"),
        pytest.param("replicas: {front: 1}\n", {"front": 1, "store": 2}, id="the environment's over it"),
        pytest.param(
            "replicas: {front: 5, worker: 7}\n", {"front": 5, "store": 2, "worker": 7}, id="one of no service"
        ),
    ],
)
def test_replicas(tmp_path: Path, values: str, replicas: dict[str, int]) -> None:
    """A service has the replicas of its values, of the chart's own where the environment has none."""
    folder = tmp_path / "guestbook"
    shutil.copytree(GUESTBOOK, folder)
    own = folder / "deployments/charts/guestbook/values.yaml"
    own.write_text(own.read_text().replace("{front: 1, store: 1}", "{front: 3, store: 2}"))
    (folder / "deployments/values/guestbook/staging.yaml").write_text(values)
    settings = Settings(helm=helm_program(), application="guestbook", kube_context="none", identities=None)
    here = load_environment("staging", EXAMPLES / "environments")
    delivery = Checkout("0" * 40, folder, load_application(folder)).delivery(made_of(folder), here, settings)
    assert stack_values(delivery, Color.BLUE, least={"front": 2})["replicas"] == replicas | {
        "front": max(replicas["front"], 2)
    }


@pytest.mark.parametrize(
    ("file", "change", "says"),
    [
        pytest.param(
            "charts/guestbook/templates/_pods.tpl",
            ("azora.dev/release: {{ .root.Values.azora.release | quote }}", 'tier: "any"'),
            ["the chart 'deployments/charts/guestbook'", "guestbook-blue-front lack azora.dev/release", "staging"],
            id="pods without the release",
        ),
        pytest.param(
            "charts/guestbook/templates/_pods.tpl",
            ("replicas: {{ get .root.Values.replicas .service }}", "replicas: 1"),
            ["Deployment guestbook-green-front has 1 replicas, though replicas.front is 2"],
            id="a number of its own, that blue happens to have",
        ),
        pytest.param(
            "charts/guestbook/templates/_pods.tpl",
            (
                '"%s-%s-%s" .root.Values.azora.application .root.Values.azora.color .service',
                '"%s-%s" .root.Values.azora.application .service',
            ),
            ["Deployment guestbook-front is in guestbook-blue and guestbook-green", "have its color in them"],
            id="names without the color",
        ),
        pytest.param(
            "charts/router/templates/services.yaml",
            ('"%s-preview"', '"%s-next"'),
            ["the chart 'deployments/charts/router'", "there is no Service guestbook-preview"],
            id="the other color has no Service",
        ),
        pytest.param(
            "values/guestbook/staging.yaml",
            ("book:", "replicas: 2\nbook:"),
            ["`replicas: 2`", "write `replicas: {SERVICE: n}`"],
            id="replicas as a number",
        ),
        pytest.param(
            "values/guestbook/staging.yaml",
            ("book:", 'replicas: {front: "3"}\nbook:'),
            ['`replicas.front: "3"`', "no whole number of 1 or more", "deployments/values/guestbook/staging.yaml"],
            id="replicas as text",
        ),
        pytest.param(
            "values/guestbook/staging.yaml",
            ("book:", "replicas: {front: null}\nbook:"),
            ["`replicas.front: null`", "no whole number of 1 or more"],
            id="replicas of nothing",
        ),
        pytest.param(
            "charts/guestbook/values.yaml",
            ("store: 1}", "store: 0}"),
            ["`replicas.store: 0`", "or the chart's values.yaml", "each service has a ready pod"],
            id="a service without pods",
        ),
        pytest.param(
            "values/guestbook/staging.yaml",
            ("book:", "images: {front: nginx}\nbook:"),
            ["`images.front` in the values of 'deployments/charts/guestbook' for staging: Azora sets it", "remove it"],
            id="a value that Azora would replace",
        ),
        pytest.param(
            "values/guestbook/staging.yaml",
            ("book:", "replica: {web: 2}\nbook:"),
            ["'replica' not allowed", "with the values of staging", "values.schema.json"],
            id="unknown key of the values",
        ),
        pytest.param(
            "charts/guestbook/templates/_pods.tpl",
            ("azora.dev/release: {{ .root.Values.azora.release | quote }}", '{{ include "guestbook.nowhere" . }}'),
            ["the chart 'deployments/charts/guestbook'", '"guestbook.nowhere"', "template"],
            id="a template that does not render",
        ),
        pytest.param(
            "charts/guestbook/templates/front.yaml",
            (
                "{{- include",
                "apiVersion: v1\nkind: List\nitems: [{apiVersion: batch/v1, kind: CronJob, metadata: {name: x}}]\n---\n{{ include",
            ),
            ["CronJob x would run in both colors"],
            id="a CronJob in a List",
        ),
    ],
)
def test_chart_with_a_fault(tmp_path: Path, file: str, change: tuple[str, str], says: list[str]) -> None:
    """A chart with a fault is refused with what to do, before anything is built."""
    folder = tmp_path / "guestbook"
    shutil.copytree(GUESTBOOK, folder)
    changed = folder / "deployments" / file
    assert change[0] in changed.read_text()
    changed.write_text(changed.read_text().replace(*change))
    with pytest.raises(BadInput) as refused:
        render(folder, "staging", EXAMPLES / "environments")
    assert refused.value.advice
    for words in says:
        assert words in str(refused.value)
