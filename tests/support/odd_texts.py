"""Foreign texts that are more than their letters to a program that shows them.

They are subjects, author names and refs of commits.
"""

from __future__ import annotations

import pytest

LONG = "long " * 2000

ODD_TEXTS = {
    "plain": "Fix the cart",
    "markdown and html": "Try: <b>bold</b> | pipe [link](http://x)",
    "a template": "Add <template> for mails",
    "a heading of html": "</h2><h2>Approved by security",
    "a script": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "the start of a comment": "Fix <!-- the rest",
    "cdata": "<![CDATA[ x ]]> <?php x ?> <!DOCTYPE x>",
    "a backtick": "Rename `cart` to ``basket`` ```now```",
    "backticks alone": "`````",
    "a backtick at the end": "Quote the name`",
    "a fence": "```\n</code>\n# out\n```",
    "a diagram": "```mermaid graph TD; A-->B ```",
    "an image": "![x](http://x.example/y.png)",
    "addresses": "See http://x.example/a, https://y.example www.z.example and <http://w.example> ada@x.example",
    "a reference": "[x]: http://x.example [x] [^1]",
    "a table": "a | b | c\n|---|---|\n| d | e |",
    "a pipe behind backslashes": "a \\| b \\\\| c \\",
    "a heading": "# Approved",
    "an underlined heading": "Approved\n========",
    "a rule": "---",
    "marks of a list": "- [x] 1. * + a",
    "a quote": "> Approved by security",
    "emphasis": "**Approved** _by_ ~~nobody~~ security",
    "a break": "one  \ntwo\\\nthree<br>four",
    "entities": "&lt;b&gt; &amp; &#35; &nbsp;",
    "mentions": "@all @channel <!channel> <@U1> #12 GH-1",
    "markup of a terminal": "[bold red]Approved[/] [link=http://x.example]x[/link] [/]",
    "control characters": "a\x1b[31mred\x1b[0m\x07\x08\x1e\x7f b",
    "a title for the terminal": "\x1b]0;owned\x07\x9b31m",
    "to the left": "Fix \u202ekcab tnew\u202c it",
    "isolates": "Fix \u2066\u2067it\u2069 \u200f\u061c",
    "no width": "Ap\u200bpro\u200dved\ufeff \u2060\u00ad",
    "no shape": "a\u3164b\u2800c\u115f",
    "separators": "one\u2028two\u2029three\x85four\x0cfive\rsix",
    "tags": "a\U000e0041\U000e0042",
    "no UTF-8": b"Caf\xe9 \xff\xfe".decode(errors="replace"),
    "half a letter": "a\ud83db",
    "very long": LONG,
    "long, of one letter": "`" * 10_000,
    "empty": "",
    "blank": " \t ",
}

odd_texts = pytest.mark.parametrize("odd", [pytest.param(text, id=name) for name, text in ODD_TEXTS.items()])
