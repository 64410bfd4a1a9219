"""Export of an environment's record: a file of lines that can be verified anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from azora.core.cluster.record import Switch
from azora.core.record.chain import Broken, head_of
from azora.core.record.claims import first_fault
from azora.core.record.entry import readable
from azora.core.record.events import Begun, Switched
from azora.core.release.release import canonical
from azora.errors import BadInput


class Header(BaseModel):
    """First line of the file: what the environment had beside the entries when they were read."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    azora_export: Literal[1] = 1
    application: str
    environment: str
    namespace: str
    at: datetime
    head: str
    live_head: str = ""
    switches: tuple[Switch, ...] = ()


@dataclass(frozen=True)
class Export:
    """*lines* are the entries as the cluster has them, byte for byte."""

    header: Header
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        header = canonical(self.header.model_dump(mode="json"))
        return "".join(f"{line}\n" for line in (header, *self.lines))

    def fault(self, heads: Mapping[str, str] | None = None) -> Broken | None:
        """First broken link or false claim; *heads* are known from elsewhere, by the name of their source."""
        live = {"the live Service": self.header.live_head} if self.header.live_head else {}
        own = {"the export's first line": self.header.head}
        return first_fault(self.lines, own | live | dict(heads or {})) or self._unrecorded()

    def _unrecorded(self) -> Broken | None:
        """First switch of the live Service without an entry."""
        events = [entry.event for entry in readable(self.lines)]
        first = next((event.switch for event in events if isinstance(event, Begun)), None)
        made = {_key(event.switch) for event in events if isinstance(event, Switched)}
        for switch in self.header.switches:
            if first is not None and switch.number > first and _key(switch) not in made:
                reason = f"switch {switch.number} of the live Service ({switch.kind} by {switch.by}) has no entry"
                return Broken(len(self.lines) + 1, reason)
        return None


def _key(switch: Switch) -> tuple[object, ...]:
    return switch.number, switch.at, switch.kind, switch.to


def parsed_export(text: str, name: str) -> Export:
    """Export that file *name* holds.

    Raises:
        BadInput: it is none.
    """
    first, _, rest = text.partition("\n")
    try:
        header = Header.model_validate_json(first)
    except ValueError as error:
        raise BadInput(
            f"could not read {name!r}: its first line is not that of an export",
            advice="write one with `azora history ENV --export FILE`",
        ) from error
    return Export(header, tuple(rest.removesuffix("\n").split("\n")) if rest else ())


def export_of(
    lines: tuple[str, ...], *, application: str, environment: str, namespace: str, at: datetime,
    switches: tuple[Switch, ...], live_head: str,
) -> Export:  # fmt: skip
    """Export of *lines*, with the marks of the live Service."""
    header = Header(
        application=application,
        environment=environment,
        namespace=namespace,
        at=at,
        head=str(head_of(lines)),
        live_head=live_head,
        switches=switches,
    )
    return Export(header, lines)
