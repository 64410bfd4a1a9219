"""An environment: target and rules of a release.

One strict file each in deployments/environments/.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from azora.config.durations import Hours, Minutes, Seconds
from azora.config.yaml_file import other_suffix, read_mapping
from azora.errors import BadInput

STAGING = "staging"
NAMED_BY_FLOWS = (STAGING, "production")
_LABEL = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names; no IPv4 address
_DNS_NAME = re.compile(rf"(?=.{{1,253}}$)(?!.*\.\d+$){_LABEL}(\.{_LABEL})*")


def _dns_name(host: str) -> str:
    if not _DNS_NAME.fullmatch(host):
        raise ValueError(f"{host!r} is no host name: write small letters, without scheme, port and path")
    return host


HostName = Annotated[str, AfterValidator(_dns_name)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Hosts(_Strict):
    live: HostName = Field(description="Host name of the active color.")
    preview: HostName = Field(description="Host name of the preview color.")

    @model_validator(mode="after")
    def _differ(self) -> Hosts:
        if self.live == self.preview:
            raise ValueError(f"live and preview are both {self.live!r}")
        return self


# A space ends the item of an approval's line, and Kubernetes itself takes no empty name.
UserName = Annotated[str, Field(pattern=r"^[^\s\x00-\x1f\x7f]{1,200}$")]
MailAddress = Annotated[str, Field(pattern=r"^[^\s@<>]+@[^\s@<>]+$")]
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class People(_Strict):
    """Users and groups, as the cluster's authentication names them."""

    users: tuple[UserName, ...] = Field((), description="User names of the cluster.")
    groups: tuple[UserName, ...] = Field((), description="Groups of the cluster.")

    def __bool__(self) -> bool:
        return bool(self.users or self.groups)


class ApprovalPolicy(_Strict):
    by: Literal["form", "cluster"] = Field(
        "form", description="form: a name typed in Prefect's form. cluster: the approver's own Kubernetes user."
    )
    ask: Literal["before_preview", "after_preview"] = Field(
        "before_preview", description="When the approval is requested."
    )
    minimum: int = Field(1, ge=1, le=9, strict=True, description="Number of different people who must approve.")
    approvers: People = Field(People(), description="People who may approve.")
    not_authors: bool | None = Field(
        None, strict=True, description="Refuse approvals of the commits' authors; default: from a minimum of 2."
    )
    people: dict[MailAddress, UserName] = Field({}, description="Git address of an author → user of the cluster.")
    override: People = Field(People(), description="People who may override the gate in an emergency, and freeze.")
    rollback: People = Field(People(), description="People who may roll back with their own kubeconfig.")
    sidecars: tuple[Digest, ...] = Field((), description="Digests of images that the cluster adds to pods.")
    expires_hours: Hours = Field(24, gt=0, description="An approval is valid for this many hours.")
    wait_hours: Hours = Field(72, gt=0, description="A request waits this many hours for its answer.")
    preview: Literal["keep", "remove"] = Field(
        "keep", description="What becomes of a preview that was rejected or failed."
    )

    def __hash__(self) -> int:
        """Pydantic's own cannot hash the map of people."""
        return hash(self.model_dump_json())

    @property
    def excludes_authors(self) -> bool:
        """Return True when an author of the commits may not approve them."""
        return self.minimum > 1 if self.not_authors is None else self.not_authors

    @model_validator(mode="after")
    def _names_are_proved(self) -> ApprovalPolicy:
        """Names in a form are typed by whoever answers it: no rule about people can hold there."""
        rules = ("minimum", "approvers", "not_authors", "people", "override", "rollback", "sidecars")
        unproved = [name for name in rules if getattr(self, name) != type(self).model_fields[name].default]
        if self.by == "form" and unproved:
            raise ValueError(f"{unproved[0]} needs `by: cluster`: the name in a form is typed and not verified")
        return self

    @model_validator(mode="after")
    def _enough_approvers(self) -> ApprovalPolicy:
        if self.by == "form":
            return self
        if self.ask == "after_preview":
            raise ValueError("ask: after_preview needs `by: form`: the cluster refuses a preview that nobody approved")
        if not self.approvers:
            raise ValueError("approvers is missing: name the users or groups that may approve")
        if not self.approvers.groups and len(set(self.approvers.users)) < self.minimum:
            raise ValueError(f"minimum is {self.minimum}, and approvers has {len(set(self.approvers.users))} users")
        return self


class Proof(_Strict):
    environment: str = Field(description="The environment where a release must be proved first.")
    max_age_hours: Hours = Field(168, gt=0, description="Maximum age of a proof, in hours.")


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
    install_minutes: Minutes = Field(
        15, gt=0, description="Time limit of the preview stack's installation, in minutes."
    )
    patience_seconds: Seconds = Field(
        60,
        ge=0,
        description="Time that a container may fail to start, or end and be started anew, before the installation is given up, in seconds.",
    )
    settle_seconds: Seconds = Field(5, ge=0, description="Seconds of observation after the switch.")
    probe_per_second: float = Field(
        50, gt=0, allow_inf_nan=False, description="Requests per second of the switch's probe."
    )
    rollback_window_minutes: Minutes = Field(60 * 24, ge=0, description="Time that the old color stays at full size.")

    @property
    def has_a_gate(self) -> bool:
        """Return True when the cluster itself enforces approvals here."""
        return self.approval is not None and self.approval.by == "cluster"


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
    if found.name != name:
        raise BadInput(
            f"could not read {file}: name: {found.name!r} is not the file's name", advice="remove the key `name`"
        )
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
    return "; ".join(
        f"{'.'.join(map(str, e['loc']))}: {e['msg'].removeprefix('Value error, ')}" for e in error.errors()[:3]
    )
