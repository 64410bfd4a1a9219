"""Record of Azora in a namespace: the ConfigMap `azora-record`, and a second one for releases.

Each part is bounded by its number, so that the record never outgrows what the API server takes (1 MiB an object).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime

from azora.core.cluster.garbled import without_garbled
from azora.core.cluster.kubernetes_objects import logged_switches
from azora.core.cluster.ownership import installed_by_us, with_installed
from azora.core.cluster.record import (
    KEPT,
    MIGRATIONS,
    PROOFS,
    RECEIPTS,
    Approval,
    PreviewRecord,
    ProofRecord,
    Question,
    Receipt,
    StackRecord,
)
from azora.core.cluster.record import RELEASES as ALL_RELEASES
from azora.core.cluster.run_counts import RunCounts
from azora.core.cluster.stored_releases import kept_after, packed, unpacked
from azora.core.colors import Color
from azora.core.release.migrations import together
from azora.core.release.release import Release, shown, whole_id
from azora.errors import BadInput, Conflict
from azora.gateways.kubernetes.namespace import Namespace

RECORD, RELEASES = "azora-record", "azora-record-releases"
VERSION = 2
MOST = 300  # approvals, and requests: half a kilobyte each
APPROVAL, QUESTION = (
    "approval.",
    "question.",
)  # beginnings of the record's keys: one per approval, one per run that waits
TRIES = 5


class RecordStore:
    """The record of *namespace*; every method reads it anew."""

    def __init__(self, namespace: Namespace) -> None:
        self.namespace = namespace
        self._api = namespace.api

    def read(self) -> dict[str, str]:
        """Every key of the record but the releases; garbled ones that only report are left out.

        Raises:
            BadInput: a newer version of Azora wrote it, or a key is garbled.
        """
        found = without_garbled(self.config_map(RECORD), self.namespace.name)
        if int(found.get("version", VERSION)) > VERSION:
            raise BadInput(
                f"could not read the record of {self.namespace.name}: a newer Azora wrote it (version {found['version']})",
                advice="update this Azora; an older version would lose the newer fields",
            )
        return found

    def write(self, **data: str | None) -> None:
        """Set keys of the record (None: remove); other keys stay. The Lease's holder alone writes a key."""
        self.write_config_map(RECORD, {"version": str(VERSION), **data})

    def config_map(self, name: str) -> dict[str, str]:
        """The data of ConfigMap *name*; empty where there is none."""
        found = self._api.find(f"{self.namespace.core}/configmaps/{name}")
        return dict(found.get("data") or {}) if found else {}

    def write_config_map(self, name: str, data: dict[str, str | None]) -> None:
        """Set (None: remove) keys of ConfigMap *name*, which is created when it is missing."""
        path = f"{self.namespace.core}/configmaps"
        if self._api.find(f"{path}/{name}") is None:
            self.namespace.ensure()
            labels = {"azora.dev/record": "true"}
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels}}
            with suppress(Conflict):
                self._api.create(path, body)
        self._api.patch(f"{path}/{name}", {"data": data})

    def helm_releases(self) -> tuple[str, ...]:
        """Helm releases that are Azora's here."""
        return installed_by_us(self.read(), self.namespace.application)

    def add_helm_release(self, name: str) -> None:
        """From now on Helm release *name* is Azora's here, also if its first installation is killed."""
        if names := with_installed(self.read(), self.namespace.application, name):
            self.write(helm=names)

    def set_stack(self, color: Color, stack: StackRecord) -> None:
        self.write(**{str(color): self._stored(stack)})

    def set_installed(self, color: Color, stack: StackRecord) -> None:
        """An install that ended well: its migrations ran, and none of another release is in doubt any more."""
        self.write(**{str(color): self._stored(stack), "migrating": None})

    def _stored(self, stack: StackRecord) -> str:
        """Without its migrations, where they are those of its release: that is stored already."""
        kept = unpacked(self.config_map(RELEASES), {stack.release})
        known = any(release.migrations == stack.migrations for release in kept)
        return stack.model_dump_json(exclude={"migrations"} if known else None)

    def begin_migrating(self, release: Release) -> None:
        """From now on the database may hold the migrations of *release*, also if nobody lives to say so."""
        old = MIGRATIONS.validate_json(self.read().get("migrating", "[]"))
        self.write(migrating=MIGRATIONS.dump_json(together(old, release.migrations)).decode())

    def add_release(self, release: Release) -> None:
        """Store the newest releases in full, and those of both colors, so that an id suffices to restore one."""
        record, stored = self.read(), self.config_map(RELEASES)
        stacks = [StackRecord.model_validate_json(record[color]) for color in Color if color in record]
        before = (*old_releases(record), *unpacked(stored))
        needed = {whole_id(stack.release, [one.id for one in before]) for stack in stacks}
        kept = packed(kept_after(release, before, {id_ for id_ in needed if id_}))
        self.write_config_map(RELEASES, dict.fromkeys(stored) | kept)
        if "releases" in record:
            self.write(releases=None)

    def releases(self) -> tuple[Release, ...]:
        """The newest releases that were installed here, oldest first: each can be brought back."""
        return (*old_releases(self.read()), *unpacked(self.config_map(RELEASES)))

    def release(self, id_: str) -> Release:
        """A release that was installed here. Raises BadInput when it is not remembered."""
        known = self.releases()
        found = next((item for item in known if item.id == id_), None)
        if found is None:
            names = ", ".join(shown(item.id) for item in known) or "none"
            raise BadInput(
                f"could not find release {shown(id_)!r} in {self.namespace.name}", advice=f"known releases: {names}"
            )
        return found

    def approvals(self) -> tuple[Approval, ...]:
        return approvals_of(self.read())

    def add_approval(self, approval: Approval) -> tuple[Approval, ...]:
        """One key per approval, so that none can overwrite another; expired ones are removed.

        Returns:
            Those of them that nobody had used.
        """
        record = self.read()
        known = sorted(_approvals(record), key=lambda item: item[1].at)
        expired = [(key, yes) for key, yes in known if yes.expires_at < approval.at]
        old = {key: None for key, _ in expired} | dict.fromkeys(_beyond(known))
        first = {} if "approval-since" in record else {"approval-since": self._approval_since(approval).isoformat()}
        self.write(**{**old, **first, _key_of(approval): approval.model_dump_json()})
        return tuple(yes for _, yes in expired if not yes.ended)

    def _approval_since(self, approval: Approval) -> datetime:
        """Time when the environment first required approvals, by all that is known of it."""
        service = self._api.find(f"{self.namespace.core}/services/{self.namespace.live_service}")
        return min([approval.at, *(switch.at for switch in logged_switches(service) if switch.approval)])

    def end_approvals(self, run: str, how: str, *, before: datetime | None = None) -> tuple[Approval, ...]:
        """Mark approvals of *run*, or those given *before* a moment, as used, with the reason; returns them."""
        mine = [
            (key, yes)
            for key, yes in _approvals(self.read())
            if yes.run == run and not yes.ended and (before is None or yes.at < before)
        ]
        if mine:
            self.write(**{key: yes.model_copy(update={"ended": how}).model_dump_json() for key, yes in mine})
        return tuple(yes for _, yes in mine)

    def add_question(self, question: Question) -> None:
        """Write one key per run; remove those that no run waits for.

        No namespace is created before an approval.
        """
        record = self.read()
        if not record and not self.namespace.exists():
            return
        known = [(f"{QUESTION}{one.run}", one) for one in sorted(questions_of(record), key=lambda one: one.at)]
        old = {key: None for key, one in known if one.until < question.at} | dict.fromkeys(_beyond(known))
        self.write(**{**old, f"{QUESTION}{question.run}": question.model_dump_json()})

    def renew_question(self, question: Question) -> None:
        """The run of *question* waits on with its key.

        Where a request of the run is there, the rest of it stays, also what replaced it.
        """
        name = f"{QUESTION}{question.run}"

        def renewed(record: dict[str, str]) -> dict[str, str | None]:
            known = Question.model_validate_json(record[name]) if name in record else question
            return {name: known.model_copy(update={"key": question.key}).model_dump_json()}

        self._change(renewed)

    def remove_question(self, run: str) -> None:
        """*run* was answered."""
        if f"{QUESTION}{run}" in self.read():
            self.write(**{f"{QUESTION}{run}": None})

    def take_question(self, run: str) -> Question | None:
        """Remove the request of *run*, so that none can replace it any more; returns it where a newer one had.

        That one stays until its run is over.
        """
        found: list[Question] = []

        def taken(record: dict[str, str]) -> dict[str, str | None]:
            found[:] = [one for one in questions_of(record) if one.run == run and one.replaced]
            return {} if found or f"{QUESTION}{run}" not in record else {f"{QUESTION}{run}": None}

        self._change(taken)
        return found[0] if found else None

    def replace_questions(self, replaced: Callable[[Sequence[Question]], Iterable[Question]]) -> None:
        """Store the requests that *replaced* returns of all; decided anew when one was taken meanwhile."""

        def changed(record: dict[str, str]) -> dict[str, str | None]:
            return {f"{QUESTION}{one.run}": one.model_dump_json() for one in replaced(questions_of(record))}

        self._change(changed)

    def preview(self) -> PreviewRecord | None:
        """Newest installation of a preview stack; None before the first one, and once it was removed."""
        found = self.read().get("preview")
        return PreviewRecord.model_validate_json(found) if found else None

    def forget_preview(self, removed: PreviewRecord) -> None:
        """*removed* is gone; a newer installation stays noted."""
        text = removed.model_dump_json()
        self._change(lambda record: {"preview": None} if record.get("preview") == text else {})

    def count(self, change: Callable[[RunCounts], RunCounts]) -> None:
        """Make *change* to the tally of an environment with a record; other namespaces may be foreign."""
        self._change(lambda record: {"tally": change(run_counts_of(record)).model_dump_json()})

    def _change(self, change: Callable[[dict[str, str]], dict[str, str | None]]) -> None:
        """Write the keys that *change* returns for the record as it is, where there is one.

        Runs end without a Lease: looked at anew when another one wrote in between.
        """
        for left in reversed(range(TRIES)):
            found = self._api.find(f"{self.namespace.core}/configmaps/{RECORD}")
            data = change(without_garbled(found.get("data") or {}, self.namespace.name)) if found is not None else {}
            if found is None or not data:
                return
            version = {"resourceVersion": found["metadata"]["resourceVersion"]}
            try:
                self._api.patch(f"{self.namespace.core}/configmaps/{RECORD}", {"metadata": version, "data": data})
                return
            except Conflict:
                if not left:
                    raise

    def add_receipt(self, receipt: Receipt) -> None:
        """Keep the newest receipts; one of the same number is replaced."""
        old = RECEIPTS.validate_json(self.read().get("receipts", "[]"))
        kept = (*(item for item in old if item.number != receipt.number), receipt)[-KEPT:]
        self.write(receipts=RECEIPTS.dump_json(kept).decode())

    def add_proof(self, proof: ProofRecord) -> None:
        """Keep the newest proofs; one of the same release is replaced."""
        old = PROOFS.validate_json(self.read().get("proofs", "[]"))
        kept = (*(item for item in old if item.release != proof.release), proof)[-KEPT:]
        self.write(proofs=PROOFS.dump_json(kept).decode())


def approvals_of(record: dict[str, str]) -> tuple[Approval, ...]:
    """Every approval that *record* holds."""
    return tuple(approval for _, approval in _approvals(record))


def _approvals(record: dict[str, str]) -> list[tuple[str, Approval]]:
    found = (item for item in sorted(record.items()) if item[0].startswith(APPROVAL))
    return [(key, Approval.model_validate_json(text)) for key, text in found]


def _beyond(oldest_first: Sequence[tuple[str, object]]) -> list[str]:
    """Keys of the oldest, where there are as many as the record holds of one kind."""
    return [key for key, _ in oldest_first[: max(len(oldest_first) - MOST + 1, 0)]]


def _key_of(approval: Approval) -> str:
    return f"{APPROVAL}{approval.id.replace('/', '.')}"


def old_releases(record: dict[str, str]) -> tuple[Release, ...]:
    """Releases as an older version recorded them: all in one key."""
    return ALL_RELEASES.validate_json(record.get("releases", "[]"))


def questions_of(record: dict[str, str]) -> tuple[Question, ...]:
    """Every question that *record* holds."""
    return tuple(Question.model_validate_json(text) for key, text in sorted(record.items()) if key.startswith(QUESTION))


def run_counts_of(record: dict[str, str]) -> RunCounts:
    return RunCounts.model_validate_json(record.get("tally", "{}"))
