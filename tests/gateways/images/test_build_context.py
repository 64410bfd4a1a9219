"""Build contexts: what a tag is the hash of and what a build can see are the same files."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from azora.config.application import Image
from azora.errors import BadInput
from azora.gateways.images import build_context
from azora.gateways.images.buildah import buildah
from azora.gateways.images.image_tag import content_tag

NAMED = Image(name="web", context="src", dockerfile="src/web/Dockerfile", sources=("src/web",))
WHOLE = Image(name="web", context="src", dockerfile="src/web/Dockerfile")
ROOT = Image(name="web", context=".", dockerfile="src/web/Dockerfile")

FILES = (
    ".hidden",
    "README.md",
    "a/b/keep.txt",
    "a/b/notes.md",
    "a/notes.md",
    "a/temp1",
    "docs/README.md",
    "docs/deep/README.md",
    "docs/deep/page.txt",
    "somedir/temporary.txt",
    "temp1",
    "temp12",
)


def commit(export: Path, *names: str, ignore: dict[str, str] | None = None) -> Path:
    for name, content in {**dict.fromkeys(names, "x"), **(ignore or {})}.items():
        (export / name).parent.mkdir(parents=True, exist_ok=True)
        (export / name).write_text(content)
    return export


def web(export: Path, **ignore: str) -> Path:
    """Write the files that the images above describe into *export*."""
    commit(export, "src/web/page", "src/web/more.md", "src/other", "outside")
    (export / "src/web/Dockerfile").write_text("FROM scratch\nCOPY . /all/\n")
    return commit(export, ignore=ignore)


def seen(image: Image, export: Path, into: Path) -> set[str]:
    """Files of the context that a build is given, relative to the export."""
    build_context.copy(image, export, into)
    return {str(path.relative_to(into / "export")) for path in (into / "export").rglob("*") if not path.is_dir()}


@pytest.mark.parametrize(
    ("lines", "ignored"),
    [
        pytest.param("", set(), id="empty"),
        pytest.param("# comment", set(), id="a comment"),
        pytest.param("*/temp*", {"a/temp1", "somedir/temporary.txt"}, id="in any folder of the root"),
        pytest.param("*/*/page*", {"docs/deep/page.txt"}, id="two levels below the root"),
        pytest.param("temp?", {"temp1"}, id="one more character"),
        pytest.param("docs", {"docs/README.md", "docs/deep/README.md", "docs/deep/page.txt"}, id="a folder"),
        pytest.param("/docs/", {"docs/README.md", "docs/deep/README.md", "docs/deep/page.txt"}, id="slashes around"),
        pytest.param("  temp1  ", {"temp1"}, id="blanks around"),
        pytest.param("./a/../temp1", {"temp1"}, id="dots in it"),
        pytest.param("*.md", {"README.md"}, id="a star stays in its folder"),
        pytest.param("**/*.md", {name for name in FILES if name.endswith(".md")}, id="any number of folders"),
        pytest.param("a/**", {"a/b/keep.txt", "a/b/notes.md", "a/notes.md", "a/temp1"}, id="all below"),
        pytest.param("temp[0-9]", {"temp1"}, id="a range"),
        pytest.param("temp[^0-9]", set(), id="none of a range"),
        pytest.param(r"t\emp1", {"temp1"}, id="an escaped character"),
        pytest.param(".*", {".hidden"}, id="a dot is no wildcard"),
        pytest.param("**/*.md\n!README.md", {"a/b/notes.md", "a/notes.md", "docs/README.md", "docs/deep/README.md"}, id="but one"),
        pytest.param("!README.md\n*.md", {"README.md"}, id="the last match counts"),
        pytest.param("docs\n!docs/deep", {"docs/README.md"}, id="but a folder of it"),
        pytest.param("docs\n!docs/deep\ndocs/deep/page.txt", {"docs/README.md", "docs/deep/page.txt"}, id="in turn"),
        pytest.param("*\n!a/b", set(FILES) - {"a/b/keep.txt", "a/b/notes.md"}, id="nothing but a folder"),
        pytest.param("*\n!**/README.md", {n for n in FILES if not n.endswith("README.md")}, id="nothing but a name"),
        pytest.param("**\n!/temp1", set(FILES) - {"temp1"}, id="a slash after the mark"),
        pytest.param("\ufefftemp1\r\ntemp12\r\n", {"temp1", "temp12"}, id="as Windows writes it"),
    ],
)  # fmt: skip
def test_ignore_file(tmp_path: Path, lines: str, ignored: set[str]) -> None:
    """The file is read as documented: https://docs.docker.com/build/concepts/context/#syntax."""
    export = commit(tmp_path / "export", *FILES, ignore={".dockerignore": lines, "Dockerfile": ""})

    kept = seen(Image(name="web", context=".", dockerfile="Dockerfile"), export, tmp_path / "into")

    assert set(FILES) - kept == ignored


@pytest.mark.parametrize("lines", ["[", "a[", "[]a]", "!", "\\"])
def test_ignore_file_with_a_mistake(tmp_path: Path, lines: str) -> None:
    """The error names the file and the line."""
    export = web(tmp_path, **{"src/.dockerignore": f"fine\n{lines}\n"})

    with pytest.raises(BadInput, match=rf"could not read 'src/\.dockerignore': .*{re.escape(lines)}"):
        content_tag(WHOLE, export, "", {})


@pytest.mark.parametrize(
    ("there", "read"),
    [
        pytest.param([], None, id="none"),
        pytest.param(["src/.dockerignore"], "src/.dockerignore", id="docker's"),
        pytest.param(["src/.dockerignore", "src/.containerignore"], "src/.containerignore", id="buildah's first"),
        pytest.param(
            ["src/.containerignore", "src/web/Dockerfile.containerignore"],
            "src/web/Dockerfile.containerignore",
            id="the Dockerfile's own first",
        ),
        pytest.param(
            ["src/web/Dockerfile.containerignore", "src/web/Dockerfile.dockerignore"],
            "src/web/Dockerfile.dockerignore",
            id="of those, docker's first",
        ),
        pytest.param([".dockerignore", "src/web/.dockerignore"], None, id="not of another folder"),
    ],
)
def test_ignore_file_among_several(tmp_path: Path, there: list[str], read: str | None) -> None:
    """One ignore file counts, and it is the one that buildah chooses."""
    export = web(tmp_path / "export", **dict.fromkeys(there, "other"))

    assert build_context.ignore_file(WHOLE, export) == read
    assert ("src/other" in seen(WHOLE, export, tmp_path / "into")) == (read is None)


@pytest.mark.parametrize(
    ("image", "files"),
    [
        pytest.param(NAMED, {"src/web/page", "src/web/Dockerfile"}, id="sources"),
        pytest.param(WHOLE, {"src/web/page", "src/web/Dockerfile", "src/other"}, id="a folder"),
        pytest.param(
            ROOT,
            {"src/web/page", "src/web/more.md", "src/web/Dockerfile", "src/other", "outside", "src/.containerignore"},
            id="the root",
        ),
    ],
)
def test_files_of_a_context(tmp_path: Path, image: Image, files: set[str]) -> None:
    """A build sees the declared files, less the ignored ones."""
    export = web(tmp_path / "export", **{"src/.containerignore": "**/*.md\n.containerignore"})
    commit(export, "src/web/__pycache__/page.pyc")

    assert seen(image, export, tmp_path / "into") == files


@pytest.mark.parametrize(
    ("image", "pinned", "ignore", "tag"),
    [
        pytest.param(NAMED, "", {}, "a4c6823f1032905d", id="plain"),
        pytest.param(NAMED, f"h/b@sha256:{'0' * 64}", {}, "eac83f4426646c9e", id="on a base"),
        pytest.param(NAMED, "", {"src/.dockerignore": "x\n"}, "2f7b12a86cad0eb9", id="with an ignore file"),
        pytest.param(
            NAMED,
            "",
            {"src/.dockerignore": "x\n", "src/.containerignore": "x\n"},
            "d525597b6117120a",
            id="with another that goes first",
        ),
    ],
)
def test_tag_of_named_sources(tmp_path: Path, image: Image, pinned: str, ignore: dict[str, str], tag: str) -> None:
    """The tag stays the one of earlier versions: no built release is built again."""
    commit(tmp_path, ignore={"src/web/page": "hello", "src/undeclared": "not in sources", **ignore})
    commit(tmp_path, ignore={"src/web/Dockerfile": "FROM scratch\nCOPY web/page /page\n"})

    assert content_tag(image, tmp_path, pinned, {}) == tag


@pytest.mark.parametrize(
    ("change", "same"),
    [
        pytest.param({"src/other": "y"}, False, id="a file of the context"),
        pytest.param({"src/new": "y"}, False, id="a new file"),
        pytest.param({"src/web/more.md": "y"}, True, id="an ignored file"),
        pytest.param({"src/new.md": "y"}, True, id="a new ignored file"),
        pytest.param({"outside": "y"}, True, id="a file outside"),
        pytest.param({"src/web/Dockerfile": "FROM scratch\n"}, False, id="the ignored Dockerfile"),
        pytest.param({"src/.dockerignore": "**/*.md\n"}, False, id="the ignore file"),
    ],
)
def test_tag_of_a_whole_context(tmp_path: Path, change: dict[str, str], same: bool) -> None:
    """The tag changes with the files that go into the build."""
    export = web(tmp_path, **{"src/.dockerignore": "**/*.md\nweb/Dockerfile\n"})
    tag = content_tag(WHOLE, export, "", {})

    assert (content_tag(WHOLE, commit(export, ignore=change), "", {}) == tag) == same


def test_dockerfile_that_is_a_link(tmp_path: Path) -> None:
    """A Dockerfile that is a link counts by its content."""
    export = web(tmp_path / "export", **{"Dockerfile.prod": "FROM scratch\n"})
    (export / "src/web/Dockerfile").unlink()
    (export / "src/web/Dockerfile").symlink_to("../../Dockerfile.prod")
    tag = content_tag(WHOLE, export, "", {})
    build_context.copy(WHOLE, export, tmp_path / "into")

    assert build_context.dockerfile(WHOLE, tmp_path / "into").read_text() == "FROM scratch\n"
    (export / "Dockerfile.prod").write_text("FROM scratch\nUSER 1\n")
    assert content_tag(WHOLE, export, "", {}) != tag


def test_file_name_in_another_encoding(tmp_path: Path) -> None:
    """A file name that is no UTF-8 is copied and counted, as git stores bytes."""
    export, name = web(tmp_path / "export"), os.fsdecode(b"src/\xff")
    tag = content_tag(WHOLE, export, "", {})

    assert name in seen(WHOLE, commit(export, name), tmp_path / "into")
    assert content_tag(WHOLE, export, "", {}) != tag


def test_context_that_is_a_file(tmp_path: Path) -> None:
    """A context that is a file is refused."""
    with pytest.raises(BadInput, match="could not read the context 'src/other': not a folder"):
        content_tag(WHOLE.model_copy(update={"context": "src/other"}), web(tmp_path), "", {})


@pytest.mark.skipif(not shutil.which("buildah"), reason="needs buildah: `make up` installs it")
def test_image_by_buildah_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build by hand from the whole folder gives the same image."""
    lines = "*.md\n!README.md\na/b/*\n**/page.txt\n/docs/README.md\ntemp?\nDockerfile\n.dockerignore\n"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    image = Image(name="web", context=".", dockerfile="Dockerfile")
    dockerfile = {"Dockerfile": "FROM scratch\nCOPY . /all/\n", ".dockerignore": lines}
    export = commit(tmp_path / "export", *FILES, ignore=dockerfile)
    build_context.copy(image, export, tmp_path / "into")
    ours = ["--file", str(build_context.dockerfile(image, tmp_path / "into")), "--ignorefile", "/dev/null"]

    assert in_image(tmp_path, "ours", *ours, str(tmp_path / "into/export")) == in_image(tmp_path, "theirs", str(export))


def in_image(folder: Path, name: str, *arguments: str) -> set[str]:
    """Files in the image that buildah builds by *arguments*."""
    archive = folder / f"{name}.tar"
    build = ["bud", "--isolation", "oci", "--network", "host", "--tag", name, *arguments]
    for command in (build, ["push", name, f"docker-archive:{archive}"]):
        done = buildah(command, what="try", timeout_seconds=60)
        assert done.returncode == 0, done.errors
    layers = [line for line in listed(archive) if line.endswith(".tar")]
    subprocess.run(["tar", "--extract", f"--file={archive}", f"--directory={folder}", *layers], check=True)
    return {line for layer in layers for line in listed(folder / layer) if not line.endswith("/")}


def listed(archive: Path) -> list[str]:
    done = subprocess.run(["tar", "--list", f"--file={archive}"], capture_output=True, text=True, check=True)
    return done.stdout.split()
