"""Names and mirrors of base images by registries.conf, from real files.

Containers-registries.conf(5) has the rules.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from azora.config.settings import Settings
from azora.errors import BadInput, Unreachable
from azora.gateways.images import base_images, registries_conf
from azora.gateways.images.base_images import found_base
from azora.gateways.images.registries_conf import full_names, sources
from azora.gateways.images.registry import Reference, digest_of_tag

HUB = '[[registry]]\nlocation = "docker.io"\n'
MIRROR = '[[registry.mirror]]\nlocation = "mirror.corp/hub"\n'
PYTHON = "docker.io/library/python:3"
DIGEST = "sha256:" + "1" * 64


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user and a system without a registries.conf."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CONTAINERS_REGISTRIES_CONF", raising=False)
    monkeypatch.setattr(registries_conf, "SYSTEM", tmp_path / "etc")
    monkeypatch.setattr(registries_conf, "REMEMBERED", tmp_path / "remembered.conf")
    return tmp_path


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@pytest.mark.parametrize(
    ("text", "name", "names"),
    [
        pytest.param("", "fedora:40", ["fedora:40"], id="no file"),
        pytest.param('[aliases]\nfedora = "r.example/f"', "fedora:40", ["r.example/f:40"], id="alias"),
        pytest.param('[aliases]\n"a/b" = "r.example/f"', "a/b", ["r.example/f"], id="alias of a path"),
        pytest.param('[aliases]\nfedora = ""', "fedora", ["fedora"], id="alias erased"),
        pytest.param('unqualified-search-registries = ["a.example", "docker.io"]', "x:1", ["a.example/x:1", "docker.io/x:1"], id="search"),
        pytest.param('unqualified-search-registries = ["a.example"]', "h:5000/x", ["h:5000/x"], id="full name"),
        pytest.param('unqualified-search-registries = ["a.example"]', "localhost/x", ["localhost/x"], id="of this machine"),
    ],
)  # fmt: skip
def test_short_name(home: Path, text: str, name: str, names: list[str]) -> None:
    """An alias counts, else the search registries, else Docker's hub."""
    write(home / "etc/registries.conf", text)
    assert full_names(name) == names


@pytest.mark.parametrize(
    ("text", "name", "places"),
    [
        pytest.param("", PYTHON, [PYTHON], id="no file"),
        pytest.param(HUB, PYTHON, [PYTHON], id="no mirror"),
        pytest.param(HUB + MIRROR, PYTHON, ["mirror.corp/hub/library/python:3", PYTHON], id="mirror"),
        pytest.param(HUB + MIRROR, "quay.io/a", ["quay.io/a:latest"], id="another registry"),
        pytest.param(HUB + MIRROR + 'pull-from-mirror = "digest-only"', PYTHON, [PYTHON], id="mirror for digests"),
        pytest.param(f"{HUB}mirror-by-digest-only = true\n{MIRROR}", PYTHON, [PYTHON], id="mirrors for digests"),
        pytest.param('[[registry]]\nprefix = "docker.io"\nlocation = "m.corp/x"', PYTHON, ["m.corp/x/library/python:3"], id="remapped"),
        pytest.param(HUB + MIRROR + '[[registry]]\nlocation = "docker.io/library"', PYTHON, [PYTHON], id="longest prefix"),
        pytest.param('[[registry]]\nlocation = "docker.io/lib"' + MIRROR.replace("[[", "\n[["), PYTHON, [PYTHON], id="no part of a name"),
        pytest.param('[[registry]]\nprefix = "*.corp"\n' + MIRROR, "a.corp/b", ["mirror.corp/hub/b:latest", "a.corp/b:latest"], id="subdomains"),
    ],
)  # fmt: skip
def test_mirror(home: Path, text: str, name: str, places: list[str]) -> None:
    """Mirrors are asked before the registry, the table with the longest prefix counts."""
    write(home / "etc/registries.conf", text)
    assert [str(place) for place in sources(Reference.parse(name, Settings()))] == places


def test_mirror_without_tls(home: Path) -> None:
    """An insecure mirror is asked by HTTP, its registry still with TLS."""
    write(home / "etc/registries.conf", HUB + MIRROR + "insecure = true")
    assert [place.plain_http for place in sources(Reference.parse(PYTHON, Settings()))] == [True, False]


def test_files_in_their_order(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's file replaces the system's; drop-in files are added to both, and have priority."""
    alias = '[aliases]\n{} = "{}.example/x"'
    write(home / "etc/registries.conf", alias.format("a", "system"))
    assert full_names("a") == ["system.example/x"]
    write(home / "home/.config/containers/registries.conf", alias.format("b", "user"))
    assert (full_names("a"), full_names("b")) == (["a"], ["user.example/x"])
    write(home / "etc/registries.conf.d/1.conf", alias.format("b", "drop-in"))
    assert full_names("b") == ["drop-in.example/x"]
    write(home / "home/.config/containers/registries.conf.d/1.conf", alias.format("b", "own"))
    assert full_names("b") == ["own.example/x"]
    write(home / "named.conf", alias.format("c", "named"))
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(home / "named.conf"))
    assert (full_names("b"), full_names("c")) == (["own.example/x"], ["named.example/x"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("aliases = [", "registries.conf': ", id="no TOML"),
        pytest.param('unqualified-search-registries = "docker.io"', "unqualified-search-registries: ", id="no list"),
    ],
)
def test_file_that_is_wrong(home: Path, text: str, said: str) -> None:
    """The error names file and key."""
    write(home / "etc/registries.conf", text)
    with pytest.raises(BadInput, match=said):
        full_names("a")


def test_base_image_of_a_mirror(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mirror that does not answer is passed over; the image keeps its name, as for buildah."""
    asked = []

    def digest(place: Reference) -> str | None:
        asked.append(place.host)
        if place.host == "dead.corp":
            raise Unreachable("could not look it up")
        return DIGEST if place.host == "mirror.corp" else None

    monkeypatch.setattr(base_images, "digest_of_tag", digest)
    dead = MIRROR.replace("mirror.corp", "dead.corp")
    search = 'unqualified-search-registries = ["quay.io", "docker.io"]\n'
    write(home / "etc/registries.conf", search + HUB + dead + MIRROR)
    reference, found = found_base("python:3", Settings())
    assert (str(reference), found, asked) == (PYTHON, DIGEST, ["quay.io", "dead.corp", "mirror.corp"])


def test_base_image_that_is_not_reached(home: Path) -> None:
    """The error names each place that was asked."""
    write(
        home / "etc/registries.conf",
        '[[registry]]\nlocation = "127.0.0.1:1"\n[[registry.mirror]]\nlocation = "127.0.0.1:2"',
    )
    with pytest.raises(Unreachable, match=r"look '127\.0\.0\.1:2/a:1' up.*; could not look '127\.0\.0\.1:1/a:1' up"):
        found_base("127.0.0.1:1/a:1", Settings())


def test_registry_that_is_not_reached() -> None:
    """The advice is about the registry of the image: AZORA_REGISTRY is named for the own one alone."""
    for own in (True, False):
        with pytest.raises(Unreachable) as caught:
            digest_of_tag(Reference("127.0.0.1:1", "a", plain_http=True, own=own))
        assert ("AZORA_REGISTRY" in caught.value.advice, "registries.conf" in caught.value.advice) == (own, not own)
