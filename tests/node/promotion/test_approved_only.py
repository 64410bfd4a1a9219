"""Users go where a person approved and nowhere else: on the node, without Prefect, with the guestbook."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from azora.config.json_object import Json
from azora.config.settings import settings
from azora.core.cluster.record import Switch
from azora.core.promotion.next_step import Step
from azora.core.release.release import Release
from azora.errors import Refused
from azora.gateways.kubernetes.lease import held
from azora.operations.promotion import switch
from azora.operations.promotion.live_probe import LiveProbe
from azora.operations.promotion.promotion import Promotion
from azora.operations.rollback import roll_back, switch_users
from tests.support.guestbook import Guestbook, guestbook
from tests.support.polling import until
from tests.support.step_by_step import walk

SERVICES = "deployments/charts/router/templates/services.yaml"
PODS = "deployments/charts/guestbook/templates/_pods.tpl"


@pytest.fixture(scope="module")
def book(node: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guestbook]:  # noqa: ARG001 - the node must be up
    approval: dict[str, object] = {"approval": {"ask": "before_preview"}}
    with guestbook(tmp_path_factory.mktemp("approved"), "approved", {"production": approval}) as found:
        yield found


@pytest.fixture(scope="module")
def first(book: Guestbook) -> Release:
    """The release that users have when each test begins, in blue; by an approval."""
    release = book.release(book.commit())
    context = book.context(release)
    assert Promotion(context).next() is Step.ASK
    with pytest.raises(Refused, match="no approval of this run is valid"):
        walk_past_the_request(book, release)
    book.approve(context)
    walk(context)
    return release


def walk_past_the_request(book: Guestbook, release: Release) -> None:
    """Install the router as a program would that forgot to ask."""
    context = book.context(release)
    context.approval(context.look())


def live(book: Guestbook) -> Json:
    namespace = book.cluster().namespace
    return namespace.api.get(f"{namespace.core}/services/{namespace.live_service}")


def selector(book: Guestbook) -> dict[str, str]:
    return {name: value for name, value in live(book)["spec"]["selector"].items() if name.startswith("azora.dev/")}


def switches(book: Guestbook) -> tuple[Switch, ...]:
    return book.cluster().look().switches


def test_first_release(book: Guestbook, first: Release) -> None:
    """Selector and log name the release, by 40 digits and whole; the entry carries the approval."""
    entry = switches(book)[0]
    assert selector(book) == {"azora.dev/color": "blue", "azora.dev/release": first.id[:40]}
    assert (entry.kind, entry.release, bool(entry.approval)) == ("first", first.id, True)
    assert book.page().headers["X-Azora-Release"] == first.id[:40]


def test_switch_without_an_approval(book: Guestbook, first: Release) -> None:  # noqa: ARG001 - is there
    """A proved preview gets no users by any way: neither by the context's own switch, nor by hand, nor by a number."""
    before = live(book)
    context = book.context(book.release(book.commit()))
    approval = book.approve(context)
    walk(context, until=Step.SWITCH)
    context.cluster.record.end_approvals(context.delivery.run, "could not go on")
    with (
        held(context.cluster.namespace, context.delivery.run),
        pytest.raises(Refused, match="no approval of this run is valid"),
    ):
        switch.switch(context, LiveProbe(context.delivery, settings(), context.cluster.namespace))
    with pytest.raises(Refused, match="it has no approval here"):
        switch_users(book.environment(), context.cluster.look().preview, settings(), by="ada")
    (kept,) = [one for one in context.cluster.look().approvals if one.id == approval.id]
    assert kept.ended == "could not go on"
    assert Promotion(context).next() is Step.ASK
    assert live(book) == before


def test_ports_of_the_new_release(book: Guestbook, first: Release) -> None:
    """The patch that moves users carries the ports of the release that they go to; the rollback those of the one before."""
    text = (book.repository / SERVICES).read_text()
    pods = (book.repository / PODS).read_text()
    renamed = {SERVICES: text.replace("targetPort: web", "targetPort: page"), PODS: pods.replace("name: web, containerPort", "name: page, containerPort").replace("port: web}", "port: page}").replace("targetPort: web", "targetPort: page")}  # fmt: skip
    release = book.release(book.commit(renamed))
    context = book.context(release)
    book.approve(context)
    walk(context, until=Step.WATCH)
    assert live(book)["spec"]["ports"][0]["targetPort"] == "page"
    visitors_see(book, release)
    walk(context)
    roll_back(book.environment(), None, settings(), by="ada")
    assert live(book)["spec"]["ports"][0]["targetPort"] == "web"
    visitors_see(book, first)
    assert switches(book)[-1].approval == switches(book)[0].approval


def visitors_see(book: Guestbook, release: Release) -> None:
    """An Ingress learns of new endpoints a moment after the Service."""

    def seen() -> bool:
        return book.page().headers["X-Azora-Release"] == release.label

    until(seen, seconds=10, what=f"visitors see {release.label}")


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param({"azora.dev/color": "green"}, id="color"),
        pytest.param({"azora.dev/release": "0" * 40}, id="release"),
    ],
)
def test_selector_edited_by_hand(book: Guestbook, first: Release, edit: dict[str, str]) -> None:
    """The next run is refused, names the drift and the rollback that mends it; it is never logged as a context."""
    namespace, before = book.cluster().namespace, switches(book)
    namespace.api.patch(f"{namespace.core}/services/{namespace.live_service}", {"spec": {"selector": edit}})
    try:
        with pytest.raises(Refused, match="changed manually") as caught:
            Promotion(book.context(book.release(book.commit()))).next()
        assert "`azora rollback production`" in caught.value.advice
        assert switches(book) == before
    finally:
        roll_back(book.environment(), None, settings(), by="ada")
    assert selector(book) == {"azora.dev/color": "blue", "azora.dev/release": first.label}
