"""`deployments/application.yaml`: read as it stands; each mistake gets one line with file and key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from azora.config.application import FILE, SecretKey, load_application
from azora.config.settings import Settings
from azora.errors import BadInput
from azora.operations.checkout import Checkout, must_be_releasable

GOOD: dict[str, Any] = {
    "name": "shop",
    "edge": "front",
    "services": [{"name": "front", "test": ["make", "test"]}, {"name": "back"}],
    "images": [{"name": "front", "context": "src", "dockerfile": "src/Dockerfile", "sources": ["src/front"]}],
    "charts": {"stack": "charts/stack", "router": "charts/router"},
    "values": "values",
    "health": "/health",
    "probe": "/version",
    "suites": {"e2e": "cases/e2e", "smoke": "cases/smoke"},
}


def committed(folder: Path, content: Any) -> Path:
    for path in ("src/front", "charts/stack", "charts/router", "values", "cases/e2e", "cases/smoke", "deployments"):
        (folder / path).mkdir(parents=True)
    (folder / "src/Dockerfile").touch()
    (folder / FILE).write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return folder


def test_application_file(tmp_path: Path) -> None:
    """The file is read as it stands; what it leaves out is none."""
    application = load_application(committed(tmp_path, GOOD))

    assert application.service_names == ["front", "back"]
    assert application.services[0].test == ("make", "test")
    assert application.images[0].sources == ("src/front",)
    assert application.charts.data is None
    assert application.migrations is None


@pytest.mark.parametrize(
    ("change", "line"),
    [
        pytest.param({"imagse": []}, "imagse: unknown key", id="unknown key"),
        pytest.param({"charts": {**GOOD["charts"], "dta": "x"}}, "charts.dta: unknown key", id="unknown key inside"),
        pytest.param({"charts": {"stack": "charts/stack"}}, "charts.router: is required", id="missing key"),
        pytest.param(
            {"charts": {"stack": "charts/stack", "router": "router/stack"}},
            "charts: two folders are named 'stack': both would read the same values",
            id="charts of one folder name",
        ),
        pytest.param({"health": "health"}, "health: String should match", id="health is no path"),
        pytest.param(
            {"suites": {**GOOD["suites"], "secret": {"name": "shop-data"}}},
            "suites.secret.key: is required",
            id="half a secret",
        ),
        pytest.param({"name": 7}, "name: Input should be a valid string", id="a number is no name"),
        pytest.param({"name": "Shop"}, "name: String should match", id="a name that no object can have"),
        pytest.param({"values": "/etc"}, "values: must be a path inside the repository", id="absolute path"),
        pytest.param(
            {"values": "values/../../x"}, "values: must be a path inside the repository", id="path that leads out"
        ),
        pytest.param({"values": "vals"}, "values: 'vals' is not in this commit", id="path that is not there"),
        pytest.param({"edge": "wbe"}, "edge: 'wbe' is none of the services front, back", id="edge is no service"),
        pytest.param({"services": [{"name": "front"}] * 2}, "services: named twice: front", id="service named twice"),
        pytest.param(
            {"images": [{**GOOD["images"][0], "sources": ["charts/stack"]}]},
            "images.0: sources outside the context 'src': charts/stack",
            id="source that the build cannot see",
        ),
        pytest.param(
            {"images": [{**GOOD["images"][0], "context": "../x"}]},
            "images.0.context: must be a path inside the repository",
            id="context that leads out",
        ),
        pytest.param({"values": "./"}, "values: must be a path inside the repository", id="root in other words"),
    ],
)
def test_mistake_in_the_application_file(tmp_path: Path, change: dict[str, Any], line: str) -> None:
    """Each mistake is refused with file and key."""
    with pytest.raises(BadInput) as refused:
        load_application(committed(tmp_path, GOOD | change))

    assert refused.value.message.startswith(f"could not read '{FILE}': {line}")


@pytest.mark.parametrize("context", [".", "./", "src", "src/front"])
def test_build_context_of_any_folder(tmp_path: Path, context: str) -> None:
    """Any folder is a build context, the root too; without `sources` all that is in it counts."""
    image = {"name": "front", "context": context, "dockerfile": "src/Dockerfile"}
    application = load_application(committed(tmp_path, GOOD | {"images": [image, {**GOOD["images"][0], "name": "b"}]}))

    assert application.images[0].context == context.rstrip("/")
    assert application.images[0].sources == ()


def test_build_context_with_sources(tmp_path: Path) -> None:
    """Sources may lie anywhere in the build context."""
    image = {**GOOD["images"][0], "context": ".", "sources": ["src/front", "values"]}

    assert load_application(committed(tmp_path, GOOD | {"images": [image]})).images[0].sources == (
        "src/front",
        "values",
    )


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        pytest.param("/version", ("/version", "X-Azora-Color", {}), id="path alone"),
        pytest.param({"path": "/up", "color_header": "none"}, ("/up", None, {}), id="no header"),
        pytest.param(
            {"path": "/up", "color_header": "X-Served-By", "headers": {"X-Key": {"name": "probe", "key": "password"}}},
            ("/up", "X-Served-By", {"X-Key": SecretKey(name="probe", key="password")}),
            id="all of it",
        ),
    ],
)
def test_probe_of_an_application(tmp_path: Path, said: object, asked: tuple[object, ...]) -> None:
    """The probe is a path, or a path with the header of the color and headers from Secrets."""
    probe = load_application(committed(tmp_path / "a", GOOD | {"probe": said})).probe
    assert (probe.path, probe.color_header, probe.headers) == asked


def test_suites_of_an_application(tmp_path: Path) -> None:
    """End-to-end cases are optional, smoke cases are required."""
    suites = load_application(committed(tmp_path / "a", GOOD | {"suites": {"smoke": "cases/smoke"}})).suites
    assert suites.folder("smoke") == "cases/smoke"
    with pytest.raises(BadInput, match="could not run the e2e cases: the application has no such suite"):
        suites.folder("e2e")
    with pytest.raises(BadInput, match=r"suites\.smoke: is required"):
        load_application(committed(tmp_path / "b", GOOD | {"suites": {"e2e": "cases/e2e"}}))


def test_commit_of_another_application(tmp_path: Path) -> None:
    """A machine refuses a commit of another application and names the setting."""
    folder = committed(tmp_path, GOOD)
    found = Checkout("0" * 40, folder, load_application(folder))
    must_be_releasable(found, Settings(application="shop"))
    with pytest.raises(BadInput, match=r"could not release 'shop'.*this machine releases 'azora'") as refused:
        must_be_releasable(found, Settings(application="azora"))
    assert "AZORA_APPLICATION" in refused.value.advice


@pytest.mark.parametrize("content", ["name: [", "just text", ""], ids=["broken", "text", "empty"])
def test_file_that_is_no_mapping(tmp_path: Path, content: str) -> None:
    """A file that is no mapping is refused."""
    with pytest.raises(BadInput, match=FILE):
        load_application(committed(tmp_path, content))


def test_commit_without_the_file(tmp_path: Path) -> None:
    """A commit without the file is refused."""
    with pytest.raises(BadInput, match="the commit has no such file"):
        load_application(tmp_path)
