"""Azora's own record: the ConfigMap `azora-record` of an environment's namespace."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from azora.colors import Color
from azora.errors import BadInput, Conflict
from azora.gateways.namespace import Namespace
from azora.gateways.objects import logged_switches
from azora.migrations import together
from azora.record import (
    KEPT,
    MIGRATIONS,
    PROOFS,
    RECEIPTS,
    RELEASES,
    Approval,
    ProofRecord,
    Question,
    Receipt,
    StackRecord,
)
from azora.release import Release, shown
from azora.tally import Tally

RECORD = "azora-record"
APPROVAL, QUESTION = (
    "approval.",
    "question.",
)  # beginnings of the record's keys: one per approval, one per run that waits
TRIES = 5


class Record(Namespace):
    """What Azora wrote down in the namespace; every method reads it anew."""

    def record(self) -> dict[str, str]:
        found = self.api.find(f"{self.core}/configmaps/{RECORD}")
        return dict(found.get("data") or {}) if found else {}

    def write_record(self, **data: str | None) -> None:
        """Set (None: remove) keys of the record; other keys stay. Keys are written by one holder of the Lease each."""
        path = f"{self.core}/configmaps"
        if self.api.find(f"{path}/{RECORD}") is None:
            self.ensure_namespace()
            body = {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": RECORD, "labels": {"azora.dev/record": "true"}},
            }
            with suppress(Conflict):
                self.api.create(path, body)
        self.api.patch(f"{path}/{RECORD}", {"data": data})

    def record_stack(self, color: Color, stack: StackRecord) -> None:
        self.write_record(**{str(color): stack.model_dump_json()})

    def record_installed(self, color: Color, stack: StackRecord) -> None:
        """An install that ended well: its migrations ran, and none of another release is in doubt any more."""
        self.write_record(**{str(color): stack.model_dump_json(), "migrating": None})

    def begin_migrating(self, release: Release) -> None:
        """From now on the database may hold the migrations of *release*, also if nobody lives to say so."""
        old = MIGRATIONS.validate_json(self.record().get("migrating", "[]"))
        self.write_record(migrating=MIGRATIONS.dump_json(together(old, release.migrations)).decode())

    def remember(self, release: Release) -> None:
        """Keep the newest releases whole, so that one can be brought back by its id alone."""
        kept = (*(item for item in self.releases() if item.id != release.id), release)[-KEPT:]
        self.write_record(releases=RELEASES.dump_json(kept).decode())

    def releases(self) -> tuple[Release, ...]:
        """The newest releases that were installed here, oldest first: each can be brought back."""
        return releases_of(self.record())

    def release_called(self, id_: str) -> Release:
        """A release that was installed here. Raises BadInput when it is not remembered."""
        known = self.releases()
        found = next((item for item in known if item.id == id_), None)
        if found is None:
            names = ", ".join(shown(item.id) for item in known) or "none"
            raise BadInput(f"could not find release {shown(id_)!r} in {self.namespace}", advice=f"it remembers {names}")
        return found

    def approvals(self) -> tuple[Approval, ...]:
        return approvals_of(self.record())

    def record_approval(self, approval: Approval) -> None:
        """One key per approval, so that none can overwrite another; expired ones are forgotten."""
        record = self.record()
        old = {key: None for key, yes in _approvals(record) if yes.expires_at < approval.at}
        first = {} if "approval-since" in record else {"approval-since": self._approval_since(approval).isoformat()}
        self.write_record(**{**old, **first, _key_of(approval): approval.model_dump_json()})

    def _approval_since(self, approval: Approval) -> datetime:
        """When the environment first asked for approvals, by all that is known of it."""
        service = self.api.find(f"{self.core}/services/{self.live}")
        return min([approval.at, *(switch.at for switch in logged_switches(service) if switch.approval)])

    def end_approvals(self, run: str, how: str) -> None:
        """The approvals of *run* are used up: they count no more, and the record says how their promotion ended."""
        mine = [(key, yes) for key, yes in _approvals(self.record()) if yes.run == run and not yes.ended]
        if mine:
            self.write_record(**{key: yes.model_copy(update={"ended": how}).model_dump_json() for key, yes in mine})

    def record_question(self, question: Question) -> None:
        """One key per run; those that nobody waits for any more are forgotten. No namespace is made before a yes."""
        record = self.record()
        if not record and not self.has_namespace():
            return
        old = {f"{QUESTION}{one.run}": None for one in questions_of(record) if one.until < question.at}
        self.write_record(**{**old, f"{QUESTION}{question.run}": question.model_dump_json()})

    def forget_question(self, run: str) -> None:
        """*run* was answered."""
        if f"{QUESTION}{run}" in self.record():
            self.write_record(**{f"{QUESTION}{run}": None})

    def count(self, change: Callable[[Tally], Tally]) -> None:
        """Make *change* to the tally, where there is a namespace to keep it in.

        Runs end without a Lease: counted anew when another one wrote in between.
        """
        for left in reversed(range(TRIES)):
            found = self.api.find(f"{self.core}/configmaps/{RECORD}")
            if found is None:
                if not self.has_namespace():
                    return
                self.write_record()
                continue
            tally = change(tally_of(found.get("data") or {}))
            version = {"resourceVersion": found["metadata"]["resourceVersion"]}
            try:
                self.api.patch(
                    f"{self.core}/configmaps/{RECORD}",
                    {"metadata": version, "data": {"tally": tally.model_dump_json()}},
                )
                return
            except Conflict:
                if not left:
                    raise

    def add_receipt(self, receipt: Receipt) -> None:
        """Keep the newest receipts; one of the same number is replaced."""
        old = RECEIPTS.validate_json(self.record().get("receipts", "[]"))
        kept = (*(item for item in old if item.number != receipt.number), receipt)[-KEPT:]
        self.write_record(receipts=RECEIPTS.dump_json(kept).decode())

    def add_proof(self, proof: ProofRecord) -> None:
        """Keep the newest proofs; one of the same release is replaced."""
        old = PROOFS.validate_json(self.record().get("proofs", "[]"))
        kept = (*(item for item in old if item.release != proof.release), proof)[-KEPT:]
        self.write_record(proofs=PROOFS.dump_json(kept).decode())


def approvals_of(record: dict[str, str]) -> tuple[Approval, ...]:
    """Every approval that *record* holds."""
    return tuple(approval for _, approval in _approvals(record))


def _approvals(record: dict[str, str]) -> list[tuple[str, Approval]]:
    found = (item for item in sorted(record.items()) if item[0].startswith(APPROVAL))
    return [(key, Approval.model_validate_json(text)) for key, text in found]


def _key_of(approval: Approval) -> str:
    return f"{APPROVAL}{approval.id.replace('/', '.')}"


def releases_of(record: dict[str, str]) -> tuple[Release, ...]:
    """Every release that *record* remembers, oldest first."""
    return RELEASES.validate_json(record.get("releases", "[]"))


def questions_of(record: dict[str, str]) -> tuple[Question, ...]:
    """Every question that *record* holds."""
    return tuple(Question.model_validate_json(text) for key, text in sorted(record.items()) if key.startswith(QUESTION))


def tally_of(record: dict[str, str]) -> Tally:
    return Tally.model_validate_json(record.get("tally", "{}"))
