"""Notices that reach each address, at a real receiver on loopback.

A receiver that is away or slow costs a bounded time and no secret.
"""

from __future__ import annotations

import io
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from azora.config.settings import ROOT, Settings
from azora.core.messages.notifications import Notice
from azora.errors import BadInput
from azora.gateways.notify.sending import addresses, must_parse, send
from azora.redaction import without_address
from tests.support.receiver import Receiver, receiving

PASSWORD = "hunter2-of-ada"
NOTICE = Notice("production runs new", "1200 requests around the switch, 0 failed\nhttp://prefect/1", "success")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as server:
        yield server


@pytest.fixture
def refusing() -> Iterator[Receiver]:
    with receiving(status=403) as server:
        yield server


@pytest.fixture
def silent() -> Iterator[str]:
    """Takes connections and never says a word, until the test is over."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def away() -> str:
    """A place on loopback where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def machine(tmp_path: Path) -> Settings:
    """A machine on which nobody is told."""
    return Settings(state=tmp_path, notify="", notify_file=None)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Output of the root logger; caplog also has that of loggers that keep to themselves."""
    handler = logging.StreamHandler(io.StringIO())
    logging.getLogger().addHandler(handler)
    yield handler.stream
    logging.getLogger().removeHandler(handler)


def told(machine: Settings, *urls: str, seconds: float = 5) -> Settings:
    return machine.model_copy(
        update={"notify": Settings(notify=" ".join(urls)).notify, "notify_timeout_seconds": seconds}
    )


def test_addresses_of_variable_and_file(machine: Settings, receiver: Receiver) -> None:
    """Each address of the variable and of the file gets the notice."""
    (machine.state_folder / "notify").write_text(f"# the team\n\njson://{receiver.place}/b\n")
    assert send(NOTICE, told(machine, f"json://ada:{PASSWORD}@{receiver.place}/a")) == []

    assert sorted(path for path, _ in receiver.got) == ["/a", "/b"]
    body = receiver.got[0][1]
    assert (body["title"], body["message"], body["type"]) == (f"azora: {NOTICE.title}", NOTICE.text, "success")


def test_text_of_a_commit(machine: Settings, receiver: Receiver) -> None:
    """The text of a commit becomes no mention and no link."""
    subject = "<!here> @all <http://127.0.0.1/|approve here> [approve](http://127.0.0.1/)"
    assert send(Notice(subject, subject, "info"), told(machine, f"json://{receiver.place}/")) == []
    body = receiver.got[0][1]
    assert (
        body["title"].removeprefix("azora: ")
        == body["message"]
        == "‹!here› ＠all ‹http://127.0.0.1/|approve here› [approve] (http://127.0.0.1/)"
    )


def test_addresses_that_are_none(machine: Settings) -> None:
    """Without an address nothing is sent."""
    assert addresses(machine) == ()
    assert send(NOTICE, machine) == []


def test_import_of_apprise(tmp_path: Path) -> None:
    """Without an address apprise is not imported: a run's start does not wait for it."""
    script = (
        "import sys, tasks.notifications\n"
        "from azora.gateways.notify.sending import must_parse, send\nfrom azora.config.settings import settings\n"
        "must_parse(settings()); send(None, settings())\n"
        "print('apprise' in sys.modules)\n"
    )
    env = {key: value for key, value in os.environ.items() if not key.startswith("AZORA_NOTIFY")}
    env |= {
        "AZORA_STATE": str(tmp_path),
        "AZORA_KUBE_CONTEXT": "none",
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    }
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


def test_import_of_apprise_s_plugins(tmp_path: Path) -> None:
    """Plugins are loaded before the providers' time begins."""
    script = (
        "import sys\nfrom azora.gateways.notify import sending as notifying\nfrom azora.core.messages.notifications import Notice\n"
        "from azora.config.settings import settings\n"
        "def tell_all(tellers, seconds):\n    print('apprise.plugins.custom_json' in sys.modules)\n    return {}\n"
        "notifying.tell_all = tell_all\nnotifying.send(Notice('a', 'b', 'info'), settings())"
    )
    env = os.environ | {"AZORA_STATE": str(tmp_path), "AZORA_NOTIFY": f"json://{away()}/"}
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_receiver_that_is_unreachable(machine: Settings, receiver: Receiver) -> None:
    """An unreachable receiver is one line, and the others get the notice."""
    troubles = send(NOTICE, told(machine, f"json://ada:{PASSWORD}@{away()}/hook", f"json://{receiver.place}/b"))

    assert len(troubles) == 1
    assert troubles[0].startswith("could not notify address 1 of AZORA_NOTIFY (json://): ")
    assert "onnection error" in troubles[0]
    assert [path for path, _ in receiver.got] == ["/b"]


def test_receiver_that_refuses(machine: Settings, refusing: Receiver) -> None:
    """The error has the answer."""
    (trouble,) = send(NOTICE, told(machine, f"json://{refusing.place}/hook"))
    assert "error=403" in trouble


def test_receivers_that_hang(machine: Settings, silent: str, receiver: Receiver) -> None:
    """Receivers that hang cost the time limit once, however many they are."""
    urls = (f"json://ada:{PASSWORD}@{silent}/one", f"json://{silent}/two", f"json://{receiver.place}/b")
    began = time.monotonic()
    troubles = send(NOTICE, told(machine, *urls, seconds=2))
    took = time.monotonic() - began

    assert 2 <= took < 3.9
    assert troubles == [
        "could not notify address 1 of AZORA_NOTIFY (json://): no answer within 2 s",
        "could not notify address 2 of AZORA_NOTIFY (json://): no answer within 2 s",
    ]
    assert [path for path, _ in receiver.got] == ["/b"]


def test_process_with_a_hanging_receiver(machine: Settings, silent: str) -> None:
    """The process ends while a receiver hangs."""
    script = (
        "from azora.gateways.notify.sending import send\nfrom azora.core.messages.notifications import Notice\nfrom azora.config.settings import Settings\n"
        "print(send(Notice('t', 'b', 'info'), Settings()))\n"
    )
    env = os.environ | {"AZORA_STATE": str(machine.state_folder), "AZORA_NOTIFY": f"json://{silent}/?rto=60"}
    env |= {"AZORA_NOTIFY_TIMEOUT_SECONDS": "0.5"}
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=env, capture_output=True, text=True, check=True, timeout=20
    )
    assert "no answer within 0.5 s" in ran.stdout


@pytest.mark.parametrize(
    ("url", "named"),
    [
        pytest.param(f"nosuch://ada:{PASSWORD}@example.org/{PASSWORD}", "nosuch://", id="a scheme that there is not"),
        pytest.param(f"slack://{PASSWORD}", "slack://", id="a token that is missing"),
        pytest.param(PASSWORD, "without a scheme", id="no address at all"),
    ],
)
def test_address_that_is_wrong(
    machine: Settings, url: str, named: str, log: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    """The error names the address by its place, and no part of its secret."""
    with pytest.raises(BadInput) as error:
        must_parse(told(machine, "json://127.0.0.1/", url))

    assert f"could not use address 2 of AZORA_NOTIFY ({named}): apprise does not support this address" in str(
        error.value
    )
    assert str(error.value).count("  → ") == 1
    said = str(error.value) + log.getvalue() + "".join(capfd.readouterr()) + repr(addresses(told(machine, url)))
    assert PASSWORD not in said


def test_address_in_a_file_is_wrong(machine: Settings) -> None:
    """The error names the file and the address's place in it."""
    file = machine.state_folder / "notify"
    file.write_text("# chat\nnosuch://x\n")
    with pytest.raises(BadInput, match=rf"address 1 of {file} \(nosuch://\)"):
        must_parse(machine)


def test_address_file_that_is_missing(machine: Settings) -> None:
    """A named file that is missing is bad input, and later one line."""
    named = machine.model_copy(update={"notify_file": machine.state_folder / "none"})
    with pytest.raises(BadInput, match="No such file"):
        must_parse(named)
    assert send(NOTICE, named) == [
        f"could not read the addresses in '{machine.state_folder}/none': No such file or directory"
    ]


def test_addresses_that_are_right(machine: Settings, receiver: Receiver) -> None:
    """Right addresses are accepted without a request."""
    must_parse(
        told(
            machine,
            f"json://{receiver.place}/hook",
            f"mailto://ada:{PASSWORD}@example.org",
            "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#releases",
            "workflows://192.168.0.1:443/WorkflowID/Signature/",
        )
    )
    assert receiver.got == []


@pytest.mark.parametrize(
    ("said", "url", "left"),
    [
        pytest.param("no way to hooks.example.org", "json://hooks.example.org/x", "no way to ***", id="host"),
        pytest.param("401 for ada:p@ss word", "json://ada:p%40ss%20word@h", "401 for ***:***", id="decoded password"),
        pytest.param("bad token t1jj3t3l2", "slack://T1JJ3T3L2/A1/TI", "bad token ***", id="token in other letters"),
        pytest.param("error=404.", "json://h/a", "error=404.", id="nothing of it"),
    ],
)
def test_address_in_a_message(said: str, url: str, left: str) -> None:
    """No part of an address is in a message."""
    assert without_address(said, url) == left


def test_address_in_a_log(machine: Settings, log: io.StringIO, capfd: pytest.CaptureFixture[str]) -> None:
    """No part of an address is in a log."""
    where = away()
    troubles = send(NOTICE, told(machine, f"json://ada:{PASSWORD}@{where}/{PASSWORD}"))
    said = "".join(troubles) + log.getvalue() + "".join(capfd.readouterr())
    assert PASSWORD not in said
    assert where.split(":")[0] not in said


def test_address_in_print(machine: Settings) -> None:
    """The printed form of the settings has no address."""
    assert PASSWORD not in repr(told(machine, f"json://ada:{PASSWORD}@127.0.0.1/"))
