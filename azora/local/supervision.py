"""One supervisor per node: it starts, restarts and stops everything else, and keeps the logs small."""

from __future__ import annotations

import http.client
import resource
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from azora.errors import Failed
from azora.host.child_environment import BUILDS, GIT, PACKAGES, child_environment
from azora.local import cgroups
from azora.local.configuration import rendered, write
from azora.local.layout import Layout
from azora.local.progress import Say
from azora.local.service import NodeService, log_of

STARTS_WITHIN_SECONDS = 120
ALIVE = ("RUNNING", "STARTING")


class Supervisor:
    """The supervisor of *node*; nothing is started by making this object."""

    def __init__(self, node: Layout) -> None:
        self._node = node

    def answers(self) -> bool:
        try:
            state: str = self._ask("getState")["statename"]
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            return False
        return state == "RUNNING"

    def open(self, services: Sequence[NodeService]) -> None:
        """Have a supervisor that knows exactly *services*; over the ruins of one that was killed, too."""
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        many = 65_536 if limit == resource.RLIM_INFINITY else min(limit, 65_536)
        write(
            self._file, rendered("supervisord.conf", node=self._node, services=services, open_files=many), private=True
        )
        if self.answers():
            self._reread()
            return
        cgroups.kill(self._node, lambda pid: not cgroups.is_shim(pid), below=cgroups.home(self._node))
        self._node.supervisor_socket.unlink(missing_ok=True)
        self._launch()

    def start(self, services: Iterable[NodeService], say: Say = str) -> None:
        """Start *services* together and wait until each is ready.

        Raises Failed that names the log of one that is not.
        """
        waiting = {service.name: service for service in services}
        for name in waiting:
            if self._state(name) not in ALIVE:
                self.stop([name])  # a service that waits to be tried again is tried at once
                self._ask("startProcess", name, False)
        deadline = time.monotonic() + STARTS_WITHIN_SECONDS
        while waiting:
            for service in list(waiting.values()):
                if service.ready() and self._state(service.name) in ALIVE:
                    del waiting[service.name]
            say("waiting for " + ", ".join(waiting) if waiting else "")
            given_up = [name for name in waiting if self._state(name) == "FATAL"]
            if given_up or (waiting and time.monotonic() > deadline):
                raise self._not_ready(given_up or list(waiting))
            if waiting:
                time.sleep(0.05)

    def stop(self, names: Iterable[str]) -> None:
        """All of *names* at once; each is killed when its time to stop is over."""
        waiting = set(names)
        for name in waiting:
            with suppress(xmlrpc.client.Fault):
                self._ask("stopProcess", name, False)
        while any(self._state(name) in (*ALIVE, "STOPPING") for name in waiting):
            time.sleep(0.05)

    def stop_all(self) -> None:
        self.stop(one["name"] for one in self.processes())

    def processes(self) -> list[dict[str, Any]]:
        """The supervisor's own account of each: name, statename, pid, start, now."""
        return list(self._ask("getAllProcessInfo")) if self.answers() else []

    def _ask(self, question: str, *arguments: object) -> Any:  # noqa: ANN401 - what a remote answers has no types
        """A connection for each question: one that failed cannot be asked again."""
        transport = SupervisorTransport(None, None, f"unix://{self._node.supervisor_socket}")
        try:
            with xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport) as supervisor:
                return getattr(supervisor.supervisor, question)(*arguments)
        finally:
            transport.close()

    @property
    def _file(self) -> Path:
        return self._node.etc / "supervisord.conf"

    def _state(self, name: str) -> str:
        return str(self._ask("getProcessInfo", name)["statename"])

    def _launch(self) -> None:
        """Born into the node's control group: whatever comes of it is known by that."""
        program = str(Path(sys.executable).parent / "supervisord")
        into_group = 'echo $$ >"$0/cgroup.procs"; exec "$@"'
        command = [
            "sh",
            "-ec",
            into_group,
            str(cgroups.home(self._node)),
            sys.executable,
            program,
            "-c",
            str(self._file),
        ]
        env = child_environment(*GIT, *BUILDS, *PACKAGES)  # the worker gets no other credential of a shell
        subprocess.run(command, env=env, stdin=subprocess.DEVNULL, start_new_session=True, check=True)
        deadline = time.monotonic() + 20
        while not self.answers():
            if time.monotonic() > deadline:
                raise Failed(
                    "could not start the supervisor: no response",
                    advice=f"read {log_of(self._node, 'supervisord')}",
                )
            time.sleep(0.05)

    def _reread(self) -> None:
        """Replace what is configured differently now."""
        [[added, changed, removed]] = self._ask("reloadConfig")
        self.stop([*changed, *removed])
        for name in (*changed, *removed):
            self._ask("removeProcessGroup", name)
        for name in (*added, *changed):
            self._ask("addProcessGroup", name)

    def _not_ready(self, names: list[str]) -> Failed:
        log = log_of(self._node, names[0])
        lines = log.read_text(errors="replace").strip().splitlines()[-3:] if log.is_file() else ["no log yet"]
        return Failed(
            f"could not start {', '.join(names)}: {' | '.join(lines)}",
            advice=f"read {log}, then `azora local up {self._node.name}` again",
        )
