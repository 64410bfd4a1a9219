"""An environment: target and rules of a release.

One strict file each in deployments/environments/.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from azora.config.yaml_file import other_suffix, read_mapping
from azora.errors import BadInput

NAMED_BY_FLOWS = ("staging", "production")


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Hosts(_Strict):
    live: str = Field(description="Host name of the active color.")
    preview: str = Field(description="Host name of the preview color.")


class ApprovalPolicy(_Strict):
    ask: Literal["before_preview", "after_preview"] = Field(
        "before_preview", description="When the approval is requested."
    )
    expires_hours: float = Field(24, gt=0, description="An approval is valid for this many hours.")
    wait_hours: float = Field(72, gt=0, description="A request waits this many hours for its answer.")


class Proof(_Strict):
    environment: str = Field(description="The environment where a release must be proved first.")
    max_age_hours: float = Field(168, gt=0, description="Maximum age of a proof, in hours.")


class Environment(_Strict):
    """Policy and place of one environment; times in the unit their name says."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    namespace: str = Field(
        pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", description="Namespace of this environment alone."
    )
    context: str | None = Field(None, description="Kubeconfig context; default: the machine's setting.")
    hosts: Hosts
    data: bool = Field(True, description="Install the data chart (PostgreSQL, Redis) here.")
    approval: ApprovalPolicy | None = Field(None, description="Without it no approval is requested.")
    branch: str | None = Field(None, min_length=1, description="Branch that must contain the commit of a release.")
    proof: Proof | None = Field(None, description="Stage that must have proved a release first.")
    notices: Literal["all", "trouble"] = Field(
        "all", description="all: also successful promotions. trouble: only approval requests and failures."
    )
    install_minutes: float = Field(15, gt=0, description="Time limit of the preview stack's installation, in minutes.")
    patience_seconds: float = Field(
        60,
        ge=0,
        description="Time that a container may fail to start, or end and be started anew, before the installation is given up, in seconds.",
    )
    settle_seconds: float = Field(5, ge=0, description="Seconds of observation after the switch.")
    probe_per_second: float = Field(50, gt=0, description="Requests per second of the switch's probe.")
    rollback_window_minutes: float = Field(60 * 24, ge=0, description="Time that the old color stays at full size.")


def load_environment(name: str, folder: Path) -> Environment:
    """Read `<folder>/<name>.yaml`.

    Raises:
        BadInput: there is no such file, or it says something it may not.
    """
    file = folder / f"{name}.yaml"
    if not file.is_file():
        known = ", ".join(sorted(path.stem for path in folder.glob("*.yaml"))) or "none"
        alike = other_suffix(folder, name)
        advice = f"rename {alike.name} to {file.name}" if alike else f"known environments: {known}"
        raise BadInput(f"could not find environment {name!r} in {folder}", advice=advice)
    try:
        found = Environment.model_validate({"name": name, **read_mapping(file, shown=str(file))})
    except ValidationError as error:
        raise BadInput(f"could not read {file}: {_first(error)}", advice="correct that line of the file") from error
    return found


def environments(folder: Path) -> list[str]:
    """Names of all environments, sorted.

    Raises:
        BadInput: there is none.
    """
    found = sorted(path.stem for path in folder.glob("*.yaml"))
    if not found:
        raise BadInput(
            f"could not find any environment: there is no file *.yaml in {str(folder)!r}",
            advice="correct AZORA_ENVIRONMENTS (`environments` in the settings file)",
        )
    return found


def environments_of_flows(folder: Path) -> list[str]:
    """The same, with those among them that flows name.

    Raises:
        BadInput: one of these has no file.
    """
    found = environments(folder)
    if missing := [name for name in NAMED_BY_FLOWS if name not in found]:
        raise BadInput(
            f"could not find the environment {' and '.join(missing)} in {str(folder)!r}",
            advice="add the file: releases go from staging to production",
        )
    return found


def _first(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:3])
