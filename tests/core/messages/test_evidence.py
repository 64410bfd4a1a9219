"""Page of evidence: what an approver reads, and that foreign text is nothing but text there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from azora.core.checks.result_entry import CaseEntry
from azora.core.messages.evidence.facts import Compared, Evidence, Replicas, Stage, Suite
from azora.core.messages.evidence.page import page
from azora.core.messages.foreign_text import line
from azora.core.promotion.plan import Change
from azora.core.promotion.risks import Seen
from azora.core.release import object_changes
from azora.core.release.object_changes import ObjectChange, changes_of
from azora.redaction import remember
from tests.support.evidence import RECEIPT, evidence, thing
from tests.support.odd_plans import plan_of_odd
from tests.support.odd_texts import odd_texts
from tests.support.worlds import GREEN, NOW, switched

VOID = {"meta"}


class Elements(HTMLParser):
    """Elements of a page with their attributes, and their text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.texts: list[str] = []
        self.links: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(f"{tag} {[name for name, _ in attrs]}")
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_endtag(self, tag: str) -> None:
        self.found.append(f"/{tag}")

    def handle_comment(self, data: str) -> None:
        self.found.append(f"comment {data}")

    def handle_decl(self, decl: str) -> None:
        self.found.append(f"declaration {decl}")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def of_odd(odd: str) -> Evidence:
    """Evidence in which every text that others write is *odd*."""
    name = odd.encode(errors="replace").decode()
    plan = replace(plan_of_odd(odd), lost=(Change("1234567", odd, odd),), hosts=(odd, odd))
    texts = tuple(f"+{part}" for part in name.splitlines()) or ("+",)
    changes = (ObjectChange(name, "changed", texts[:1]),)
    receipt = RECEIPT.model_copy(update={"reason": odd.strip() or "x", "verdict": "bad"})
    case = CaseEntry.model_construct(name=odd, outcome="flaky", seconds=1)
    return Evidence(
        plan=plan,
        at=NOW,
        run_page="http://prefect/run",
        command=odd,
        until=NOW,
        approvers=odd or "x",
        seen=Seen(restarts=(odd,), by_color=(odd,), policy_of=1, unknown=(odd.strip() or "x",)),
        changed=(odd,),
        objects=(Compared(odd, changes), Compared(odd, None), Compared(odd, (), is_new=True)),
        replicas=(Replicas(odd, 1, 0, 2),),
        suites=(Suite(odd, False, odd, (case,), 1, ((odd, "http://reports/a?expires=1&signature=2"),)),),
        stage=Stage(odd, switched(1, odd, GREEN), receipt),
    )


@odd_texts
def test_odd_text(odd: str) -> None:
    """Odd text adds no element, attribute, comment or link to the page, and is read letter by letter."""
    html = page(of_odd(odd))
    found, plain = Elements(html), Elements(page(of_odd("x")))
    assert found.found == plain.found
    assert found.links == plain.links
    assert html.encode()
    assert all(letter.isprintable() or letter == "\n" for letter in html)
    first = line(odd.strip().splitlines()[0])[:50].rstrip("…") if odd.strip() else ""
    assert " ".join(first.split()) in found.text


def test_elements_are_closed() -> None:
    """Each element is closed where it was opened."""
    stack: list[str] = []
    for one in Elements(page(evidence())).found:
        name = one.partition(" ")[0]
        if name.startswith("/"):
            assert stack.pop() == name[1:]
        elif name not in VOID and not name.startswith("declaration"):
            stack.append(name)
    assert stack == []


def test_nothing_is_requested() -> None:
    """The page is one file: no script, no picture, no style or font of another address."""
    html = page(evidence())
    assert "default-src 'none'" in html
    assert not {"script", "img", "link", "iframe", "form", "object"} & {
        one.partition(" ")[0] for one in Elements(html).found
    }
    assert "url(" not in html
    assert "@import" not in html
    assert "<head>" not in html  # the report server adds a script there


def sections(html: str) -> Iterator[str]:
    yield from (part.partition("<")[0] for part in html.split("<h2>")[1:])


def test_order_of_the_page() -> None:
    """Risks come before the plan and all that it brings."""
    assert list(sections(page(evidence()))) == [
        "This replaces the request before", "6 risks", "Plan", "1 commit that users would lose", "16 new commits", "Objects",
        "Images", "Migrations", "Replicas", "Tests", "Receipt of the stage", "Last rollback",
    ]  # fmt: skip
    assert "strong>2 of 5 changed</strong" in page(evidence())
    assert "strong>5 changed, 1 added, 1 removed</strong" in page(evidence())


@pytest.mark.parametrize(
    ("approvers", "texts"),
    [
        pytest.param("", ["Resume in the menu of the page of the run , or azora approve 3f2a1c9b"], id="by the form"),
        pytest.param(
            "2 of oidc:ada, oidc:bob",
            [
                "May approve 2 of oidc:ada, oidc:bob",
                "as your own user of the cluster",
                "page of the run does not approve",
            ],
            id="by people of the cluster",
        ),
    ],
)
def test_how_to_answer(approvers: str, texts: list[str]) -> None:
    """The page names the deadline, and for people of the cluster that Resume does not approve."""
    shown = Elements(page(replace(evidence(), approvers=approvers))).text
    assert [text for text in ["Answer until 2026-", *texts] if text not in shown] == []
    assert ("does not approve" in shown) is bool(approvers)


def test_secrets_of_a_page() -> None:
    """Neither a Secret's value nor a credential of this process is on the page."""
    html = page(evidence())
    assert "tiger" not in html
    assert "lion-10" not in html
    assert "(masked, another value)" in html
    remember("credential-9<&>")
    plan = evidence().plan
    release = plan.release.model_copy(update={"subject": "Use credential-9<&> now"})
    html = page(replace(evidence(), plan=replace(plan, release=release), seen=Seen(unknown=("at credential-9<&>",))))
    assert "credential-9" not in html
    assert "Use *** now" in html


def test_page_that_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines and objects beyond the limit are counted."""
    monkeypatch.setattr(object_changes, "LINES_OF_ONE", 2)
    (one,) = changes_of([], [thing("ConfigMap", "a", data={"b": "c"})])
    html = page(replace(evidence(), objects=(Compared("azora-blue", (one,) * 501),)))
    assert "5 more lines are not shown: this page has a limit." in html
    assert "1 more objects differ; this page has a limit." in html
    assert html.count('class="object added"') == 500


def test_request_without_risks() -> None:
    """A page says so when it found none, and what it could not find."""
    plan = replace(evidence().plan, migrations=(), on_main=True, lost=(), router_changes=None)
    html = page(Evidence(plan=plan, at=NOW, run_page="http://prefect/run", command="azora approve", until=NOW))
    assert "No risks" in html
    assert "production was never rolled back." in html
    assert "No result is on this machine" in html
    assert "No stage has switched its users to this release." in html
