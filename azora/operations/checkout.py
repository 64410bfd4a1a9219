"""Checkout: one exported commit and its application.yaml; the source of tags, migrations, release."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from azora.config.application import FILE, Application, Service, load_application
from azora.config.environment import Environment
from azora.config.settings import Settings
from azora.core.release.alembic import heads_of, migrations_of
from azora.core.release.delivery import Delivery
from azora.core.release.release import Release, digest
from azora.errors import BadInput
from azora.gateways.git.export import export
from azora.gateways.images.image_tag import content_tag, pinned_base
from azora.gateways.images.registry import find
from azora.host.content_hash import digest_of

NO_DIGEST = "0" * 64


@dataclass(frozen=True)
class Checkout:
    """The content of *commit* in *folder*, and nothing else; nothing may be written there."""

    commit: str
    folder: Path
    application: Application

    def release(self, subject: str, images: dict[str, str]) -> Release:
        """The release that the commit is with these *images* (name to reference by digest)."""
        revisions = self.revision_files()
        charts = [path for _, path in self.application.charts if path]
        return Release(
            application=self.application.name,
            commit=self.commit,
            subject=subject,
            images=images,
            charts_digest=digest_of(self.folder, charts),
            values_digest=digest_of(self.folder, [self.application.values]),
            migration_heads=heads_of(revisions),
            migrations=migrations_of(revisions),
        )

    def placeholder_release(self, subject: str, registry: str) -> Release:
        """The release before its images are built, with digests that no image has."""
        names = {image.name: f"{registry}/{self.application.name}/{image.name}" for image in self.application.images}
        return self.release(subject, {name: f"{path}@sha256:{NO_DIGEST}" for name, path in names.items()})

    def delivery(self, release: Release, environment: Environment, *, run: str = "") -> Delivery:
        """*release*, which is of this commit, on its way to *environment*."""
        return Delivery(release, self.application, environment, self.folder, run)

    def tags(self, settings: Settings) -> dict[str, tuple[str, str]]:
        """Name and tag of each image in the registry, built or not, on the base image's present digest."""
        pinned = pinned_base(settings)
        return {
            image.name: (f"{self.application.name}/{image.name}", content_tag(image, self.folder, pinned))
            for image in self.application.images
        }

    def built_images(self, settings: Settings) -> dict[str, str] | None:
        """References of all images when the registry has every one, else None. Builds nothing."""
        found: dict[str, str] = {}
        for image, (name, tag) in self.tags(settings).items():
            digest = find(name, tag, settings)
            if digest is None:
                return None
            found[image] = f"{settings.registry}/{name}@{digest}"
        return found

    def content_of_tests(self, service: Service) -> str | None:
        """Hash of all that decides the unit tests of *service*; None where application.yaml does not list it."""
        return digest([list(service.test), digest_of(self.folder, service.sources)]) if service.sources else None

    def revision_files(self) -> dict[str, str]:
        """Alembic's revision files, path to text; no database is asked and nothing of them is run."""
        if self.application.migrations is None:
            return {}
        found = (self.folder / self.application.migrations / "versions").glob("*.py")
        return {str(file.relative_to(self.folder)): file.read_text(encoding="utf-8") for file in found}


def checkout(commit: str, settings: Settings) -> Checkout:
    """The checkout of *commit*; its export is made where this machine has none."""
    folder = export(commit, settings.state_folder / "exports", settings)
    return Checkout(commit, folder, load_application(folder))


def folder_for_tests(commit: str, settings: Settings) -> Path:
    """An export of its own for the commit's unit tests, which write into it."""
    return export(commit, settings.state_folder / "exports-for-tests", settings)


def must_be_releasable(found: Checkout, settings: Settings) -> None:
    """Raise BadInput when the commit's application.yaml or its revision files cannot be right.

    So also for one of another application than this machine's: its objects would be looked for by the wrong name.
    """
    if found.application.name != settings.application:
        raise BadInput(
            f"could not release {found.application.name!r} of {FILE!r}: this machine releases {settings.application!r}",
            advice="correct AZORA_APPLICATION (`application` in the settings file), or AZORA_REPOSITORY",
        )
    migrations_of(found.revision_files())
