"""ConfigMap `azora-approved`: the only place where an approval counts for the cluster's policies.

Each line ends with a space and the name of its author, and the API server lets a person change only own lines:

    approved    ITEM USER     the label of a release or the digest of an image, which that person approves
    standing    ITEM USER     the same, of what ran when the gate was turned on; counts alone, written by an administrator
    plans       JSON USER     that person's answer to one plan
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from azora.core.promotion.approval import Decision
from azora.core.release.release import LABEL_DIGITS, canonical
from azora.errors import BadInput

NAME = "azora-approved"
MOST_BYTES = 900_000  # of the 1 MiB that the API server takes
ITEM = re.compile(r"sha256:[0-9a-f]{64}|[A-Za-z0-9][-A-Za-z0-9_.]{0,62}")


class Answer(BaseModel):
    """One person's answer to one plan, as canonical JSON in a line.

    `asked` is the time of the request, so that an answer to an earlier one does not count. `release` is the whole id, `policy` the
    digest of the environment's file, `head` that of the record which the person saw; `items` are the label and the digests that an
    approval covers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    decision: Decision
    plan: str = Field(pattern=r"^[0-9a-f]{64}$")
    run: str = Field(min_length=1)
    environment: str
    release: str
    policy: str
    reason: str = Field(min_length=1)
    asked: AwareDatetime
    at: AwareDatetime
    expires_at: AwareDatetime
    head: str = ""
    items: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Canonical JSON (RFC 8785), on one line."""
        return canonical(self.model_dump(mode="json"))


@dataclass(frozen=True)
class Approved:
    """Lines of the ConfigMap as they stand there; those of other people are written back unchanged."""

    approved: tuple[str, ...] = ()
    standing: tuple[str, ...] = ()
    plans: tuple[str, ...] = ()

    @classmethod
    def of(cls, data: Mapping[str, str]) -> Self:
        """Content of the ConfigMap whose `data` is *data*."""
        return cls(*(tuple(line for line in data.get(key, "").split("\n") if line) for key in _KEYS))

    @property
    def data(self) -> dict[str, str]:
        """Content for the ConfigMap's `data`.

        Raises:
            BadInput: it is more than an object of the API server holds.
        """
        found = {key: "\n".join(getattr(self, key)) for key in _KEYS}
        size = sum(len(text.encode()) for text in found.values())
        if size > MOST_BYTES:
            raise BadInput(
                f"could not write {NAME}: {size} bytes are more than {MOST_BYTES}",
                advice="each approver removes own lines of releases that do not run: `azora approve` does it",
            )
        return found

    def people(self, item: str) -> frozenset[str]:
        """People who approved *item*; several lines of a person count once."""
        return frozenset(_author(line) for line in self.approved if line.startswith(f"{item} "))

    def stands(self, item: str) -> bool:
        """Return True when *item* was taken over."""
        return any(line.startswith(f"{item} ") for line in self.standing)

    def counts(self, item: str, minimum: int) -> bool:
        """Return True when the cluster's policies let *item* through, as they count."""
        return self.stands(item) or len(self.people(item)) >= minimum

    def missing(self, items: Iterable[str], minimum: int) -> tuple[str, ...]:
        """Those of *items* that the cluster refuses."""
        return tuple(item for item in items if not self.counts(item, minimum))

    def answers(self) -> tuple[tuple[str, Answer], ...]:
        """Each answer with its author; a line that is none is left out, since only its author may remove it."""
        read = ((_author(line), _answer(line)) for line in self.plans)
        return tuple((who, answer) for who, answer in read if answer)

    def with_answer(self, answer: Answer, user: str) -> Self:
        """Lines with *answer* of *user*, instead of that person's earlier one to the same plan and run.

        A rejection brings no items.

        Raises:
            BadInput: the cluster would refuse the lines of such a name or item.
        """
        kept = tuple(
            line
            for line in self.plans
            if _author(line) != user
            or not ((old := _answer(line)) and (old.run, old.plan) == (answer.run, answer.plan))
        )
        approves = answer.decision is Decision.APPROVE
        new = _new(self.approved, answer.items if approves else (), user)
        return replace(self, approved=(*self.approved, *new), plans=(*kept, f"{answer.text} {user}"))

    def with_standing(self, items: Iterable[str], user: str) -> Self:
        """Lines with *items* taken over by *user*, where nobody did before. Raises as `with_answer`."""
        left = [item for item in items if not self.stands(item)]
        return replace(self, standing=(*self.standing, *_new(self.standing, left, user)))

    def pruned(self, user: str, keep: Iterable[str], now: datetime) -> Self:
        """Lines without those of *user* that are for nothing any more.

        An item stays where *keep* has it, and with each own approval that still holds or whose release *keep* has. A rejection holds
        none, so that it takes an approval back.
        """
        kept = set(keep)
        mine = [answer for who, answer in self.answers() if who == user and answer.decision is Decision.APPROVE]
        held = {item for answer in mine if _stays(answer, kept, now) for item in answer.items} | kept
        return replace(
            self,
            approved=tuple(line for line in self.approved if _author(line) != user or _item(line) in held),
            plans=tuple(line for line in self.plans if _author(line) != user or _stays(_answer(line), kept, now)),
        )


_KEYS = ("approved", "standing", "plans")


def must_be_a_name(user: str) -> None:
    """Check that lines of *user* can be told from those of other people.

    Raises:
        BadInput: the name has a space, or none at all.
    """
    if not user or re.search(r"\s", user):
        raise BadInput(
            f"could not write an approval as {user!r}: a line ends with the name, after a space",
            advice="use a user name without spaces; the cluster's authentication sets it",
        )


def _new(lines: Iterable[str], items: Iterable[str], user: str) -> tuple[str, ...]:
    must_be_a_name(user)
    there, found = set(lines), tuple(dict.fromkeys(items))
    if odd := [item for item in found if not ITEM.fullmatch(item)]:
        raise BadInput(
            f"could not approve {odd[0]!r}: it is neither a release's label nor an image's digest",
            advice="name images by digest: REGISTRY/NAME@sha256:…",
        )
    return tuple(line for line in (f"{item} {user}" for item in found) if line not in there)


def _stays(answer: Answer | None, keep: Collection[str], now: datetime) -> bool:
    return answer is not None and (now < answer.expires_at or answer.release[:LABEL_DIGITS] in keep)


def _author(line: str) -> str:
    return line.rpartition(" ")[2]


def _item(line: str) -> str:
    return line.partition(" ")[0]


def _answer(line: str) -> Answer | None:
    try:
        return Answer.model_validate_json(line.rpartition(" ")[0])
    except ValidationError:
        return None
