"""Pruning with real parts: a registry on loopback and its collector, folders, the build cache's lock."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from azora.config.settings import Settings, settings
from azora.core.retention import Needs
from azora.errors import Failed, NotReadyYet, Refused, Unreachable
from azora.gateways.git.export import remove_export
from azora.gateways.images.buildah import buildah, kept_layers, layers_kept, nothing_is_built
from azora.gateways.images.catalog import images_in_registry, remove_image
from azora.host import folders
from azora.host.folders import DOOMED, folders_in
from azora.local.health import answers
from azora.local.registry import command
from azora.operations import pruning
from azora.operations.pruning import Part, prune
from tests.support.clusters import record_of_images
from tests.support.polling import until

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"

with_a_registry = pytest.mark.skipif(not shutil.which("docker-registry"), reason="needs docker-registry: `make up`")


class Registry:
    """A docker-registry process, as the embedded node runs one."""

    def __init__(self, folder: Path, *, may_delete: bool = True) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.address = f"127.0.0.1:{server.getsockname()[1]}"
        self.folder, self.asked = folder / "storage", folder / "sweep"
        self._file, self._lock = folder / "config.yml", folder / "lock"
        self._file.write_text(
            f"version: 0.1\nlog: {{accesslog: {{disabled: true}}}}\n"
            f"storage: {{filesystem: {{rootdirectory: {self.folder}}}, delete: {{enabled: {str(may_delete).lower()}}}}}\n"
            f"http: {{addr: '{self.address}'}}\n"
        )
        self._log = (folder / "log").open("w")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            command(self._file, self.asked, self._lock), stdout=self._log, stderr=self._log
        )
        until(lambda: answers(f"http://{self.address}/v2/"), seconds=10, what="the registry", every=0.05)

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(10)

    def close(self) -> None:
        self.stop()
        self._log.close()

    def push(self, repository: str, tag: str, *, layer: bytes, made: datetime) -> str:
        """An image of one layer; its digest."""
        config = json.dumps({"created": made.isoformat().replace("+00:00", "123Z"), "of": repository}).encode()
        blobs = [self._blob(repository, config), self._blob(repository, layer)]
        parts = [{"digest": name, "size": size} for name, size in blobs]
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, **parts[0]},
            "layers": [{"mediaType": LAYER, **parts[1]}],
        }
        sent = httpx.put(
            f"http://{self.address}/v2/{repository}/manifests/{tag}",
            content=json.dumps(manifest),
            headers={"Content-Type": MANIFEST},
        ).raise_for_status()
        return sent.headers["Docker-Content-Digest"]

    def has(self, repository: str, reference: str) -> bool:
        address = f"http://{self.address}/v2/{repository}/manifests/{reference}"
        return httpx.get(address, headers={"Accept": MANIFEST}).status_code == 200

    def blobs(self) -> set[str]:
        """Digests of what it stores."""
        return {f"sha256:{path.parent.name}" for path in self.folder.rglob("blobs/sha256/*/*/data")}

    def _blob(self, repository: str, content: bytes) -> tuple[str, int]:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        begun = httpx.post(f"http://{self.address}/v2/{repository}/blobs/uploads/").raise_for_status()
        httpx.put(f"{begun.headers['Location']}&digest={digest}", content=content).raise_for_status()
        return digest, len(content)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    (tmp_path / "registry").mkdir()
    server = Registry(tmp_path / "registry")
    server.start()
    yield server
    server.close()


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Settings]]:
    """The settings of a machine whose state is in a folder of its own; nobody needs anything."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "home/run"))
    monkeypatch.setenv("AZORA_KUBE_CONTEXT", "none")  # or a running node's settings would be read
    monkeypatch.setenv("AZORA_REGISTRY_PLAIN_HTTP", "true")
    monkeypatch.setenv("AZORA_STATE", str(tmp_path / "state"))
    (tmp_path / "state").mkdir()

    def with_(**given: object) -> Settings:
        for name, value in given.items():
            monkeypatch.setenv(f"AZORA_{name.upper()}", str(value))
        settings.cache_clear()
        return settings()

    nobody_needs_anything(monkeypatch)
    record = record_of_images()
    monkeypatch.setattr(pruning, "record_of_images", lambda _: record)
    monkeypatch.setattr(pruning, "ended_runs", lambda **_: [])
    monkeypatch.setattr(pruning, "stale_questions", lambda _: [])
    monkeypatch.setattr(pruning, "forget_stale", lambda *_: [])
    yield with_
    settings.cache_clear()


def nobody_needs_anything(monkeypatch: pytest.MonkeyPatch, needs: Needs | None = None) -> None:
    monkeypatch.setattr(pruning, "_needs", lambda *_, **__: needs or {})


def part(parts: list[Part], kind: str) -> Part:
    return next(part for part in parts if part.kind == kind)


def gone(parts: list[Part], kind: str) -> dict[str, str]:
    return {decision.item.name: decision.reason for decision in part(parts, kind).gone}


# -- images


@with_a_registry
def test_image_in_the_catalog(registry: Registry, machine: Callable[..., Settings]) -> None:
    """An image has digest, tags, age and size, and belongs to its application alone."""
    here = machine(registry=f"{registry.address}/team", application="shop")
    made = NOW - 3 * DAY
    digest = registry.push("team/shop/web", "one", layer=b"x" * 1000, made=made)
    registry.push("team/shop/web", "two", layer=b"x" * 1000, made=made)  # the same content, so the same digest
    registry.push("team/shopping/web", "one", layer=b"another application", made=made)

    (image,) = images_in_registry(here)

    assert image.name == f"shop/web@{digest}"
    assert image.known_as == {digest, "shop/web:one", "shop/web:two"}
    assert image.at
    assert abs(image.at - made) < timedelta(seconds=1)
    assert 1000 < image.size < 1200
    assert image.group == "shop/web"


@with_a_registry
def test_images_on_many_pages(
    registry: Registry, machine: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Repositories and tags beyond one page of the registry's answer are listed."""
    here = machine(registry=registry.address, application="shop")
    monkeypatch.setattr("azora.gateways.images.catalog.PAGE", 2)
    for number in range(5):
        registry.push("shop/web", f"t{number}", layer=b"%d" % number, made=NOW - number * DAY)
        registry.push(f"shop/more{number}", "t", layer=b"%d" % number, made=NOW)
    assert len(images_in_registry(here)) == 10


@with_a_registry
def test_images_that_are_old(
    registry: Registry, machine: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Old images go with their blobs and from the record; needed images and shared layers stay."""
    here = machine(registry=registry.address, application="shop", keep_images=2)
    shared = b"a layer that two images have"
    old = registry.push("shop/web", "old", layer=b"only here", made=NOW - 40 * DAY)
    within = registry.push("shop/web", "within", layer=b"within", made=NOW - 3 * DAY)
    shares = registry.push("shop/web", "shares", layer=shared, made=NOW - 39 * DAY)
    runs = registry.push("shop/web", "runs", layer=b"runs", made=NOW - 50 * DAY)
    asked_for = registry.push("shop/web", "asked", layer=b"asked", made=NOW - 60 * DAY)
    newest = registry.push("shop/web", "newest", layer=shared, made=NOW - 2 * DAY)
    nobody_needs_anything(monkeypatch, {runs: "staging runs it", "shop/web:asked": "run 'x' is not finished"})

    record = pruning.record_of_images(here)
    for tag in ("old", "newest"):
        record.add("web", tag, old)

    told = gone(prune(here, dry_run=True), "images")
    assert told == {f"shop/web@{old}": "more than the newest 2", f"shop/web@{shares}": "more than the newest 2"}
    assert registry.has("shop/web", "old"), "a dry run removes nothing"
    assert record.digest("web", "old") == old
    before = registry.blobs()

    assert gone(prune(here, dry_run=False), "images") == told
    assert not registry.has("shop/web", "old")
    assert not registry.has("shop/web", shares)
    assert (record.digest("web", "old"), record.digest("web", "newest")) == (None, old)
    assert all(registry.has("shop/web", digest) for digest in (runs, asked_for, within, newest))
    assert registry.blobs() == before, "the registry frees them by its own collector"
    assert gone(prune(here, dry_run=False), "images") == {}, "again: nothing is left to do"

    registry.stop()
    registry.asked.touch()
    registry.start()
    freed = before - registry.blobs()
    assert old in freed
    assert digest_of(b"only here") in freed
    assert digest_of(shared) not in freed
    assert all(registry.has("shop/web", digest) for digest in (runs, asked_for, within, newest))
    assert not registry.asked.exists()


@with_a_registry
def test_image_that_is_pushed_again(registry: Registry, machine: Callable[..., Settings]) -> None:
    """A removed image can be pushed again after its blobs are gone."""
    here = machine(registry=registry.address, application="shop")
    pushed = registry.push("shop/web", "t", layer=b"comes back", made=NOW)
    (image,) = images_in_registry(here)
    assert remove_image(image, here)
    assert remove_image(image, here), "gone already is gone"
    assert images_in_registry(here) == []
    registry.stop()
    registry.asked.touch()
    registry.start()
    assert registry.push("shop/web", "t", layer=b"comes back", made=NOW) == pushed
    assert registry.has("shop/web", "t")


@with_a_registry
def test_sweep_after_a_killed_pruning(registry: Registry, machine: Callable[..., Settings], tmp_path: Path) -> None:
    """The next pruning runs the sweep that a killed one did not reach."""
    here = machine(
        registry=registry.address, application="shop", registry_sweep=f"touch {tmp_path / 'swept'}", keep_images=1
    )
    prune(here, dry_run=False)
    assert not (tmp_path / "swept").exists(), "nothing was removed"

    (here.state_folder / pruning.UNSWEPT).touch()  # what a killed one left
    prune(here, dry_run=True)
    assert not (tmp_path / "swept").exists()
    prune(here, dry_run=False)
    assert (tmp_path / "swept").exists()
    assert not (here.state_folder / pruning.UNSWEPT).exists()


@with_a_registry
def test_sweep_that_fails(registry: Registry, machine: Callable[..., Settings]) -> None:
    """A failed sweep is reported, and tried again by the next pruning."""
    here = machine(registry=registry.address, application="shop", registry_sweep="sh -c 'echo no space; exit 1'")
    (here.state_folder / pruning.UNSWEPT).touch()
    assert "no space" in part(prune(here, dry_run=False), "images").trouble
    assert (here.state_folder / pruning.UNSWEPT).exists()


@with_a_registry
def test_registry_that_forbids_deletion(tmp_path: Path, machine: Callable[..., Settings]) -> None:
    """The error of a registry that forbids deletion names the reason."""
    server = Registry(tmp_path, may_delete=False)
    server.start()
    try:
        here = machine(registry=server.address, application="shop")
        server.push("shop/web", "t", layer=b"stays", made=NOW)
        (image,) = images_in_registry(here)
        with pytest.raises(Refused, match="the registry forbids it"):
            remove_image(image, here)
    finally:
        server.close()


# -- what cannot be known


def test_needs_that_are_unknown(machine: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is removed while an environment that may need it is unreachable."""
    here = machine(registry="127.0.0.1:9", keep_exports=1, keep_reports=1)
    folders = [old_folder(here.state_folder / "exports" / name, days=400) for name in ("a" * 40, "b" * 40)]
    folders += [old_folder(here.runs_folder / name, days=400) for name in ("one", "two")]

    def away(*_: object, **__: object) -> Needs:
        raise Unreachable("could not reach the API server of production")

    monkeypatch.setattr(pruning, "_needs", away)
    parts = prune(here, dry_run=False)

    assert all(folder.is_dir() for folder in folders)
    assert (
        part(parts, "exports").trouble == part(parts, "runs").trouble == "could not reach the API server of production"
    )
    assert "127.0.0.1:9" in part(parts, "images").trouble


# -- folders


def old_folder(folder: Path, *, days: float, size: int = 10) -> Path:
    folder.mkdir(parents=True)
    (folder / "file").write_bytes(b"x" * size)
    then = (NOW - days * DAY).timestamp()
    os.utime(folder / "file", (then, then))
    os.utime(folder, (then, then))
    return folder


def test_reports_that_are_old(machine: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> None:
    """Old reports go; those of unfinished and active runs stay."""
    here = machine(registry="127.0.0.1:9")
    for name, days in {"young": 1, "old": 31, "waits": 60, "by-hand/old": 50, "by-hand/young": 2}.items():
        old_folder(here.runs_folder / name, days=days)
    written = old_folder(here.runs_folder / "goes on", days=90)
    (written / "newer.log").write_text("a line")
    (here.runs_folder / "demo-probe.json").write_text("{}")
    old_folder(here.runs_folder / f"{DOOMED}killed", days=0)
    nobody_needs_anything(monkeypatch, {"waits": "run 'release' is not finished"})

    parts = prune(here, dry_run=False)

    assert gone(parts, "reports") == {"old": "older than 30 days", "by-hand/old": "older than 30 days"}
    assert part(parts, "reports").freed_bytes == 20
    left = {str(path.relative_to(here.runs_folder)) for path in here.runs_folder.rglob("*")}
    assert {"young", "waits", "goes on", "by-hand/young", "demo-probe.json"} < left
    assert not {"old", "by-hand/old", f"{DOOMED}killed"} & left


def test_report_that_cannot_be_removed(machine: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> None:
    """An error names the folder that stays, and the other ones go."""
    here = machine(registry="127.0.0.1:9")
    for name in ("a", "b", "c"):
        old_folder(here.runs_folder / name, days=50 if name != "a" else 1)
    old_folder(here.runs_folder / "d", days=50)
    nobody_needs_anything(monkeypatch, {})
    real = folders.erase

    def one_that_stays(path: Path) -> None:
        if path.name == f"{DOOMED}c":
            raise Failed(f"could not remove {path}: Operation not permitted")
        real(path)

    monkeypatch.setattr(folders, "erase", one_that_stays)
    parts = prune(here, dry_run=False)

    assert set(gone(parts, "reports")) == {"b", "d"}
    assert part(parts, "reports").trouble.startswith(f"could not remove {here.runs_folder / DOOMED}c: Operation")


def test_export_in_use(tmp_path: Path) -> None:
    """An export that is used after the look stays."""
    export = old_folder(tmp_path / "exports" / ("a" * 40), days=20)
    (seen,) = folders_in(tmp_path, "exports", group="exports", by_content=False)
    assert seen.at
    os.utime(export)

    assert not remove_export(export, unused_since=seen.at)
    assert export.is_dir()
    assert remove_export(export, unused_since=datetime.now(UTC))
    assert not list((tmp_path / "exports").glob("*a*"))
    assert remove_export(export, unused_since=datetime.now(UTC)), "gone already is gone"


@pytest.mark.parametrize("nanoseconds", [0, 400, 500, 600, 999])
def test_export_out_of_use(tmp_path: Path, nanoseconds: int) -> None:
    """An unused export goes, though files keep finer times than Python's datetime."""
    export = old_folder(tmp_path / "exports" / ("a" * 40), days=20)
    os.utime(export, ns=(0, 1_700_000_000_123_456_000 + nanoseconds))
    (seen,) = folders_in(tmp_path, "exports", group="exports", by_content=False)
    assert seen.at

    assert remove_export(export, unused_since=seen.at)
    assert not export.exists()


def test_export_that_was_killed(machine: Callable[..., Settings]) -> None:
    """The rest of a killed export goes by age and takes no place of the count."""
    here = machine(registry="127.0.0.1:9", keep_exports=1)
    for name, days in {"a" * 40: 2, ".export-young": 3, ".export-old": 15}.items():
        old_folder(here.state_folder / "exports" / name, days=days)
    assert gone(prune(here, dry_run=False), "exports") == {"exports/.export-old": "older than 14 days"}


# -- layers


def test_layers_during_a_build(machine: Callable[..., Settings]) -> None:
    """No layer is removed during a build."""
    here = machine(registry="127.0.0.1:9")
    with layers_kept():
        assert part(prune(here, dry_run=False), "layers").trouble.startswith("could not drop old layers: another run")
        with pytest.raises(NotReadyYet), nothing_is_built("do this"):
            pass


@pytest.mark.skipif(not shutil.which("buildah"), reason="needs buildah: `make up` installs it")
def test_layers_that_are_old(machine: Callable[..., Settings], tmp_path: Path) -> None:
    """Old layers and the containers of killed builds go; the newest of a name stays."""
    here = machine(registry="127.0.0.1:9", keep_layers_days=1e-7, keep_at_least_hours=1e-7)
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /x\nCOPY Dockerfile /y\n")
    for tag in ("one", "two"):
        command_ = ["bud", "--layers", "--tag", f"r.example/shop/web:{tag}", "--label", f"of={tag}", str(tmp_path)]
        assert buildah(command_, what="build", timeout_seconds=60).returncode == 0
    assert buildah(["from", "r.example/shop/web:two"], what="begin", timeout_seconds=60).returncode == 0
    assert buildah(["containers", "-q"], what="list", timeout_seconds=10).output

    parts = prune(here, dry_run=False)

    assert part(parts, "layers").trouble == ""
    assert not buildah(["containers", "-q"], what="list", timeout_seconds=10).output
    left = [item.name for item in kept_layers()]
    assert "r.example/shop/web:one" not in left
    assert "r.example/shop/web:two" in left, "the newest of a name stays"
    assert gone(parts, "layers")["r.example/shop/web:one"].startswith("older than")


def test_layers_of_a_foreign_storage(
    machine: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A storage that the user's own configuration names is left alone."""
    monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(tmp_path / "nowhere.conf"))
    monkeypatch.setattr("azora.gateways.images.buildah.run", lambda *_, **__: pytest.fail("buildah was called"))
    layers = part(prune(machine(registry="127.0.0.1:9"), dry_run=False), "layers")
    assert (layers.gone, layers.kept, layers.trouble) == ((), (), "")


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
