"""Freeze of an environment: until its end no promotion begins, exceptions apart.

ConfigMap `azora-freeze` has one line for each act of a person, `JSON USER`, and only grows. The last freeze decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from azora.core.messages.foreign_text import line
from azora.core.release.release import canonical

NAME, KEY = "azora-freeze", "acts"
DIGITS = 8  # of a release or run at least: fewer could name two of them


class Act(BaseModel):
    """One act of a person: a freeze, its end before its time, or an exception for *subject*.

    `subject` is the id of a release or run, or its beginning.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: Literal["freeze", "end", "exception"]
    at: AwareDatetime
    reason: str = Field(min_length=1)
    until: AwareDatetime | None = None
    subject: str = ""
    by: str = Field("", exclude=True)  # the author of the line


@dataclass(frozen=True)
class Freeze:
    """A freeze that was not ended, with its exceptions; it may be over by its time."""

    by: str
    at: datetime
    until: datetime
    reason: str
    exceptions: tuple[Act, ...] = ()

    def exception(self, release: str, run: str) -> Act | None:
        """The act that lets *release* or *run* through; None without one."""
        named = (one for one in self.exceptions if len(one.subject) >= DIGITS)
        return next((one for one in named if release.startswith(one.subject) or run.startswith(one.subject)), None)

    @property
    def text(self) -> str:
        """For a line of text: until when, by whom and why."""
        return f"until {self.until:%Y-%m-%d %H:%M} UTC by {line(self.by)}: {line(self.reason)}"


@dataclass(frozen=True)
class Acts:
    """Acts of people, oldest first; *known* is False where they may not be read."""

    acts: tuple[Act, ...] = ()
    known: bool = True

    def in_force(self, now: datetime) -> Freeze | None:
        """The freeze that holds at *now*."""
        found: Freeze | None = None
        for act in self.acts:
            if act.kind == "freeze" and act.until:
                found = Freeze(act.by, act.at, act.until, act.reason)
            elif act.kind == "end":
                found = None
            elif found:
                found = replace(found, exceptions=(*found.exceptions, act))
        return found if found and now < found.until else None

    def keeps_out(self, release: str, run: str, now: datetime) -> Freeze | None:
        """The freeze by which *release* is not promoted by *run* at *now*."""
        found = self.in_force(now)
        return None if found is None or found.exception(release, run) else found


UNKNOWN = Acts(known=False)


def acts_of(data: Mapping[str, str]) -> Acts:
    """Acts in the ConfigMap's *data*; a line that is none is left out."""
    return Acts(tuple(act for text in data.get(KEY, "").split("\n") if (act := _act(text))))


def line_of(act: Act, user: str) -> str:
    """Line of *act*, as *user* writes it."""
    return f"{canonical(act.model_dump(mode='json'))} {user}\n"


def _act(text: str) -> Act | None:
    content, _, user = text.rpartition(" ")
    try:
        return Act.model_validate_json(content).model_copy(update={"by": user})
    except ValidationError:
        return None
