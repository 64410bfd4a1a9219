"""A promotion without Prefect, broken between its steps on purpose.

The promotion goes on at the next look, and users are never at risk.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest

from azora.config.settings import settings
from azora.core.cluster.record import StackRecord
from azora.core.promotion.next_step import Step
from azora.core.release.custom_resources import unready
from azora.core.release.migrations import Migration
from azora.errors import BadInput, Conflict, Refused
from azora.gateways.images.registry import find
from azora.gateways.kubernetes import lease
from azora.gateways.kubernetes.lease import held
from azora.gateways.kubernetes.namespace import Namespace
from azora.host.retry import retried
from azora.host.writes import Moment, System, Write, listening
from azora.local.layout import layout
from azora.local.registry_login import registry_auth
from azora.operations.checkout import checkout
from azora.operations.promotion import preview
from azora.operations.promotion.context import Context
from azora.operations.promotion.observer import SILENT
from azora.operations.promotion.rehearsal import rehearse
from azora.operations.promotion.shown import shown_objects
from azora.operations.rollback import roll_back, switch_users
from tests.support import pipeline
from tests.support.guestbook import Guestbook, guestbook
from tests.support.polling import until
from tests.support.registries import push_over
from tests.support.step_by_step import walk

VALUES = "deployments/values/guestbook/staging.yaml"
PODS = "deployments/charts/guestbook/templates/_pods.tpl"
ROUTER = "deployments/charts/router/templates/services.yaml"
WEB, NAMED = "{name: web, port: 80, targetPort: web", ("port: {name: web}", "port: {name: edge}")
RBAC, GROUP = "rbac.authorization.k8s.io", "/apis/steps.azora.test/v1"
EXPAND = Migration(revision="note", phase="expand")
DROP = Migration(revision="drop", phase="contract", contracts="note")


@pytest.fixture(scope="module")
def book(node: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guestbook]:  # noqa: ARG001 - the node must be up
    """Two proved stacks of staging, either of which may serve users."""
    with guestbook(tmp_path_factory.mktemp("steps"), "steps", {"staging": {}}) as found:
        for _ in range(2):
            walk(found.context(found.release(found.commit()), "staging"))
        yield found


@pytest.fixture
def promotion(book: Guestbook) -> Context:
    """A release of a configuration-only change, on its way to staging."""
    return next_release(book)


def next_release(book: Guestbook) -> Context:
    text = (book.repository / VALUES).read_text()
    return book.context(book.release(book.commit({VALUES: f"{text}\n# {uuid4()}\n"}, "Change a value")), "staging")


def made_with(promotion: Context, *migrations: Migration) -> Context:
    """The same, of a release with these migrations."""
    release = promotion.delivery.release.model_copy(update={"migrations": migrations})
    return replace(promotion, delivery=replace(promotion.delivery, release=release))


def test_writes_of_a_promotion(promotion: Context) -> None:
    """Each write is announced before and after; Helm is called twice, and the live Service is changed by the switch alone."""
    seen: list[tuple[Moment, Write]] = []
    namespace, preview_ = promotion.cluster.namespace, promotion.cluster.look().preview
    with listening(lambda moment, write: seen.append((moment, write))):
        walk(promotion)
    begun = [write for moment, write in seen if moment == "before"]
    assert sorted(begun, key=str) == sorted((write for moment, write in seen if moment == "after"), key=str)
    calls = [write.what for write in begun if write.system is System.HELM]
    assert calls == [f"upgrade {namespace.stack_name(preview_)}", f"upgrade {namespace.application}"]
    live = f"{namespace.core}/services/{namespace.live_service}"
    assert [write.what for write in begun if live in write.what.split()] == [f"PATCH {live}"]


def test_image_tag_pushed_over(book: Guestbook) -> None:
    """A tag that somebody else pushed over is built again: the release has the images that Azora pushed."""
    commit = book.commit()
    release, here = book.release(commit), settings()
    name, tag = checkout(commit, here).tags(here)["store"]
    user, _, password = registry_auth(layout(here.node)).partition(":")
    foreign = push_over(here.registry, name, tag, (user, password))
    assert find(name, tag, here) == foreign
    assert checkout(commit, here).built_images(here) is None
    assert book.release(commit).images == release.images == checkout(commit, here).built_images(here)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param(
            ('include "guestbook.labels" . | nindent 6 }}', 'include "guestbook.labels" . | nindent 6 }}\n      app.kubernetes.io/version: "3"'),
            "field is immutable",
            id="version in a selector",
        ),
        pytest.param(("progressDeadlineSeconds: 120", "progressDeadlineSeconds: -1"), "must be greater than", id="wrong value"),
        pytest.param(("enableServiceLinks: false", "enableServiceLink: false"), "field not declared", id="unknown field"),
    ],
)  # fmt: skip
def test_objects_that_the_cluster_refuses(book: Guestbook, change: tuple[str, str], says: str) -> None:
    """They are refused by name before anything is written."""
    text = (book.repository / PODS).read_text()
    assert change[0] in text
    before = pipeline.objects("staging")
    with pipeline.undone(), pytest.raises(BadInput) as refused:
        rehearsed(book.context(book.release(book.commit({PODS: text.replace(*change)}, "Change the pods")), "staging"))
    assert "could not install into staging: the cluster would refuse" in refused.value.message
    assert "Deployment guestbook-" in refused.value.message
    assert says in refused.value.message
    assert pipeline.objects("staging") == before


def test_objects_that_the_cluster_takes(promotion: Context) -> None:
    """An installation that is fit passes, over what is there."""
    rehearsed(promotion)


def rehearsed(promotion: Context) -> None:
    rehearse(promotion, promotion.cluster.look())


def changed_router(book: Guestbook, *changes: tuple[str, str]) -> Context:
    """A release whose router differs by *changes*, on its way to staging."""
    text = (book.repository / ROUTER).read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return book.context(book.release(book.commit({ROUTER: text}, "Change the router")), "staging")


def ports_of_ingresses(promotion: Context) -> dict[str, str]:
    """Name of the port that each Ingress names."""
    namespace = promotion.cluster.namespace
    found = namespace.api.get(f"/apis/networking.k8s.io/v1/namespaces/{namespace.name}/ingresses")["items"]
    routes = {one["metadata"]["name"]: one["spec"]["rules"][0]["http"]["paths"][0] for one in found}
    return {name: route["backend"]["service"]["port"]["name"] for name, route in routes.items()}


def test_port_that_the_router_changes(book: Guestbook) -> None:
    """At once it is refused; in two releases the preview's Ingress moves before the proof, and users' after the switch."""
    both = (WEB, f"{WEB}}}, {{name: edge, port: 8080, targetPort: web")
    for changes, says in (
        (
            ((WEB, WEB.replace("web, port: 80", "edge, port: 8080")), NAMED),
            "port web of Service guestbook: this commit has none",
        ),
        ((both, NAMED), "port edge of Service guestbook with this commit: a rollback would take it away"),
    ):
        with pipeline.undone(), pytest.raises(BadInput) as refused:
            rehearsed(changed_router(book, *changes))
        assert says in refused.value.message
    first = changed_router(book, both)
    rehearsed(first)
    walk(first)
    second = changed_router(book, NAMED)
    rehearsed(second)
    walk(second, until=Step.SWITCH)
    assert ports_of_ingresses(second) == {"guestbook": "web", "guestbook-preview": "edge"}
    walk(second)
    assert ports_of_ingresses(second) == {"guestbook": "edge", "guestbook-preview": "edge"}
    assert book.page("staging").is_success


MORE = "deployments/charts/guestbook/templates/more.yaml"
CALLED = 'name: "{{ .Values.azora.application }}-{{ .Values.azora.color }}-more"'


def as_shown(book: Guestbook, template: str) -> Context:
    """A release with one more object, on its way to staging, with what its first look shows."""
    context = book.context(book.release(book.commit({MORE: template}, "One more object")), "staging")
    return replace(context, shown=shown_objects(context.delivery, context.helm, context.first_look()))


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("{{ now }}", id="time"),
        pytest.param("{{ randAlphaNum 8 }}", id="random"),
        pytest.param("upgrade {{ .Release.IsUpgrade }}", id="IsUpgrade"),
        pytest.param('{{ (lookup "v1" "Service" .Release.Namespace "guestbook").kind }}', id="lookup"),
    ],
)
def test_object_that_would_differ(book: Guestbook, value: str) -> None:
    """It is refused with the difference, before anything is installed."""
    before = pipeline.objects("staging")
    with pipeline.undone():
        template = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{{CALLED}}}\ndata:\n  value: '{value}'\n"
        context = as_shown(book, template)
        with pytest.raises(Refused) as refused:
            walk(context)
    color = context.cluster.look().preview
    assert (
        f"its objects differ from those that were shown:\nConfigMap guestbook-{color}-more\n" in refused.value.message
    )
    assert "\n+  value: " in refused.value.message
    assert pipeline.objects("staging") == before


def test_objects_that_may_differ(book: Guestbook) -> None:
    """A random password and replicas that an autoscaler added are installed."""
    with pipeline.undone():
        template = (
            f"apiVersion: v1\nkind: Secret\nmetadata: {{{CALLED}}}\nstringData:\n  password: {{{{ randAlphaNum 8 }}}}\n"
        )
        context = as_shown(book, template)
        active = context.cluster.look().active_stack
        assert active
        pipeline.kubectl(
            "-n", context.cluster.namespace.name, "scale", f"deployment/guestbook-{active.color}-front", "--replicas=3"
        )
        walk(context)
        assert context.cluster.look().active is active.color.other


CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "tickets.steps.azora.test"},
    "spec": {
        "group": "steps.azora.test",
        "scope": "Namespaced",
        "names": {"kind": "Ticket", "plural": "tickets"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}
TICKET = """
---
apiVersion: steps.azora.test/v1
kind: Ticket
metadata: {name: "{{ .Values.azora.application }}-{{ .Values.azora.color }}"}
status: {conditions: [{type: Ready, status: "False", message: nobody at the desk}]}
"""


@pytest.fixture
def tickets(book: Guestbook) -> Iterator[Namespace]:
    """The cluster has a kind that the pipeline's account may write and read by name, but not list."""
    here = book.cluster("staging").namespace
    role = {"name": "tickets", "namespace": here.name}
    rules = [
        {"apiGroups": ["steps.azora.test"], "resources": ["tickets"], "verbs": ["get", "create", "patch", "delete"]}
    ]
    everybody = {"kind": "Group", "name": "system:serviceaccounts", "apiGroup": RBAC}
    ref = {"kind": "Role", "name": "tickets", "apiGroup": RBAC}
    crd = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{CRD['metadata']['name']}"
    roles = f"/apis/{RBAC}/v1/namespaces/{here.name}"
    here.api.apply(crd, CRD)
    here.api.apply(
        f"{roles}/roles/tickets", {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": role, "rules": rules}
    )
    binding = {"kind": "RoleBinding", "metadata": role, "subjects": [everybody], "roleRef": ref}
    here.api.apply(f"{roles}/rolebindings/tickets", {"apiVersion": f"{RBAC}/v1", **binding})
    listed = partial(retried(here.api.find), f"{GROUP}/namespaces/{here.name}/tickets")
    until(listed, seconds=30, what="the kind is served")
    yield here
    here.api.delete(crd)


def test_custom_resource(book: Guestbook, tickets: Namespace) -> None:
    """Helm does not wait for it; where application.yaml names its kind, the preview does."""
    application = book.repository / "deployments/application.yaml"
    with pipeline.undone():
        stack = {PODS.replace("_pods.tpl", "ticket.yaml"): TICKET}
        walk(book.context(book.release(book.commit(stack, "Add a ticket")), "staging"))
        named = {"deployments/application.yaml": f"{application.read_text()}\nwaits_for: [Ticket]\n"}
        waiting = book.context(book.release(book.commit(named, "Wait for it")), "staging")
        color = waiting.cluster.look().preview
        desk = threading.Timer(8, serve, (tickets, f"guestbook-{color}"))
        desk.start()
        walk(waiting)
        desk.join()
        assert waiting.cluster.look().active is color
        assert unready(tickets.api.get(f"{GROUP}/namespaces/{tickets.name}/tickets/guestbook-{color}")) is None
    for _ in range(2):  # no color has one when the kind goes
        walk(next_release(book))


def serve(tickets: Namespace, name: str) -> None:
    """Set the ticket *name* to ready, as the operator of its kind does."""
    conditions = [{"type": "Ready", "status": "True"}]
    tickets.api.patch(f"{GROUP}/namespaces/{tickets.name}/tickets/{name}", {"status": {"conditions": conditions}})


def test_kill_between_the_steps(promotion: Context) -> None:
    """Helm ended but nothing was recorded; the preview Service was left on the active color; the switch was not watched."""
    old = promotion.cluster.look()
    assert walk(promotion, until=Step.PROVE) == [Step.INSTALL_PREVIEW]
    promotion.cluster.record.set_stack(old.preview, StackRecord(release="an older one", revision=1))
    promotion.cluster.point_preview_at(old.stack(old.preview.other))
    assert walk(promotion, until=Step.WATCH) == [Step.PROVE, Step.SWITCH]
    assert walk(promotion) == [Step.WATCH, Step.RECORD_IN_HELM]
    now = promotion.cluster.look()
    assert now.active is old.preview
    assert len(now.switches) == len(old.switches) + 1
    assert now.preview_points_at is old.active


@pytest.fixture
def slow(book: Guestbook) -> Iterator[Context]:
    """A release whose pods are ready after five seconds, on its way to staging."""
    before = pipeline.git("rev-parse", "HEAD")
    yield book.context(book.release(book.commit(book.ready_after(5))), "staging")
    pipeline.undo_to(before)


def test_helm_killed_in_the_middle(slow: Context) -> None:
    """The next look repairs it, and users are not moved."""
    old = slow.cluster.look()
    killer = threading.Thread(target=pipeline.kill_helm, args=(slow.cluster.namespace.stack_name(old.preview),))
    killer.start()
    with pytest.raises(Exception, match="could not"), held(slow.cluster.namespace, slow.delivery.run):
        preview.install_preview(slow, SILENT)
    killer.join()
    broken = slow.cluster.look()
    assert broken.pending == (slow.cluster.namespace.stack_name(old.preview),)
    assert broken.active is old.active
    assert walk(slow)[:2] == [Step.REPAIR, Step.INSTALL_PREVIEW]
    assert slow.cluster.look().active is old.preview


def test_two_promotions_at_once(promotion: Context) -> None:
    """One is refused, and the error says which run has the Lease."""
    with (
        held(promotion.cluster.namespace, "another run"),
        pytest.raises(Refused, match="another run holds the Lease"),
        held(promotion.cluster.namespace, promotion.delivery.run),
    ):
        pass


def test_lease_of_a_killed_promotion(promotion: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person who starts a run again right after it was killed need not know of Leases."""
    monkeypatch.setattr(lease, "DURATION", timedelta(seconds=3))
    lease.Lease(promotion.cluster.namespace, "a killed run").take()
    with held(promotion.cluster.namespace, promotion.delivery.run) as ours:
        ours.check()


def test_switch_from_an_old_look(promotion: Context) -> None:
    """It is refused, and users are not moved."""
    world = promotion.cluster.look()
    assert world.last_switch
    promotion.cluster.namespace.api.patch(
        f"{promotion.cluster.namespace.core}/services/{promotion.cluster.namespace.live_service}",
        {"metadata": {"labels": {"touched": uuid4().hex}}},
    )
    with pytest.raises(Conflict):
        promotion.cluster.switch(world, world.last_switch)
    assert promotion.cluster.look().active is world.active


def test_rollback_past_a_contract(book: Guestbook, promotion: Context) -> None:
    """Neither a switch nor a rollback leads to a release from before a contract, though its stack is up, ready and proved."""
    walk(made_with(promotion, EXPAND))
    old = promotion.cluster.look()
    assert old.active
    later = book.context(book.release(book.commit()), "staging")
    walk(made_with(later, EXPAND, DROP))
    with pytest.raises(Refused, match="made without migration drop, a contract that ran later"):
        switch_users(promotion.delivery.environment, old.active, settings(), by="test")
    with pytest.raises(Refused, match="made without migration drop, a contract that the database holds"):
        roll_back(promotion.delivery.environment, None, settings(), by="test")
    new = promotion.cluster.look()
    assert new.active is old.preview
    record = new.stack(old.preview).record
    assert record
    promotion.cluster.record.set_stack(
        old.preview, record.model_copy(update={"migrations": (EXPAND,)})
    )  # no database holds it
