"""The folder of values: a file that no chart would get is refused by name."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from azora.config.application import FILE, Application
from azora.config.environment import Environment
from azora.config.settings import Settings
from azora.errors import BadInput

COMMON = "common"
_SUFFIXES = {".yaml", ".yml", ".json"}


def must_be_of_charts(application: Application, export: Path) -> None:
    """Raise BadInput for a file outside the charts' folders.

    A folder that holds other parts of the application too is not judged.
    """
    values = PurePosixPath(application.values)
    others = [FILE, *(path for key, path in application.paths() if key != "values")]
    if any(PurePosixPath(path).is_relative_to(values) for path in others):
        return
    charts = [Path(chart).name for _, chart in application.charts if chart]
    folder = export / values
    for file in sorted([*folder.glob("*"), *folder.glob("*/*")]):
        place = file.relative_to(folder)
        if file.suffix in _SUFFIXES and file.is_file() and place.parts[0] not in charts:
            raise BadInput(
                f"could not use the values {str(values / place)!r}: no chart reads this folder",
                advice=f"move the file to the folder of its chart in {values}: {', '.join(charts)}",
            )


def must_be_of_environments(folder: Path, environment: Environment, settings: Settings) -> None:
    """Raise BadInput for a file of an unknown environment in a chart's *folder* without *environment*'s.

    An environment with a file of its own is not held up by the files of another machine's environments.
    """
    if (folder / f"{environment.name}.yaml").is_file() or (folder / "Chart.yaml").is_file():
        return
    known = {COMMON, environment.name, *(file.stem for file in settings.environments.glob("*.yaml"))}
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    if unknown := [file.name for file in files if file.suffix in _SUFFIXES and file.stem.lower() not in known]:
        raise BadInput(
            f"could not use the values of {environment.name!r} in {folder.name!r}: there is no {environment.name}.yaml, "
            f"and no environment for {', '.join(unknown)}",
            advice=f"rename that file; if another machine has its environment, add an empty {environment.name}.yaml",
        )
