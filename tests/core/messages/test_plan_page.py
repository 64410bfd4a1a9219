"""Page of a plan and its commits: true counts, what users would lose, no more than a person can read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from azora.core.cluster.freeze import Act, Freeze
from azora.core.cluster.overrides import Override
from azora.core.cluster.state import World
from azora.core.messages.notifications import waiting
from azora.core.messages.plan_page import commits_page, markdown
from azora.core.promotion.plan import Change, Plan
from tests.support.plans import PRODUCTION, planned
from tests.support.releases import BASE
from tests.support.worlds import EMPTY, NOW, SERVING_OLD

UNTIL = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ONE, TWO = Change("1111111", "Ada", "Fix the cart"), Change("2222222", "Bob", "Add a course")


def many(count: int) -> tuple[Change, ...]:
    return tuple(Change(f"{number:07}", "Ada", f"Commit {number}") for number in range(count))


def commits_in(text: str) -> str:
    """The part about commits."""
    return text[text.index("### ") :].partition("\n\n### 1 changed image")[0]


GAINED = "### 1 new commit\n\n- `1111111` `Fix the cart` (`Ada`)"
LOST = "### ⚠ 1 commit that users would lose\n\n- `2222222` `Add a course` (`Bob`)"


@pytest.mark.parametrize(
    ("plan", "shown"),
    [
        pytest.param(planned(SERVING_OLD), "### No new commits\n", id="none"),
        pytest.param(planned(SERVING_OLD, changes=(ONE,)), f"{GAINED}\n", id="newer"),
        pytest.param(planned(SERVING_OLD, lost=(TWO,)), f"{LOST}\n\n### No new commits\n", id="older"),
        pytest.param(planned(SERVING_OLD, changes=(ONE,), lost=(TWO,)), f"{LOST}\n\n{GAINED}\n", id="diverged"),
        pytest.param(
            planned(SERVING_OLD, changes=(ONE,), lost=None),
            "### ⚠ Commits that users would get or lose: unknown, as the commit of the active release is unknown\n\n"
            "### 1 commit in the release\n\n- `1111111` `Fix the cart` (`Ada`)\n",
            id="not known",
        ),
    ],
)
def test_commits_of_a_plan(plan: Plan, shown: str) -> None:
    """The page lists the commits that users would lose, then those that they would get."""
    assert commits_in(markdown(plan)).rstrip() == shown.rstrip()
    assert commits_in(commits_page(plan)).rstrip() == shown.rstrip()


@pytest.mark.parametrize(
    ("on_main", "row"), [(True, "yes"), (False, "**no**"), (None, "unknown")], ids=["on it", "beside it", "not known"]
)
def test_main_branch(on_main: bool | None, row: str) -> None:
    """The page shows whether the main branch has the commit; a notice warns where it has not."""
    plan = planned(SERVING_OLD, on_main=on_main)
    assert f"| on the main branch | {row} |" in markdown(plan)
    assert ("not on the main branch" in waiting(plan, "link", "run").text) is (on_main is False)


@pytest.mark.parametrize(
    ("world", "row"),
    [
        pytest.param(EMPTY, "is installed: users at", id="first release"),
        pytest.param(SERVING_OLD, "stays as it is: users at", id="same"),
        pytest.param(
            replace(SERVING_OLD, router_digest="other/blue"),
            "**changes** (its chart, its values or the hosts)",
            id="other",
        ),
    ],
)
def test_router_of_a_plan(world: World, row: str) -> None:
    """The page shows at which hosts users are served, and whether what serves them changes."""
    page = markdown(planned(world))
    assert f"| router | {row}" in page
    assert f"`{PRODUCTION.hosts.live}`" in page


def test_deadline_of_the_answer() -> None:
    """A request shows until when it may be answered; a plan without a request does not."""
    assert "| answer until | 2026-11-23 12:00 UTC |" in markdown(planned(SERVING_OLD), until=UNTIL)
    assert "answer until" not in markdown(planned(SERVING_OLD))


@pytest.mark.parametrize(
    ("world", "row"),
    [
        pytest.param(EMPTY, "| active now | none |", id="nothing"),
        pytest.param(SERVING_OLD, "| active now | blue: `", id="a release"),
    ],
)
def test_active_color(world: World, row: str) -> None:
    """A first release has no active color, and no release beside it."""
    assert row in markdown(planned(world))


def test_migrations_of_an_application_without_any() -> None:
    """Without a migration there is no head to name."""
    assert "| migrations | none to run |" in markdown(
        planned(SERVING_OLD, BASE.model_copy(update={"migration_heads": (), "migrations": ()}))
    )


def test_commits_in_the_plan_hash() -> None:
    """Commits are shown, but are no part of the hash that an approval is bound to."""
    assert planned(SERVING_OLD, changes=many(3), lost=many(2), on_main=False).hash == planned(SERVING_OLD).hash


def test_many_commits() -> None:
    """Counts are true; the form lists ten commits, the page of commits a thousand of each kind."""
    plan = planned(SERVING_OLD, changes=many(10_000), lost=many(2000))
    form, page = markdown(plan), commits_page(plan)
    for text in (form, page):
        assert "### 10000 new commits" in text
        assert "### ⚠ 2000 commits that users would lose" in text
    assert form.count("`Commit ") == 20
    assert "- … and 9990 more, see the page `production-commits`" in form
    assert "- … and 1990 more, see the page `production-commits`" in form
    assert page.count("`Commit ") == 2000
    assert "- … and 9000 more\n" in f"{page}\n"
    assert len(form) < 4000
    assert len(page) < 100_000
    assert markdown(plan, whole=True).count("`Commit ") == 2000


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        pytest.param(planned(SERVING_OLD, changes=many(60)), "1 changed image, 60 new commits", id="newer"),
        pytest.param(
            planned(SERVING_OLD, lost=many(12)),
            "1 changed image, no new commits; users would lose 12 commits",
            id="older",
        ),
        pytest.param(
            planned(SERVING_OLD, changes=many(60), lost=None),
            "1 changed image, commits unknown: the commit of the active release is unknown",
            id="not known",
        ),
    ],
)
def test_commits_of_a_notice(plan: Plan, said: str) -> None:
    """A notice has the counts of both kinds."""
    assert said in waiting(plan, "link", "run").text.splitlines()


FREEZE = Freeze("oidc:ada", NOW, NOW + timedelta(hours=8), "the sale")
GOES = replace(
    FREEZE, exceptions=(Act(kind="exception", at=NOW, reason="a fix", subject=BASE.id[:12], by="oidc:olga"),)
)


@pytest.mark.parametrize(
    ("freeze", "row", "warned"),
    [
        pytest.param(None, "", False, id="no freeze"),
        pytest.param(
            FREEZE,
            "| ⚠ frozen | until 2026-11-24 20:00 UTC, by `oidc:ada`: `the sale`; **nothing is promoted before**:"
            " answer after it |",
            True,
            id="frozen",
        ),
        pytest.param(
            GOES,
            "| ⚠ frozen | until 2026-11-24 20:00 UTC, by `oidc:ada`: `the sale`; **this one may go**, by `oidc:olga`: `a fix` |",
            False,
            id="a release that may go",
        ),
    ],
)
def test_freeze_on_a_plan(freeze: Freeze | None, row: str, *, warned: bool) -> None:
    """The page shows a freeze, and whether this release may go; a notification warns."""
    plan = planned(SERVING_OLD, BASE, freeze=freeze)
    assert row in markdown(plan)
    assert ("frozen" in markdown(plan)) is (freeze is not None)
    assert ("frozen until 2026-11-24 20:00 UTC by oidc:ada: the sale" in waiting(plan, "link", "run").text) is warned
    assert plan.is_frozen is warned


def test_override_on_a_plan() -> None:
    """The page and the notification show an override in force."""
    override = Override("Service shop", "oidc:olga", "the approvers are asleep", "2" * 40)
    plan = planned(replace(SERVING_OLD, overrides=(override,)))
    assert "| ⚠ override in force | `Service shop`, by `oidc:olga`: `the approvers are asleep` |" in markdown(plan)
    assert "override in force: Service shop by oidc:olga: the approvers are asleep" in waiting(plan, "x", "run").text
