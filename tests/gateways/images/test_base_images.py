"""Images that a Dockerfile names: what the tag of what is built on them changes with."""

from __future__ import annotations

import pytest

from azora.gateways.images.base_images import images_named


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
