"""Images that a Dockerfile names: what the tag of what is built on them changes with."""

from __future__ import annotations

from pathlib import Path

import pytest

from azora.config.application import Image
from azora.config.settings import Settings
from azora.errors import BadInput
from azora.gateways.images.base_images import images_named, images_that_are_stages, pinned_images


@pytest.mark.parametrize(
    ("dockerfile", "named"),
    [
        pytest.param("FROM python:3.13", ["python:3.13"], id="plain"),
        pytest.param("from python:3.13 as Build\nFROM build", ["python:3.13"], id="stage, in whatever case"),
        pytest.param("FROM scratch", [], id="nothing"),
        pytest.param("ARG BASE\nFROM $BASE", ["h/base"], id="base of the settings"),
        pytest.param("ARG BASE=python:3\nFROM ${BASE}", ["h/base"], id="base of the settings, not the default"),
        pytest.param("ARG V=3.13\nARG N=python:$V\nFROM $N-slim", ["python:3.13-slim"], id="argument in an argument"),
        pytest.param("ARG V\nFROM python:${V:-3}", ["python:3"], id="default of an expansion"),
        pytest.param("ARG V\nFROM python:$V", [], id="argument without a value"),
        pytest.param("FROM --platform=$BUILDPLATFORM golang:1 AS b\nFROM alpine", ["golang:1", "alpine"], id="platform"),
        pytest.param("FROM a\nCOPY --from=ghcr.io/x/uv:1 /uv /", ["a", "ghcr.io/x/uv:1"], id="copy of an image"),
        pytest.param("FROM a AS one\nFROM b\nCOPY --from=one /a /\nCOPY --from=0 /a /", ["a", "b"], id="copy of a stage"),
        pytest.param("FROM a\nRUN --mount=type=bind,from=b,target=/b true", ["a", "b"], id="mount"),
        pytest.param("FROM a\nCOPY <<EOF /x\nFROM b\nEOF", ["a"], id="text that looks like it"),
        pytest.param("# escape=`\nFROM `\n  a", ["a"], id="line that goes on, by another sign"),
        pytest.param("FROM a@sha256:" + "0" * 64, ["a@sha256:" + "0" * 64], id="digest"),
        pytest.param("FRMO nothing", [], id="no Dockerfile"),
        pytest.param("", [], id="empty"),
    ],
)  # fmt: skip
def test_images_named(dockerfile: str, named: list[str]) -> None:
    """Stages and what is known at the build alone are left out."""
    assert list(images_named(dockerfile, {"BASE": "h/base"})) == named


@pytest.mark.parametrize(
    ("dockerfile", "both"),
    [
        pytest.param("FROM node AS node\nFROM nginx\nCOPY --from=node /a /", {"node"}, id="copy"),
        pytest.param("FROM node AS Node\nRUN a\nFROM node", {"node"}, id="stage on the stage"),
        pytest.param("FROM node AS node\nFROM a\nRUN --mount=from=node,target=/n true", {"node"}, id="mount"),
        pytest.param("FROM go AS a\nFROM b AS go\nFROM c\nCOPY --from=go /a /", {"go"}, id="stage on another image"),
        pytest.param("FROM node AS node\nRUN a", set(), id="stage that nothing uses"),
        pytest.param("FROM node:24 AS node\nFROM b\nCOPY --from=node /a /", set(), id="image with a tag"),
        pytest.param("FROM scratch AS a\nFROM scratch\nCOPY --from=0 /a /", set(), id="nothing"),
    ],
)  # fmt: skip
def test_image_and_stage_of_one_name(dockerfile: str, both: set[str]) -> None:
    """A pinned image would be taken where the stage is meant."""
    assert images_that_are_stages(dockerfile, {}) == both


def test_dockerfile_with_one_name_for_both(tmp_path: Path) -> None:
    """The error names the Dockerfile, before a registry is asked."""
    (tmp_path / "Dockerfile").write_text("FROM node AS node\nFROM nginx\nCOPY --from=node /a /")
    image = Image(name="front", context=".", dockerfile="Dockerfile")
    with pytest.raises(BadInput, match="the Dockerfile 'Dockerfile': 'node' is an image and, later, a stage"):
        pinned_images(image, tmp_path, "", Settings())
