"""Notifications, word by word, and the cases that send none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from azora.config.environment import load_environment
from azora.config.settings import ROOT
from azora.core.cluster.record import Receipt, StackRecord, Switch
from azora.core.cluster.state import World
from azora.core.colors import Color
from azora.core.messages.notifications import Night, Notice, of_news, of_switch, of_the_night, waiting
from azora.core.promotion.plan import Change
from azora.core.record.events import Event, Frozen, Overridden, PolicyChanged
from azora.core.record.seen import News
from tests.support.plans import planned
from tests.support.releases import ADD, BASE, DROP
from tests.support.worlds import BLUE, GREEN, NOW, SERVING_OLD, SWITCHED, YES, stack

PRODUCTION = load_environment("production", ROOT / "deployments/environments")
LINK = "http://prefect/run/1"
FIX, ADDED = Change("f1f1f1f", "ada", "Fix the cart"), Change("a2a2a2a", "bob", "Add a course")


def test_request() -> None:
    """The notice of an approval request has the plan in short and where to answer."""
    plan = planned(SERVING_OLD, changes=(FIX, ADDED))
    assert waiting(plan, LINK, "1f2e3d4c-0") == Notice(
        "production waits for an approval: Change the banner",
        f"""\
active after the switch: green, {BASE.title}
active now: blue, old
proof: none
1 changed image, 2 new commits
- f1f1f1f Fix the cart (ada)
- a2a2a2a Add a course (bob)
to answer, choose Resume: {LINK}
or run: azora approve 1f2e3d4c --plan {plan.hash[:12]} -m 'why you approve'""",
        "warning",
    )


def test_request_with_a_contract() -> None:
    """The notice warns that a contract migration cannot be undone."""
    release = BASE.model_copy(update={"migrations": (ADD, DROP)})
    text = waiting(planned(SERVING_OLD, release), LINK, "run").text
    assert f"migrations: expand {ADD.revision}, contract {DROP.revision}; no rollback past them" in text


def test_request_with_many_commits() -> None:
    """The notice lists ten commits and counts the rest."""
    text = waiting(planned(SERVING_OLD, changes=(FIX,) * 12), LINK, "run").text
    assert text.count("Fix the cart") == 10
    assert "- … and 2 more" in text


# -- users moved

GOOD = Receipt(number=2, verdict="good", total=1200, failed=0, first_on_new_seconds=0.012, last_on_old_seconds=-0.004)
BAD = Receipt(number=2, verdict="bad", reason="requests failed around the switch: 5 failed", total=900, failed=5)
RETURN = Switch(number=3, at=NOW, kind="return", came_from=GREEN, to=BLUE, release="old", by="run")


def judged(world: World, *receipts: Receipt) -> World:
    return replace(world, receipts=(*SERVING_OLD.receipts, *receipts))


def known(world: World, color: Color, release: str) -> World:
    """*world*, where Azora's record of the color names its commit."""
    record = StackRecord(release=release, commit="c" * 40, subject="Change the banner", revision=1)
    return replace(world, stacks={**world.stacks, color: replace(stack(color, release), record=record)})


RETURNED = replace(SWITCHED, active=BLUE, switches=(*SWITCHED.switches, RETURN))


@pytest.mark.parametrize(
    ("world", "told"),
    [
        pytest.param(
            judged(known(SWITCHED, GREEN, "new"), GOOD),
            Notice(
                "production runs new (ccccccc Change the banner)",
                "switch 2: users went from blue to green at 12:00:00 UTC\n"
                "1200 requests around the switch, 0 failed; first on green +0.012 s; last on the old color -0.004 s\n"
                f"approved by ada: it is time\n{LINK}",
                "success",
            ),
            id="promoted, with counts and approver",
        ),
        pytest.param(
            judged(known(RETURNED, GREEN, "new"), BAD, Receipt(number=3, verdict="good", reason=BAD.reason)),
            Notice(
                "production was rolled back automatically from new (ccccccc Change the banner)",
                "reason: requests failed around the switch: 5 failed\n900 requests around the switch, 5 failed\n"
                f"users are on blue again: old\n{LINK}",
                "failure",
            ),
            id="rolled back, with the reason",
        ),
        pytest.param(
            judged(RETURNED, Receipt(number=3, verdict="good", reason=BAD.reason)),
            Notice(
                "production was rolled back automatically from new",
                f"reason: {BAD.reason}\nusers are on blue again: old\n{LINK}",
                "failure",
            ),
            id="rolled back, without its counts",
        ),
        pytest.param(
            judged(
                SWITCHED, BAD.model_copy(update={"reason": "it is slow; users stay on green: the blue stack is gone"})
            ),
            Notice(
                "production stays on a bad release: new",
                "reason: it is slow; users stay on green: the blue stack is gone\n"
                f"900 requests around the switch, 5 failed\n{LINK}",
                "failure",
            ),
            id="bad, and nowhere to go back to",
        ),
        pytest.param(
            judged(known(SWITCHED, GREEN, "newer"), GOOD),
            Notice(
                "production runs new",
                "switch 2: users went from blue to green at 12:00:00 UTC\n"
                "1200 requests around the switch, 0 failed; first on green +0.012 s; last on the old color -0.004 s\n"
                f"approved by ada: it is time\n{LINK}",
                "success",
            ),
            id="its color has a newer release by now",
        ),
        pytest.param(judged(SWITCHED), None, id="switched and not judged yet"),
        pytest.param(
            judged(replace(SWITCHED, switches=(SWITCHED.switches[-1].model_copy(update={"by": "ada"}),)), GOOD),
            None,
            id="somebody else's switch",
        ),
        pytest.param(World(), None, id="nobody was ever served"),
    ],
)
def test_switch_notice(world: World, told: Notice | None) -> None:
    """A switch is reported once it has a verdict, with its counts, approver or reason."""
    world = replace(world, approvals=(YES,))
    assert of_switch("production", world, run="run", link=LINK) == told


# -- nights


def night(day: int, *steps: str, commit: str = "") -> Night:
    """At 02:00 on that day of November; red at *steps*, green without."""
    at = datetime(2026, 11, day, 2, tzinfo=UTC)
    return Night(
        at, not steps, f"http://prefect/run/{day}", commit, steps, "could not test: no\n  → mend it" if steps else ""
    )


INSTALL, CASES = "staging: install preview", "staging: end-to-end cases of the preview"


@pytest.mark.parametrize(
    ("nights", "told"),
    [
        pytest.param([night(24)], None, id="well, and the first one"),
        pytest.param([night(24), night(23)], None, id="well, as before"),
        pytest.param(
            [night(24, CASES, commit="new"), night(23, commit="old")],
            Notice(
                f"the nightly run failed at {CASES}",
                "could not test: no\n  → mend it\nsince the last good nightly run, 2026-11-23: 2 new commits\n"
                "- f1f1f1f Fix the cart (ada)\n- a2a2a2a Add a course (bob)\nhttp://prefect/run/24",
                "failure",
            ),
            id="the first failure, in full",
        ),
        pytest.param(
            [night(24, CASES, commit="new"), night(23, CASES), night(22, CASES), night(21)],
            Notice(
                f"the nightly run still fails at {CASES}",
                "failing since 2026-11-22, on 3 days\nhttp://prefect/run/24",
                "warning",
            ),
            id="the same again, a line",
        ),
        pytest.param(
            [night(24, CASES), night(24, CASES), night(23, CASES)],
            Notice(
                f"the nightly run still fails at {CASES}",
                "failing since 2026-11-23, on 2 days\nhttp://prefect/run/24",
                "warning",
            ),
            id="a repeated run of the same date",
        ),
        pytest.param(
            [night(24), night(23, CASES), night(22, INSTALL), night(21)],
            Notice(
                "the nightly run succeeds again",
                f"failed since 2026-11-22, on 2 days, last at {CASES}\nhttp://prefect/run/24",
                "success",
            ),
            id="well again, once",
        ),
    ],
)
def test_nightly_notice(nights: list[Night], told: Notice | None) -> None:
    """A nightly run is reported by what is new: a first failure in full, its repetition short."""
    assert of_the_night(nights, (FIX, ADDED)) == told


@pytest.mark.parametrize(
    ("nights", "said"),
    [
        pytest.param(
            [night(24, INSTALL, commit="new"), night(23, CASES), night(22, commit="old")],
            "since the last good nightly run, 2026-11-22: No new commits",
            id="another step, in full again",
        ),
        pytest.param([night(24, CASES, commit="new")], "no nightly run succeeded before", id="the first nightly run"),
        pytest.param(
            [night(24, "find the commit"), night(23, commit="old")],
            "since the last good nightly run, 2026-11-23: commits unknown",
            id="the commit was not found",
        ),
    ],
)
def test_nightly_notice_since_the_last_good(nights: list[Night], said: str) -> None:
    """A failure names what is known of the last good nightly run."""
    told = of_the_night(nights)
    assert told
    assert told.title == f"the nightly run failed {nights[0].where}"
    assert said in told.text.splitlines()


def test_nightly_notice_of_two_failed_steps() -> None:
    """Another set of failed steps is another failure, and all are named."""
    told = of_the_night([night(24, "test a", "test b"), night(23, "test a")])
    assert told
    assert told.title == "the nightly run failed at test a, test b"


def test_nightly_notice_without_a_failed_step() -> None:
    """A failure in no step is reported as between the steps."""
    told = of_the_night([replace(night(24, CASES), steps=())])
    assert told
    assert told.title == "the nightly run failed between its steps"


def test_nightly_notice_with_a_long_error() -> None:
    """A long error is cut."""
    told = of_the_night([replace(night(24, CASES), error="x" * 5000)])
    assert told
    assert len(told.text) < 700


@pytest.mark.parametrize(
    ("event", "title", "kind"),
    [
        pytest.param(Frozen(until=NOW), "production is frozen until 2026-11-24 12:00 UTC", "info", id="freeze"),
        pytest.param(Frozen(), "the freeze of production is lifted", "info", id="its end"),
        pytest.param(
            Overridden(rule="freeze", where="3f2a1c9b0d4e5f"),
            "3f2a1c9b0d4e may be promoted in the freeze of production",
            "warning",
            id="an exception",
        ),
        pytest.param(
            Overridden(where="Service shop", release="2" * 40),
            "the gate of production was overridden: Service shop",
            "failure",
            id="an override",
        ),
        pytest.param(PolicyChanged(what="the gate", after="on"), None, None, id="another act"),
    ],
)
def test_notification_of_an_act(event: Event, title: str | None, kind: str | None) -> None:
    """Freezes and overrides are told with who and why."""
    notice = of_news("production", News(event, "oidc:olga", "the sale"))
    assert (notice and notice.title, notice and notice.kind) == (title, kind)
    assert notice is None or notice.text.splitlines()[0] == "by oidc:olga: the sale"
