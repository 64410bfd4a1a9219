"""From a commit to a release: what it consists of, and whether all of it was built before."""

from __future__ import annotations

from pathlib import Path

from azora.config.application import FILE, Application, Service, load_application
from azora.config.settings import Settings
from azora.core.release.alembic import heads_of, migrations_of
from azora.core.release.release import Release, digest
from azora.errors import BadInput
from azora.gateways.git.export import export
from azora.gateways.images.builder import content_tag, pinned_base
from azora.gateways.images.registry import find
from azora.host.content_hash import digest_of


def folder_of(commit: str, settings: Settings, purpose: str = "exports") -> Path:
    """The clean export of *commit*; what writes into it takes one of its own *purpose*."""
    return export(settings.repository_location, commit, settings.state_folder / purpose)


def must_be_sound(commit: str, settings: Settings) -> None:
    """Raise BadInput when what describes *commit* cannot be right: its application.yaml, its revision files.

    So also for one of another application than this machine's: its objects would be looked for by the wrong name.
    """
    folder = folder_of(commit, settings)
    application = load_application(folder)
    if application.name != settings.application:
        raise BadInput(
            f"could not release {application.name!r}, as {FILE!r} says: this machine releases {settings.application!r}",
            advice="correct AZORA_APPLICATION (`application` in the settings file), or AZORA_REPOSITORY",
        )
    migrations_of(revision_files(application, folder))


def frozen(commit: str, subject: str, images: dict[str, str], settings: Settings) -> Release:
    """The release that *commit* is with these *images* (name to reference by digest)."""
    folder = folder_of(commit, settings)
    application = load_application(folder)
    revisions = revision_files(application, folder)
    charts = [path for _, path in application.charts if path]
    return Release(
        application=application.name,
        commit=commit,
        subject=subject,
        images=images,
        charts_digest=digest_of(folder, charts),
        values_digest=digest_of(folder, [application.values]),
        migration_heads=heads_of(revisions),
        migrations=migrations_of(revisions),
    )


def imagined(commit: str, subject: str, settings: Settings) -> Release:
    """The release that *commit* will be, with digests that no image has: for what can be known before it is built."""
    application = load_application(folder_of(commit, settings))
    names = {image.name: f"{settings.registry}/{application.name}/{image.name}" for image in application.images}
    return frozen(commit, subject, {name: f"{path}@sha256:{'0' * 64}" for name, path in names.items()}, settings)


def built_images(commit: str, settings: Settings) -> dict[str, str] | None:
    """References of all images of *commit* when the registry has every one, else None. Builds nothing."""
    found: dict[str, str] = {}
    for image, (name, tag) in tags_of(commit, settings).items():
        digest = find(settings.registry, name, tag)
        if digest is None:
            return None
        found[image] = f"{settings.registry}/{name}@{digest}"
    return found


def tags_of(commit: str, settings: Settings) -> dict[str, tuple[str, str]]:
    """Name and tag that each image of *commit* has in the registry, or would have."""
    folder = folder_of(commit, settings)
    application = load_application(folder)
    pinned = pinned_base(settings.base_image)
    return {
        image.name: (f"{application.name}/{image.name}", content_tag(image, folder, pinned))
        for image in application.images
    }


def content_of_tests(service: Service, folder: Path) -> str | None:
    """Hash of all that the verdict of the unit tests of *service* hangs on, None where nobody says what that is."""
    return digest([list(service.test), digest_of(folder, service.sources)]) if service.sources else None


def revision_files(application: Application, folder: Path) -> dict[str, str]:
    """Alembic's revision files of the commit, path to text; no database is asked and nothing of them is run."""
    if application.migrations is None:
        return {}
    found = (folder / application.migrations / "versions").glob("*.py")
    return {str(file.relative_to(folder)): file.read_text(encoding="utf-8") for file in found}
