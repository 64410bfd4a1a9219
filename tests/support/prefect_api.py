"""An API on loopback that answers Prefect's own client as its server does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import prefect
from prefect.client.schemas.objects import Artifact, FlowRun, TaskRun
from prefect.settings import PREFECT_API_URL, temporary_settings

from azora.core.auth import authorization


class Prefect(ThreadingHTTPServer):
    """Prefect's API with runs and tasks, oldest first.

    The first `late` queries for tasks find nothing. `asked` is every body that was sent, by path. Where `auth_string`
    is set, who sends another one or none is refused.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Api)
        self.runs: list[FlowRun] = []
        self.tasks: list[TaskRun] = []
        self.pages: list[Artifact] = []
        self.late = 0
        self.auth_string = ""
        self.asked: list[tuple[str, Any]] = []
        self.deleted: list[str] = []

    def answer(self, path: str, body: Any) -> Any:
        self.asked.append((path, body))
        if path == "/admin/version":
            return prefect.__version__
        if path.endswith("/filter"):
            return self._found(path, body)
        if path == "/artifacts/":
            page = Artifact.model_validate(body)
            self.pages.append(page)
            return page.model_dump(mode="json")
        if path.endswith("/labels"):
            return {}
        return next((run.model_dump(mode="json") for run in self.runs if path == f"/flow_runs/{run.id}"), None)

    def _found(self, path: str, body: Any) -> Any:
        if path == "/flow_runs/filter":
            return _page([run for run in reversed(self.runs) if _is_asked_for(run, body["flow_runs"])], body)
        if path == "/task_runs/filter":
            self.late -= 1
            wanted = body["flow_runs"]["id"]["any_"]
            found = [task for task in self.tasks if str(task.flow_run_id) in wanted and self.late < 0]
            return _page([task for task in found if _is_asked_for(task, body["task_runs"])], body)
        wanted = body["artifacts"]["flow_run_id"]["any_"]
        return _page([page for page in self.pages if str(page.flow_run_id) in wanted], body)

    def delete(self, path: str) -> bool:
        """Delete the object at *path*; return True when it was there."""
        self.deleted.append(path)
        kind, id_ = path.strip("/").split("/")
        things: list[Any] = self.runs if kind == "flow_runs" else self.pages
        there = [thing for thing in things if str(thing.id) == id_]
        for thing in there:
            things.remove(thing)
        return bool(there)


class Api(BaseHTTPRequestHandler):
    server: Prefect

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        if self.server.auth_string and self.headers["Authorization"] != authorization(self.server.auth_string):
            self._say(401, b'{"exception_message": "Unauthorized"}')
            return
        said = self.server.answer(self._path, json.loads(body) if body else None)
        self._say(404 if said is None else 200, json.dumps(said).encode())

    def do_GET(self) -> None:
        self.do_POST()

    def do_PATCH(self) -> None:
        self.do_POST()

    def do_DELETE(self) -> None:
        self._say(204 if self.server.delete(self._path) else 404, b"")

    @property
    def _path(self) -> str:
        return self.path.removeprefix("/api")

    def _say(self, status: int, text: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None: ...


@contextmanager
def serving() -> Iterator[Prefect]:
    """The API, which Prefect's settings name for the block."""
    with Prefect() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        with temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{server.server_port}/api"}):
            yield server
        server.shutdown()


def _is_asked_for(run: FlowRun | TaskRun, which: Any) -> bool:
    """By its state, its id and its tags."""
    kinds = (((which or {}).get("state") or {}).get("type") or {}).get("any_")
    ids = ((which or {}).get("id") or {}).get("any_")
    tags = ((which or {}).get("tags") or {}).get("all_") or []
    return (
        (not kinds or (run.state_type is not None and run.state_type.value in kinds))
        and (ids is None or str(run.id) in ids)
        and set(tags) <= set(run.tags)
    )


def _page(found: list[Any], body: Any) -> list[Any]:
    start = body.get("offset") or 0
    return [one.model_dump(mode="json") for one in found[start : start + (body.get("limit") or 200)]]
