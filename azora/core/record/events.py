"""Events of an environment's record, one class for each kind."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict, Discriminator, Tag

from azora.core.cluster.record import Receipt, Switch
from azora.core.colors import Color

GATE, OFF = "the gate", "off"


class _Event(BaseModel):
    """*repeats*: two equal ones are two events; else the second is a repetition after a lost answer."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    repeats: ClassVar[bool] = False


class Begun(_Event):
    """First entry. *switch* and *approvals* were there before: the last number, and ids."""

    kind: Literal["begun"] = "begun"
    switch: int = 0
    approvals: tuple[str, ...] = ()


class Commits(BaseModel):
    """Commits for approvers: the newest lines, and the number of all; None: not known."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    number: int | None = 0
    newest: tuple[str, ...] = ()


class ForApprovers(BaseModel):
    """Part of a request that people of the cluster read beside the plan.

    *since*: answers to this request name that time. *objects*: digest of what would be installed. *images*: images of these objects
    that Azora did not build, by digest. *authors*: addresses of the commits' authors and co-authors. *on_main*: None: not known.
    *evidence*: address of the page of evidence.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    since: datetime
    objects: str = ""
    images: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    proof: str = ""
    on_main: bool | None = None
    gained: Commits = Commits()
    lost: Commits = Commits()
    evidence: str = ""


class Requested(_Event):
    """Approval request of a run.

    *plan* is the hash of *bound*, *release* the hash of *contents*; *began* is the time when the run began. *approvers*: with
    `approval.by: cluster`.
    """

    kind: Literal["requested"] = "requested"
    key: str
    release: str
    plan: str
    bound: dict[str, Any]
    contents: dict[str, Any]
    subject: str = ""
    until: datetime
    began: datetime | None = None
    approvers: ForApprovers | None = None


class Approved(_Event):
    """Approval; *saw* is the head of the record that its person saw with the plan."""

    kind: Literal["approved"] = "approved"
    approval: str
    release: str
    plan: str
    given_at: datetime
    expires_at: datetime
    saw: str = ""
    by: Literal["form", "cluster"] = "form"


class Rejected(_Event):
    kind: Literal["rejected"] = "rejected"
    release: str
    plan: str
    given_at: datetime
    saw: str = ""


class Refused(_Event):
    """An attempt that Azora refused: an answer that does not count, a switch, a promotion."""

    kind: Literal["refused"] = "refused"
    what: str
    release: str = ""
    plan: str = ""
    repeats: ClassVar[bool] = True


class Ended(_Event):
    """An approval that counts no more; the entry's reason says how its promotion ended."""

    kind: Literal["ended"] = "ended"
    approval: str
    release: str = ""


class Expired(_Event):
    """A request or an approval whose time is over, or a request whose run is gone."""

    kind: Literal["expired"] = "expired"
    what: Literal["request", "approval"]
    release: str
    plan: str
    approval: str = ""


class Superseded(_Event):
    """A request that a newer one replaced: *by_run* requests an approval of *by_release*."""

    kind: Literal["superseded"] = "superseded"
    key: str
    release: str
    plan: str
    by_run: str
    by_release: str


class PreviewRemoved(_Event):
    """The preview stack of a run that is over was removed."""

    kind: Literal["removed"] = "removed"
    color: Color
    release: str
    installed_at: datetime


class Switching(_Event):
    """A switch that is about to be made; without the entry `switched` it was not."""

    kind: Literal["switching"] = "switching"
    switch: Switch


class Switched(_Event):
    """A switch that was made, also one of a rollback; *found*: read later from the live Service."""

    kind: Literal["switched"] = "switched"
    switch: Switch
    seconds: float | None = None
    found: bool = False


class Received(_Event):
    """Receipt of a switch."""

    kind: Literal["receipt"] = "receipt"
    receipt: Receipt


class Overridden(_Event):
    """Act of a person with the right to override: without an approval, or in a freeze.

    `rule` is what was overridden; `where` the object with the annotation, or the release or run that a freeze lets through.
    `given_at` is the time of the person's act, where it is known; `after` the number of the last approved promotion before it.
    """

    kind: Literal["override"] = "override"
    rule: Literal["gate", "freeze"] = "gate"
    release: str = ""
    where: str = ""
    reason: str = ""
    given_at: datetime | None = None
    after: int = 0


class Frozen(_Event):
    """No promotion begins until then; *until* None: a freeze was lifted."""

    kind: Literal["freeze"] = "freeze"
    until: datetime | None = None
    given_at: datetime | None = None


class PolicyChanged(_Event):
    """Change of the environment's file or the marks of its gate, by digest; `OFF`: the gate is off."""

    kind: Literal["policy"] = "policy"
    what: str
    before: str = ""
    after: str
    repeats: ClassVar[bool] = True


class Other(_Event):
    """A kind that a newer version writes."""

    model_config = ConfigDict(frozen=True, extra="allow")
    kind: str


_KNOWN = (
    Begun | Requested | Approved | Rejected | Refused | Ended | Expired | Superseded | PreviewRemoved
    | Switching | Switched | Received | Overridden | Frozen | PolicyChanged
)  # fmt: skip
KINDS = frozenset(event.model_fields["kind"].default for event in get_args(_KNOWN))


def _tag(event: Any) -> str:  # noqa: ANN401 - what JSON holds, or one of the classes
    kind = event.get("kind") if isinstance(event, dict) else getattr(event, "kind", None)
    return "known" if kind in KINDS else "other"


Event = Annotated[
    Annotated[Annotated[_KNOWN, Discriminator("kind")], Tag("known")] | Annotated[Other, Tag("other")],
    Discriminator(_tag),
]
