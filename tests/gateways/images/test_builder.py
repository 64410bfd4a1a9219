"""Images: built once per content, from declared sources alone, deployed by digest.

The registry and buildah are real.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import shutil
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from azora.config.application import Image
from azora.config.settings import Settings
from azora.errors import BadInput, BuildFailed, Refused, Unreachable
from azora.gateways.images import image_tag, package_index, registry
from azora.gateways.images.buildah import buildah, forget_old, layers_kept
from azora.gateways.images.builder import Built, build
from azora.gateways.images.registry import Reference
from tests.support.clusters import record_of_images
from tests.support.registries import HASHED, PASSWORD, free_port, serving

IMAGE = Image(name="web", context="src", dockerfile="src/web/Dockerfile", sources=("src/web",))
DIGEST = "sha256:" + "0" * 64

RECORDS = defaultdict(record_of_images)  # of each application

built_for_real = pytest.mark.skipif(
    not (shutil.which("buildah") and shutil.which("docker-registry")),
    reason="needs buildah and docker-registry: `make up` installs them",
)


@pytest.fixture(scope="module")
def running_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("registry")) as address:
        yield address


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, running_registry: str, home: Path) -> tuple[Path, str, Path]:
    """An export, the registry, a log."""
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home / "run"))
    return committed(tmp_path / "export"), f"{running_registry}/team", tmp_path / "build.log"


def machine(registry: str, base: str = "") -> Settings:
    return Settings(registry=registry, registry_plain_http=True, base_image=base)


def committed(export: Path, dockerfile: str = "FROM scratch\nCOPY web/page /page\n", page: str = "hello") -> Path:
    (export / "src/web").mkdir(parents=True)
    (export / "src/web/page").write_text(page)
    (export / "src/web/Dockerfile").write_text(dockerfile)
    (export / "src/undeclared").write_text("not in sources")
    return export


def tags_kept() -> set[str]:
    return set(buildah(["images", "--format", "{{.Tag}}"], what="list", timeout_seconds=10).output.split())


def built(
    place: tuple[Path, str, Path], export: Path | None = None, base: str = "", application: str = "shop"
) -> Built:
    return build(application, IMAGE, export or place[0], machine(place[1], base), RECORDS[application], log=place[2])


@built_for_real
def test_image_with_the_same_content(place: tuple[Path, str, Path], tmp_path: Path) -> None:
    """The same content is built once, and named by its digest."""
    first = built(place)
    again = built(place, committed(tmp_path / "other"))

    assert first.reference == f"{place[1]}/shop/web@{registry.find('shop/web', first.tag, machine(place[1]))}"
    assert (first.reused, again.reused) == (False, True)
    assert again.reference == first.reference
    assert built(place, committed(tmp_path / "changed", page="bye")).reference != first.reference


@built_for_real
def test_image_built_in_parallel(place: tuple[Path, str, Path], tmp_path: Path) -> None:
    """Parallel builds of the same content get the same digest."""
    exports = [committed(tmp_path / str(number), page="raced") for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda export: built(place, export, application="raced"), exports))

    assert len({result.reference for result in results}) == 1


@built_for_real
def test_image_that_the_registry_lost(place: tuple[Path, str, Path], tmp_path: Path) -> None:
    """A lost image is pushed again from the layers, with the same digest."""
    first = built(place, committed(tmp_path / "one", page="lost"), application="first")
    moved = built(place, committed(tmp_path / "two", page="lost"), application="second")

    assert moved.reference.split("@")[1] == first.reference.split("@")[1]
    assert "Using cache" in place[2].read_text()


@built_for_real
def test_image_on_a_base(place: tuple[Path, str, Path], tmp_path: Path) -> None:
    """The base is used by digest, and is part of the tag."""
    base = built(place, application="base")
    on_top = committed(tmp_path / "top", "ARG BASE\nFROM $BASE\nCOPY web/page /top\n")

    result = built(place, on_top, base=f"{place[1]}/base/web:{base.tag}")

    assert f"FROM {base.reference}" in place[2].read_text()
    assert result.tag == image_tag.content_tag(IMAGE, on_top, base.reference, {})
    assert result.tag != image_tag.content_tag(IMAGE, on_top, base.reference.replace("sha256:", "sha256:0")[:-1], {})


@built_for_real
def test_image_on_a_moving_base(place: tuple[Path, str, Path], tmp_path: Path) -> None:
    """A base that the Dockerfile names is looked up at each build: a new one, under the same tag, is built upon."""
    named = f"{place[1]}/moving/web:latest"
    on_top = committed(tmp_path / "top", f"FROM {named} AS below\nFROM scratch\nCOPY --from=below /page /top\n")
    results = []
    for page in ("old", "new"):
        base = built(place, committed(tmp_path / page, page=page), application="moving")
        copied = buildah(
            ["push", "--tls-verify=false", base.reference.partition("@")[0] + f":{base.tag}", f"docker://{named}"],
            what="move the tag", timeout_seconds=60,
        )  # fmt: skip
        assert copied.returncode == 0, copied.errors
        results.append(built(place, on_top))
        assert f"FROM {base.reference}" in place[2].read_text()
    assert results[0].reference != results[1].reference
    assert not any(one.reused for one in results)
    assert built(place, on_top).reused


@built_for_real
def test_secret_that_is_ignored(place: tuple[Path, str, Path], tmp_path: Path) -> None:
    """Whichever of the ignore files names it, a secret among the sources cannot go in."""
    for name in ("src/.containerignore", "src/web/Dockerfile.dockerignore"):
        export = committed(tmp_path / Path(name).name, "FROM scratch\nCOPY web/secret /x\n")
        (export / "src/web/secret").write_text("s3cret")
        (export / name).write_text("**/secret\n")
        with pytest.raises(BuildFailed, match="secret"):
            built(place, export)


@built_for_real
def test_image_with_an_undeclared_file(place: tuple[Path, str, Path], tmp_path: Path) -> None:
    """An undeclared file cannot go into an image."""
    export = committed(tmp_path / "greedy", "FROM scratch\nCOPY undeclared /x\n")

    with pytest.raises(BuildFailed, match="undeclared"):
        built(place, export)


@built_for_real
def test_image_of_a_whole_context(place: tuple[Path, str, Path], tmp_path: Path) -> None:
    """A whole context goes in less the ignored files; the Dockerfile is read even if ignored."""
    image = IMAGE.model_copy(update={"context": ".", "sources": ()})
    export = committed(tmp_path / "whole", "FROM scratch\nCOPY src/undeclared /x\nCOPY . /all/\n")
    first = build("whole", image, export, machine(place[1]), RECORDS["whole"], log=place[2])
    assert build("whole", image, export, machine(place[1]), RECORDS["whole"], log=place[2]) == dataclasses.replace(
        first, reused=True, seconds=pytest.approx(0, abs=5)
    )

    (export / ".dockerignore").write_text("src/web/Dockerfile\nsrc/undeclared\n")
    with pytest.raises(BuildFailed, match="undeclared"):
        build("whole", image, export, machine(place[1]), RECORDS["whole"], log=place[2])
    (export / "src/web/Dockerfile").write_text("FROM scratch\nCOPY . /all/\n")
    assert not build("whole", image, export, machine(place[1]), RECORDS["whole"], log=place[2]).reused


@built_for_real
def test_build_that_fails(place: tuple[Path, str, Path], tmp_path: Path) -> None:
    """The error has the last lines of the build and the path of its log."""
    with pytest.raises(BuildFailed) as failed:
        built(place, committed(tmp_path / "broken", "FROM scratch\nFRMO nothing\n"))

    assert "could not build image 'web'" in failed.value.message
    assert "FRMO" in failed.value.message
    assert str(place[2]) in failed.value.advice


@built_for_real
def test_base_that_is_missing(place: tuple[Path, str, Path]) -> None:
    """The error names the missing base image."""
    with pytest.raises(BadInput, match=r"could not find the base image '.*/base/none:1'"):
        built(place, base=f"{place[1]}/base/none:1")


@built_for_real
def test_build_with_a_stored_login(
    place: tuple[Path, str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """docker's `credsStore`, which buildah does not read, is used for look-up, base and push."""
    (tmp_path / "bin").mkdir()
    helper = tmp_path / "bin/docker-credential-keys"
    helper.write_text(f'#!/bin/sh\ncat >/dev/null\necho \'{{"Username":"ada","Secret":"{PASSWORD}"}}\'\n')
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    (tmp_path / "config.json").write_text('{"credsStore": "keys"}')
    (tmp_path / "htpasswd").write_text(f"ada:{HASHED}\n")
    auth = f"auth: {{htpasswd: {{realm: here, path: {tmp_path / 'htpasswd'}}}}}\n"
    with serving(tmp_path, auth) as address:
        with pytest.raises(Refused, match="HTTP 401"):
            build("shop", IMAGE, place[0], machine(address), RECORDS["shop"], log=place[2])
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
        first = build("base", IMAGE, place[0], machine(address), RECORDS["base"], log=place[2])
        on_top = committed(tmp_path / "top", "ARG BASE\nFROM $BASE\nCOPY web/page /top\n")
        assert build("shop", IMAGE, on_top, machine(address, first.reference), RECORDS["shop"], log=place[2]).reference
    assert PASSWORD not in place[2].read_text()


@built_for_real
def test_build_with_the_registry_login(place: tuple[Path, str, Path], tmp_path: Path) -> None:
    """The file of AZORA_REGISTRY_LOGIN is used for look-up, base and push, beside a person's other logins."""
    (tmp_path / "htpasswd").write_text(f"ada:{HASHED}\n")
    auth = f"auth: {{htpasswd: {{realm: here, path: {tmp_path / 'htpasswd'}}}}}\n"
    with serving(tmp_path, auth) as address:
        login = tmp_path / "login.json"
        entry = base64.b64encode(f"ada:{PASSWORD}".encode()).decode()
        login.write_text(json.dumps({"auths": {address: {"auth": entry}}}))
        here = machine(address).model_copy(update={"registry_login": login})
        first = build("base", IMAGE, place[0], here, RECORDS["base"], log=place[2])
        on_top = committed(tmp_path / "top", "ARG BASE\nFROM $BASE\nCOPY web/page /top\n")
        here = here.model_copy(update={"base_image": first.reference})
        assert build("shop", IMAGE, on_top, here, RECORDS["shop"], log=place[2]).reference
        assert not registry.takes_pushes_from_anybody(here)
        with pytest.raises(BadInput, match="there is no such file"):
            build(
                "shop",
                IMAGE,
                on_top,
                here.model_copy(update={"registry_login": tmp_path / "gone"}),
                RECORDS["shop"],
                log=place[2],
            )


@built_for_real
def test_registry_that_is_open(place: tuple[Path, str, Path]) -> None:
    """A registry that requests no login for a push is known by an upload that nobody began, and holds nothing afterwards."""
    assert registry.takes_pushes_from_anybody(machine(place[1]))
    address = place[1].partition("/")[0]
    assert "team/azora/doctor" not in httpx.get(f"http://{address}/v2/_catalog", trust_env=False).text


def test_build_without_a_registry(tmp_path: Path) -> None:
    """A registry that does not answer is unreachable."""
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(Unreachable, match="refused"):
        build("shop", IMAGE, committed(tmp_path / "e"), machine(address), RECORDS["shop"], log=tmp_path / "log")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("h:5000/base/python:3", Reference("h:5000", "base/python", "3")),
        ("h.example/python", Reference("h.example", "python")),
        (f"localhost/a/b@{DIGEST}", Reference("localhost", "a/b", "latest", DIGEST)),
        (f"h:1/a:2@{DIGEST}", Reference("h:1", "a", "2", DIGEST)),
        ("python:3.13", Reference("docker.io", "library/python", "3.13")),
        ("python", Reference("docker.io", "library/python")),
        ("docker.io/library/python:3.13", Reference("docker.io", "library/python", "3.13")),
        ("docker.io/python", Reference("docker.io", "library/python")),
        ("index.docker.io/grafana/grafana:12", Reference("docker.io", "grafana/grafana", "12")),
        ("grafana/grafana", Reference("docker.io", "grafana/grafana")),
        (f"python@{DIGEST}", Reference("docker.io", "library/python", "latest", DIGEST)),
        ("ghcr.io/a/b/c-d__e.f:v1_2-3.4", Reference("ghcr.io", "a/b/c-d__e.f", "v1_2-3.4")),
    ],
)
def test_image_name(text: str, expected: Reference) -> None:
    """Host, repository and tag or digest of a name are read."""
    assert Reference.parse(text, Settings()) == expected


@pytest.mark.parametrize(
    "text", ["", "h:1/", "h:1/a@sha256:0", "Python:3", "a b", "a:b c", "https://h/a", "a//b", "$BASE"]
)
def test_image_name_that_is_none(text: str) -> None:
    """A name that no registry would accept is refused."""
    with pytest.raises(BadInput, match="no name of an image"):
        Reference.parse(text, Settings())


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"dockerfile": "src/web/Other"}, id="another Dockerfile"),
        pytest.param({"context": "."}, id="another context"),
        pytest.param({"sources": ("src/web", "src/undeclared")}, id="more sources"),
    ],
)
def test_tag_of_another_description(tmp_path: Path, change: dict[str, str]) -> None:
    """The tag changes with the Dockerfile's path, the context and the sources."""
    export = committed(tmp_path / "e")
    shutil.copy(export / "src/web/Dockerfile", export / "src/web/Other")
    tag = image_tag.content_tag(IMAGE, export, "", {})

    assert image_tag.content_tag(IMAGE.model_copy(update=change), export, "", {}) != tag


def test_package_index_of_a_build(tmp_path: Path) -> None:
    """A package index reaches pip and uv in files, and on no command line."""
    usual = tmp_path / "pip.conf"
    usual.write_text("[global]\nindex-url = https://usual.example/simple\ntrusted-host = usual.example\n")
    env = {"PIP_INDEX_URL": "https://ada:100%25@own.example/simple", "UV_INDEX": "https://a.example https://b.example"}

    assert package_index.pip_settings(env, [usual]).splitlines() == [
        "[global]",
        "cert = /etc/ssl/certs/ca-certificates.crt",
        "disable-pip-version-check = true",
        "index-url = https://ada:100%25@own.example/simple",
        "trusted-host = usual.example",
    ]
    assert package_index.uv_settings(env).splitlines() == [
        "native-tls = true",
        'extra-index-url = ["https://a.example", "https://b.example"]',
    ]


@built_for_real
def test_build_mounts(place: tuple[Path, str, Path], home: Path, tmp_path: Path) -> None:
    """Neither a good nor a failed build leaves a mount."""
    built(place, application="mounted")
    with pytest.raises(BuildFailed):
        built(place, committed(tmp_path / "broken", "FROM scratch\nCOPY undeclared /x\n"))

    assert str(home) not in Path("/proc/mounts").read_text()


@built_for_real
def test_build_cache(place: tuple[Path, str, Path], tmp_path: Path) -> None:
    """The build cache keeps the newest three of an image; the registry keeps all."""
    tags = [
        built(place, committed(tmp_path / str(number), page=f"kept {number}"), application="kept").tag
        for number in range(5)
    ]

    assert set(tags) & tags_kept() == set(tags[2:])
    assert all(registry.find("kept/web", tag, machine(place[1])) for tag in tags)


@built_for_real
def test_build_cache_during_a_build(place: tuple[Path, str, Path], tmp_path: Path) -> None:
    """No layer is dropped during a build, which would fail with "layer not known"."""
    name = f"{place[1]}/busy/web"
    tag = built(place, committed(tmp_path / "busy", page="busy"), application="busy").tag

    with layers_kept():
        forget_old(name, keep=0)
        assert tag in tags_kept()
    forget_old(name, keep=0)
    assert tag not in tags_kept()
