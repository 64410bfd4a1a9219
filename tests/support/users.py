"""Users who call an environment all the time, in their own process: nobody may notice anything."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from azora.core.checks.probe_result import ProbeResult, read_result
from tests.support.polling import until


@dataclass
class Users:
    """`azora probe` at work; users do not wait for what the tests' own process is at."""

    process: subprocess.Popen[bytes]
    seen_in: Path

    def were_on(self, color: str) -> bool:
        """Return True when somebody was answered by *color* already."""
        return read_result(self.seen_in).first_on(color) is not None

    def stop(self) -> ProbeResult:
        """End the users and return what they met; safe to repeat."""
        self.process.terminate()
        assert self.process.wait(30) == 0, "the probe broke"
        return read_result(self.seen_in)


@contextmanager
def users_of(environment: str, *, rate: float = 50) -> Iterator[Users]:
    """Users who call the live address for as long as the block takes, on fresh and on kept connections."""
    with TemporaryDirectory(prefix="azora-users-") as folder:
        seen_in = Path(folder) / "probe.json"
        options = ["--rate", str(rate), "--seconds", "1800", "--out", str(seen_in)]
        command = [
            "setpriv",
            "--pdeathsig",
            "KILL",
            str(Path(sys.executable).parent / "azora"),
            "probe",
            environment,
            *options,
        ]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
        try:
            _until_they_come(process, seen_in)
            yield Users(process, seen_in)
        finally:
            process.kill()
            process.wait()


def _until_they_come(process: subprocess.Popen[bytes], seen_in: Path) -> None:
    def somebody_came() -> bool:
        assert process.poll() is None, "the probe did not start"
        return seen_in.exists() and read_result(seen_in).total > 0

    until(somebody_came, seconds=60, what="somebody is answered", every=0.1)
