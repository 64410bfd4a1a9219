"""Checkout: one exported commit and its application.yaml; the source of tags, migrations, release."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from azora.config.application import FILE, Application, Image, Service, load_application
from azora.config.environment import Environment
from azora.config.settings import Settings
from azora.core.messages.listing import capped
from azora.core.release.alembic import heads_of, in_versions, migrations_of, must_be_alone
from azora.core.release.built_images import digest_in
from azora.core.release.delivery import Delivery
from azora.core.release.release import Release, digest
from azora.core.release.values import Values, ValuesOfCharts, merged
from azora.errors import BadInput
from azora.gateways.git.export import export
from azora.gateways.git.repository import Entry, entries
from azora.gateways.helm.values_files import read_values
from azora.gateways.images.base_images import pinned_base, pinned_images
from azora.gateways.images.build_context import takes
from azora.gateways.images.image_tag import content_tag
from azora.gateways.images.registry import find
from azora.host.content_hash import digest_of
from azora.operations.built_images import record_of_images
from azora.operations.values_folder import COMMON, must_be_of_charts, must_be_of_environments

NO_DIGEST = "0" * 64
SHOWN_PATHS = 8
_POINTER = b"version https://git-lfs.github.com/spec/"  # https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md


@dataclass(frozen=True)
class Checkout:
    """The content of *commit* in *folder*, and nothing else; nothing may be written there."""

    commit: str
    folder: Path
    application: Application

    @property
    def charts(self) -> tuple[str, ...]:
        """Folders of its charts."""
        return tuple(path for _, path in self.application.charts if path)

    @property
    def chart_paths(self) -> tuple[str, ...]:
        """Charts and values: what Helm reads of the commit."""
        return (*self.charts, self.application.values)

    def release(self, subject: str, images: dict[str, str]) -> Release:
        """The release that the commit is with these *images* (name to reference by digest)."""
        revisions = self.revision_files()
        return Release(
            application=self.application.name,
            commit=self.commit,
            subject=subject,
            images=images,
            charts_digest=digest_of(self.folder, self.charts, follow=True),
            values_digest=digest_of(self.folder, [self.application.values], follow=True),
            migration_heads=heads_of(revisions),
            migrations=migrations_of(revisions),
        )

    def placeholder_release(self, subject: str, registry: str) -> Release:
        """The release before its images are built, with digests that no image has."""
        names = {image.name: f"{registry}/{self.application.name}/{image.name}" for image in self.application.images}
        return self.release(subject, {name: f"{path}@sha256:{NO_DIGEST}" for name, path in names.items()})

    def delivery(
        self,
        release: Release,
        environment: Environment,
        settings: Settings,
        *,
        run: str = "",
        charts: Callable[[], Path] | None = None,
    ) -> Delivery:
        """*release*, which is of this commit, on its way to *environment*; *charts* has verified ones.

        Its values are read by Helm when they are asked for: what needs none needs no Helm.
        """
        folder = charts or (lambda: self.folder)
        values = ValuesOfCharts(self.charts, lambda chart: self._values(folder(), chart, environment, settings))
        return Delivery(release, self.application, environment, self.folder, folder, values, run)

    def _values(self, base: Path, chart: str, environment: Environment, settings: Settings) -> Values:
        """Values of *chart*'s files; of the stack's with the chart's own `replicas` below, which Azora raises."""
        folder = base / self.application.values / Path(chart).name
        must_be_of_environments(folder, environment, settings)
        values = read_values(folder, (COMMON, environment.name), helm=settings.helm)
        if chart != self.application.charts.stack:
            return values
        own = read_values(base / chart, ["values"], helm=settings.helm)
        return merged({key: own[key] for key in own if key == "replicas"}, values)

    def tags(self, settings: Settings) -> dict[str, tuple[str, str]]:
        """Name and tag of each image in the registry, built or not, on the present digests of its base images."""
        base = pinned_base(settings)
        return {
            image.name: (f"{self.application.name}/{image.name}", self._tag(image, base, settings))
            for image in self.application.images
        }

    def _tag(self, image: Image, base: str, settings: Settings) -> str:
        return content_tag(image, self.folder, base, pinned_images(image, self.folder, base, settings))

    def built_images(self, settings: Settings) -> dict[str, str] | None:
        """References of all images when the registry has every one as Azora pushed it, else None.

        Builds nothing.
        """
        found: dict[str, str] = {}
        record = record_of_images(settings).entries()
        for image, (name, tag) in self.tags(settings).items():
            digest = digest_in(record, image, tag)
            if digest is None or find(name, tag, settings) != digest:
                return None
            found[image] = f"{settings.registry}/{name}@{digest}"
        return found

    def content_of_tests(self, service: Service) -> str | None:
        """Hash of all that decides the unit tests of *service*; None where application.yaml does not list it."""
        if not service.sources:
            return None
        return digest([list(service.test), digest_of(self.folder, service.sources, follow=True)])

    def revision_files(self) -> dict[str, bytes]:
        """Alembic's revision files, path to content; no database is asked and nothing of them is run.

        Raises BadInput where there is no folder `versions`, or a revision is in another one.
        """
        if self.application.migrations is None:
            return {}
        versions = PurePosixPath(self.application.migrations) / "versions"
        found = (self.folder / self.application.migrations).rglob("*.py")
        files = {str(file.relative_to(self.folder)): file.read_bytes() for file in found if file.is_file()}
        here = in_versions(files, str(versions))
        for folder in versions.parents:
            for name in ("alembic.ini", "pyproject.toml"):
                if (self.folder / folder / name).is_file():
                    text = (self.folder / folder / name).read_text(encoding="utf-8-sig", errors="replace")
                    must_be_alone(str(folder / name), text, str(versions.parent))
        if not (self.folder / versions).is_dir():
            raise BadInput(
                f"could not read the migrations: {str(versions)!r} is no folder of this commit",
                advice=f"commit it, or correct `migrations` of {FILE!r}: Alembic's script location",
            )
        return here


def checkout(commit: str, settings: Settings) -> Checkout:
    """The checkout of *commit*; its export is made where this machine has none."""
    folder = export(commit, settings.state_folder / "exports", settings)
    return Checkout(commit, folder, load_application(folder))


def folder_for_tests(commit: str, settings: Settings) -> Path:
    """An export of its own for the commit's unit tests, which write into it."""
    return export(commit, settings.state_folder / "exports-for-tests", settings)


def must_be_releasable(found: Checkout, settings: Settings) -> None:
    """Raise BadInput when the commit's application.yaml, revision files or values cannot be right.

    So also for one of another application than this machine's: its objects would be looked for by the wrong name.
    """
    if found.application.name != settings.application:
        raise BadInput(
            f"could not release {found.application.name!r} of {FILE!r}: this machine releases {settings.application!r}",
            advice="correct AZORA_APPLICATION (`application` in the settings file), or AZORA_REPOSITORY",
        )
    must_be_of_charts(found.application, found.folder)
    migrations_of(found.revision_files())


def must_be_whole(found: Checkout, settings: Settings) -> None:
    """Raise BadInput for what a release uses of the commit and Git has by name only, or leads out of it."""
    unfit = {entry.path: why for entry in entries(found.commit, settings) if (why := _unfit(entry, found.folder))}
    used = [f"{path}: {why}" for path, why in unfit.items() if _is_used(found, path)]
    if used:
        lines = "\n  ".join(capped(used, SHOWN_PATHS))
        raise BadInput(
            f"could not release commit {found.commit[:7]}: it uses files that are not in it\n  {lines}",
            advice="commit their content, or let the ignore file of the image name what no image needs",
        )


def _unfit(entry: Entry, folder: Path) -> str | None:
    if entry.is_submodule:
        return "a submodule, of which Git has only the commit"
    if entry.is_link:
        return None if (folder / entry.path).is_symlink() else "a link that leads out of the repository"
    file_of = folder / entry.path
    if not file_of.is_file():  # a name outside UTF-8: no pointer is looked for in it
        return None
    with file_of.open("rb") as file:
        return "a pointer of Git LFS, without its content" if file.read(len(_POINTER)) == _POINTER else None


def _is_used(found: Checkout, path: str) -> bool:
    application = found.application
    folders = [*(chart for _, chart in application.charts), application.values, application.migrations]
    folders += [application.suites.smoke, application.suites.e2e]
    folders += [source for service in application.services for source in service.sources]
    return any(PurePosixPath(path).is_relative_to(one) for one in folders if one) or any(
        takes(image, found.folder, path) for image in application.images
    )
