"""Odd texts of commits and people, in everything that shows them: they are text there, nothing else."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.console import Console
from rich.markdown import Markdown

from azora.cli import output
from azora.cli.output import safe
from azora.config.environment import ApprovalPolicy
from azora.config.settings import Settings
from azora.core.checks.case_history import History
from azora.core.checks.suite_result import Case, SuiteResult
from azora.core.cluster.record import Question, Receipt, Replacement
from azora.core.cluster.state import World
from azora.core.colors import Color
from azora.core.gate.request import ForPeople
from azora.core.gate.tally import Tally, Voice
from azora.core.messages import superseded
from azora.core.messages.annotations import of_move
from azora.core.messages.foreign_text import line, lines
from azora.core.messages.markdown import block, cell, code
from azora.core.messages.nightly import Figures, flaky, page
from azora.core.messages.notifications import Night, of_switch, of_the_night, waiting
from azora.core.messages.plan_page import commits_page, markdown
from azora.core.messages.request_page import page as request_page
from azora.core.messages.run_summary import ended
from azora.core.promotion.plan import Change
from azora.core.record.chain import Head
from azora.core.record.events import Commits, ForApprovers
from azora.operations.pruning import Part
from azora.operations.reports.links import link as link_to
from tasks import artifacts, outcomes
from tasks.approval_forms import form_of
from tests.support.gated import ANSWER
from tests.support.odd_plans import plan_of_odd, recorded, release_of
from tests.support.odd_texts import ODD_TEXTS, odd_texts
from tests.support.worlds import GREEN, NOW, SWITCHED, switched

LINK = "http://prefect/run/1"
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def night_of(odd: str) -> Night:
    return Night(NOW, False, LINK, "c", (odd, odd), odd, "3")


def nightly_page(odd: str) -> str:
    known: dict[str, History] = {odd: {odd: ["passed", "flaky"]}}
    return page([Figures(night_of(odd))], plot=LINK, unreliable=flaky(known), changes=[Change("1234567", odd, odd)])


class Pods:
    """A cluster whose pods are called so."""

    def __init__(self, odd: str) -> None:
        self._odd = odd

    def pods(self) -> list[dict[str, Any]]:
        return [{"metadata": {"name": self._odd, "labels": {"azora.dev/color": self._odd}}, "status": {}}]


def newer_of(odd: str) -> Replacement:
    return Replacement(run="1f2e", release="r", title=odd.strip() or "x")


def suite_page(odd: str) -> None:
    cases = (Case(odd, "failed", 1, odd, screenshot=Path("a.png")), Case(odd, "passed", 1))
    artifacts.suite("k", "Cases", SuiteResult(cases, 1, {"html": Path("a) report.html")}))


ASKED = Question(run="1a2b", release="r", plan="p", at=NOW, until=NOW)


def request_of(odd: str) -> str:
    """Request as `azora approve` shows it: whoever writes the record chooses its texts."""
    plan, release = plan_of_odd(odd), release_of(odd)
    more = ForApprovers(
        since=NOW, objects=odd, images=(odd,), authors=(odd,), proof=odd, gained=Commits(number=1, newest=(odd,))
    )
    asked = ForPeople("run", plan.bound, release, NOW, more, Head(1, "0" * 64))
    world = recorded(SWITCHED, odd)
    return request_page(asked, world, tally_of_odd(odd), PEOPLE, running={odd: odd}, new=[odd], now=NOW)


def tally_of_odd(odd: str) -> Tally:
    return Tally(2, (Voice(odd, ANSWER, NOW), Voice(odd, ANSWER, NOW, why=odd or "x")))


PEOPLE = ApprovalPolicy.model_validate({"by": "cluster", "minimum": 2, "approvers": {"groups": ["ops"]}})
BAD = Receipt(number=2, verdict="bad")
PAGES: dict[str, Callable[[str], None]] = {
    "release": lambda odd: artifacts.release(release_of(odd)),
    "plan": lambda odd: artifacts.plan(plan_of_odd(odd), "7:abc", NOW),
    "answer": lambda odd: artifacts.answer(plan_of_odd("x").bound, "approve", odd, odd),
    "suite": suite_page,
    "unit tests": lambda odd: artifacts.unit_tests({odd: "/a.log"}),
    "receipt": lambda odd: artifacts.receipt(
        "staging",
        BAD.model_copy(update={"reason": odd.strip() or "x"}),
        Pods(odd),
        Color.BLUE,  # type: ignore[arg-type]
    ),
    "pruned": lambda odd: artifacts.pruned([Part("images", trouble=odd.strip() or "x")]),
}
TEXTS: dict[str, Callable[[str], str]] = {
    "commits": lambda odd: commits_page(replace(plan_of_odd(odd), lost=(Change("1234567", odd, odd),))),
    "form": lambda odd: str(form_of(plan_of_odd(odd), [odd])._description),
    "request for people": request_of,
    "no evidence": lambda odd: markdown(replace(plan_of_odd(odd), no_evidence=odd.strip() or "x")),
    "nights": nightly_page,
    "superseded": lambda odd: superseded.page("production", ASKED, newer_of(odd), LINK),
    "summary": lambda odd: ended("Failed", odd),
    "sentence": lambda odd: (
        f"## {code(odd)}\n\n- {code(odd)} ({code(odd)})\n\n[{code(odd)}]({LINK}) ![{code(odd)}]({LINK})"
    ),
    "cell": lambda odd: f"| a | b |\n|---|---|\n| {cell(odd)} | {cell(odd)} |\n| 1 | 2 |",
    "block": lambda odd: f"{block(odd.strip() or 'x')}\n\n## after",
}
RENDERERS = sorted([*PAGES, *TEXTS])


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str, str], str]:
    """The page of this name about a text, in markdown."""
    kept: list[str] = []
    monkeypatch.setattr(artifacts, "create_markdown_artifact", lambda text, **_: kept.append(text))
    monkeypatch.setattr(artifacts, "this_run", lambda: "run")
    monkeypatch.setattr(artifacts, "settings", lambda: Settings(state=tmp_path))

    def text_of(name: str, odd: str) -> str:
        if name in TEXTS:
            return TEXTS[name](odd)
        kept.clear()
        PAGES[name](odd)
        return kept[0]

    return text_of


@odd_texts
@pytest.mark.parametrize("name", RENDERERS)
def test_markdown(name: str, odd: str, rendered: Callable[[str, str], str]) -> None:
    """Odd text changes no element or word of a page: it is in its code element alone."""
    plain = "x\nx" if "\n" in odd.strip() else "x"
    found, expected = rendered(name, odd), rendered(name, plain)
    assert outline(found) == outline(expected)
    assert len(found) < 40_000
    assert all(letter.isprintable() or letter == "\n" for letter in found)
    if line(odd):
        assert any(said.startswith(in_code(odd)) for said in code_of(found)), code_of(found)


def outline(text: str) -> str:
    """Every element, and every word that is not code; what is code, or nothing, is a dash."""
    return "".join(map(_said, _tokens(text)))


def code_of(text: str) -> list[str]:
    """Code in *text*; a `|` that a cell had to write out is put back."""
    return [
        token.content.replace("\\\\x7c", "\\|") for token in _tokens(text) if token.type in {"code_inline", "fence"}
    ]


def in_code(odd: str) -> str:
    """The beginning that each of the forms has."""
    return line(odd.strip().splitlines()[0])[:50].rstrip("…")


def _tokens(text: str) -> list[Token]:
    return [inner for token in MARKDOWN.parse(text) for inner in (token.children or [token])]


def _said(token: Token) -> str:
    if token.type in {"code_inline", "fence"}:
        return "–"
    if token.type == "text":
        return token.content
    address = "" if token.type == "image" else token.attrGet("href") or ""
    return f"<{token.type} {token.tag} {address}>"


@odd_texts
def test_links_of_files(odd: str) -> None:
    """A file may have any name: its address stays one link."""
    address = link_to(Path(f"/{line(odd)}) b.png"), Settings())
    (link,) = [token for token in _tokens(f"[a]({address})") if token.type == "link_open"]
    assert "%29%20b.png" in str(link.attrGet("href"))


# -- plain text

NOTICES: dict[str, Callable[[str], Any]] = {
    "waiting": lambda odd: waiting(plan_of_odd(odd), LINK, "run"),
    "superseded": lambda odd: superseded.notice(
        "production", ASKED.model_copy(update={"title": odd}), newer_of(odd), LINK
    ),
    "a good switch": lambda odd: of_switch("production", judged(odd, "good"), run="run", link=LINK),
    "a bad switch": lambda odd: of_switch("production", judged(odd, "bad"), run="run", link=LINK),
    "a red night": lambda odd: of_the_night([night_of(odd)], [Change("1234567", odd, odd)]),
}


def judged(odd: str, verdict: str) -> World:
    receipt = BAD.model_copy(update={"verdict": verdict, "reason": odd})
    return replace(recorded(SWITCHED, odd), receipts=(receipt,))


@odd_texts
@pytest.mark.parametrize("name", NOTICES)
def test_notices(name: str, odd: str) -> None:
    """A notice has its own lines, and the odd text within them."""
    notice, plain = NOTICES[name](odd), NOTICES[name]("x")
    assert notice.title.isprintable()
    assert all(said.isprintable() for said in notice.text.split("\n"))
    error = lines(odd, 600).count("\n") if name == "a red night" else 0
    assert notice.text.count("\n") - error in {plain.text.count("\n"), plain.text.count("\n") - 1}  # no empty line
    assert line(odd, 30).removesuffix("…") in notice.title + notice.text


class Tags(HTMLParser):
    """Parser that separates the elements of a page from its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - the parser's own signature
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@odd_texts
def test_annotations(odd: str) -> None:
    """Grafana shows an annotation as HTML: the reason is text in it."""
    reason = BAD.model_copy(update={"reason": odd})
    seen = Tags(of_move("azora", "production", switched(2, "new", GREEN), reason).text)
    assert seen.tags == []
    assert seen.text.endswith(line(odd, 600))


@odd_texts
def test_outcomes(odd: str) -> None:
    """The message of a run's end is one line."""
    states = [how("production", release_of(odd)) for how in (outcomes.promoted, outcomes.rejected)]
    states.append(outcomes.superseded("production", newer_of(odd)))
    assert all(line(odd, 50).removesuffix("…") in str(state.message) for state in states)
    assert all(str(state.message).isprintable() for state in states)


# -- a terminal


def printed(what: object) -> str:
    file = io.StringIO()
    Console(file=file, force_terminal=True, color_system=None, width=300, highlight=False).print(what, soft_wrap=True)
    return file.getvalue()


@odd_texts
def test_terminal(odd: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing that is printed is a control sequence of the terminal, or markup of rich."""
    assert printed(f"[green]✓[/] {safe(odd)}[dim]![/]") == f"✓ {lines(odd, 10_000)}!\n"
    output.done(odd, {}, as_json=False)
    output.emit(odd, as_json=False)
    assert capsys.readouterr().out.replace("\n", "").isprintable()


@pytest.mark.parametrize("name", ["markdown and html", "a template", "a heading of html", "control characters"])
def test_plan_in_a_terminal(name: str) -> None:
    """`azora plan` shows what the page shows."""
    seen = printed(Markdown(markdown(plan_of_odd(ODD_TEXTS[name]))))
    assert line(ODD_TEXTS[name]) in seen
    assert seen.replace("\n", "").isprintable()
