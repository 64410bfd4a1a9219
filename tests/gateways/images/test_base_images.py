"""Images that a Dockerfile names: what the tag of what is built on them changes with."""

from __future__ import annotations

import pytest

from azora.gateways.images.base_images import apart_from_stages, images_named

NODE, NGINX = (f"docker.io/library/{name}@sha256:{'0' * 64}" for name in ("node", "nginx"))


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
    ("dockerfile", "built", "contexts"),
    [
        pytest.param("FROM node AS build\nFROM nginx\n", None, ["nginx", "node"], id="other names"),
        pytest.param(
            "FROM node AS node\nFROM nginx AS Nginx\nCOPY --from=node /a /\n",
            f"FROM {NODE} AS node\nFROM {NGINX} AS Nginx\nCOPY --from=node /a /\n",
            [],
            id="named like its base",
        ),
        pytest.param("FROM node AS node\nFROM node\n", f"FROM {NODE} AS node\nFROM node\n", ["nginx"], id="used as base"),
        pytest.param(
            "ARG V=node\nFROM --platform=x \\\n  $V as node\nRUN <<E\nFROM node AS node\nE\n",
            f"ARG V=node\nFROM --platform=x {NODE} as node\n\nRUN <<E\nFROM node AS node\nE\n",
            ["nginx"],
            id="variable, lines that go on",
        ),
        pytest.param("FROM node AS nginx\nFROM nginx AS node\n", f"FROM {NODE} AS nginx\nFROM nginx AS node\n", [], id="crosswise"),
        pytest.param("FRMO node AS node\n", None, ["nginx", "node"], id="no Dockerfile"),
    ],
)  # fmt: skip
def test_stage_named_like_its_base(dockerfile: str, built: str | None, contexts: list[str]) -> None:
    """A copy from a stage takes the stage, and its base is still used by digest."""
    text, rest = apart_from_stages(dockerfile, {}, {"node": NODE, "nginx": NGINX})
    assert (text, sorted(rest)) == (built or dockerfile, contexts)
