"""Unpacking of trees that were written by hand: nothing is written elsewhere."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from azora.errors import BadInput, PermanentError
from azora.gateways.git import unpacking
from azora.gateways.git.export import export
from azora.gateways.git.unpacking import unpack
from tests.support.repositories import Repository, at

LONG, STEPS, LAST = "d" * 240, "abcdefghijklmnop", "l" * 250


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZORA_STATE", str(tmp_path / "state"))


class Forge(Repository):
    """Repository whose trees have entries that no Git command makes."""

    def put(self, kind: str, content: bytes) -> str:
        command = ["git", "hash-object", "-t", kind, "-w", "--stdin", "--literally"]
        done = subprocess.run(command, cwd=self.folder, input=content, check=True, capture_output=True)
        return done.stdout.decode().strip()

    def file(self, name: str, content: str = "x") -> bytes:
        return self._entry("100644", name, self.put("blob", content.encode()))

    def link(self, name: str, target: str) -> bytes:
        return self._entry("120000", name, self.put("blob", target.encode()))

    def folder_of(self, name: str, *entries: bytes) -> bytes:
        return self._entry("40000", name, self.put("tree", b"".join(entries)))

    def release(self, *entries: bytes) -> str:
        sha = self.git("commit-tree", self.put("tree", b"".join(entries)), "-m", "Forged")
        self.git("update-ref", "refs/heads/main", sha)
        return sha

    @staticmethod
    def _entry(mode: str, name: str, sha: str) -> bytes:
        return f"{mode} {name}\0".encode() + bytes.fromhex(sha)


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    return Forge(tmp_path / "repository")


def too_long_to_judge(forge: Forge) -> str:
    """Tree with links to a path that is longer than the system's limit: CVE-2025-4517 of Python's tarfile."""
    real, steps = [forge.file("keep")], [forge.link(LAST, "/".join([".."] * len(STEPS)))]
    for step in reversed(STEPS[1:]):
        real = [forge.link(step, LONG), forge.folder_of(LONG, *real)]
        steps = [forge.folder_of(step, *steps)]
    out = "/".join([*STEPS, LAST, *[".."] * 4, "outside"])
    first = [forge.link("a", LONG), forge.folder_of(LONG, *real), forge.folder_of("a", *steps)]
    return forge.release(*first, forge.link("z", out), forge.folder_of("z", forge.file("evil", "written as root")))


@pytest.mark.attack("a commit whose tree writes beside its export", by="the export")
def test_tree_that_fools_tarfile(forge: Forge, tmp_path: Path) -> None:
    """A tree that makes Python's tarfile write beside the export is refused, and nothing of it is kept."""
    (tmp_path / "outside").mkdir()
    with pytest.raises(BadInput, match="could not export commit"):
        export(too_long_to_judge(forge), tmp_path / "state/exports", at(forge))
    assert not list((tmp_path / "outside").iterdir())
    assert not list((tmp_path / "state/exports").iterdir())


def test_trees_by_hand(forge: Forge, tmp_path: Path) -> None:
    """A tree that no folder can be is refused, with the name."""
    into = tmp_path / "exports"
    outside = forge.folder_of("..", forge.file("evil"))
    deep = forge.file("f")
    for _ in range(unpacking.MOST_LEVELS):
        deep = forge.folder_of("d", deep)
    for entries, said in (
        ((forge.link("z", str(tmp_path)), forge.folder_of("z", forge.file("evil"))), "File exists"),
        ((forge.folder_of("z", forge.file("evil")), forge.link("z", str(tmp_path))), "File exists"),
        ((forge.file("z"), forge.file("z")), "File exists"),
        ((forge.file("z"), forge.folder_of("z", forge.file("evil"))), "File exists"),
        ((forge.folder_of("a", outside),), "invalid path 'a/../evil'"),  # so says Git
        ((forge.file("f" * 300),), "File name too long"),
        ((deep,), "more than 100 levels"),
    ):
        with pytest.raises(PermanentError) as refused:
            export(forge.release(*entries), into, at(forge))
        assert said in refused.value.message
    assert not (tmp_path / "evil").exists()
    assert not list(into.iterdir())


@pytest.mark.parametrize("name", ["/evil", "../evil", "a//b", "./a", "a/..", ""])
def test_paths_by_hand(name: str, tmp_path: Path) -> None:
    """A member whose name is no path below the export is refused."""
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.PAX_FORMAT) as tar:
        member = tarfile.TarInfo(name)
        member.size = 1
        tar.addfile(member, io.BytesIO(b"x"))
    with pytest.raises(BadInput, match="could not export commit 0000"):
        unpack(tmp_path / "a.tar", tmp_path / "content", "0000")
    assert not list((tmp_path / "content").iterdir())


def test_links_of_folders_alone(forge: Forge, tmp_path: Path) -> None:
    """A folder that has nothing but links is there, an empty link is not, and times are the commit's."""
    sha = forge.release(
        forge.file("a"), forge.folder_of("links", forge.link("empty", ""), forge.link("to", "../a")), forge.file("ÿ")
    )
    folder = export(sha, tmp_path / "exports", at(forge))
    assert sorted(path.name for path in folder.rglob("*")) == ["a", "links", "to", "ÿ"]
    assert (folder / "links/to").read_text() == "x"
    assert (folder / "a").stat().st_mtime == int(forge.git("log", "-1", "--format=%ct", sha))
