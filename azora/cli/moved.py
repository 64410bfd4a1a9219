"""Steps after a switch by hand: the terminal, the log, Helm's record, Grafana's boards."""

from __future__ import annotations

from azora.cli.output import done, emit, note
from azora.config.environment import Environment
from azora.config.identity import settings_by_hand
from azora.config.settings import settings
from azora.core.cluster.record import Switch
from azora.core.release.release import LABEL_DIGITS
from azora.operations.rollback import record_in_helm


def report_switch(environment: Environment, entry: Switch, sentence: str, *, by: str, as_json: bool) -> None:
    """Print *sentence*, log it, let Helm's record follow, mark the boards where there is a Grafana."""
    name = environment.name
    done(sentence, entry.model_dump(mode="json"), as_json=as_json)
    note(sentence, environment=name, release=entry.release[:LABEL_DIGITS], color=entry.to, by=by)
    record_in_helm(environment, settings_by_hand(settings()), by=f"{entry.kind} by {by}")
    from azora.core.messages.annotations import of_move  # noqa: PLC0415 - users do not wait for it
    from azora.gateways.notify.grafana import annotate  # noqa: PLC0415

    for trouble in annotate([of_move(settings().application, name, entry)], settings()):
        emit(f"  {trouble}", as_json=as_json)
