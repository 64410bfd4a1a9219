"""Uploads to the report server: one file each, whole or not at all, within limits."""

from __future__ import annotations

import os
import secrets
import shutil
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from azora.core.report_limits import FILE_BYTES, FREE_BYTES, RUN_BYTES, RUN_FILES
from azora.core.signed_links import Kind, is_signed
from azora.host.plain_files import parts_of

UNFINISHED = ".uploads"


async def receive(request: Request, root: Path, key: str) -> Response:
    """Store the body under the signed path; a file of an earlier attempt of the same run is replaced."""
    path = request.path_params["path"]
    if not is_signed(key, f"/{path}", request.query_params, now=datetime.now(UTC), kind=Kind.UPLOAD):
        return _refused(HTTPStatus.UNAUTHORIZED, "the address is not signed with this server's key, or has expired")
    parts = parts_of(path)
    if not parts or len(parts) < len(("run", "file")) or not _is_plain(root, parts):
        return _refused(HTTPStatus.BAD_REQUEST, "the path is not that of a file in a run's folder")
    unfinished = root / UNFINISHED / secrets.token_hex(16)
    unfinished.parent.mkdir(parents=True, exist_ok=True)
    try:
        if why := await _written(request, unfinished, _room(root, parts[0])):
            return _refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, why)
        target = root.joinpath(*parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished.replace(target)
    except OSError as error:
        return _refused(HTTPStatus.INSUFFICIENT_STORAGE, f"could not write the file: {error.strerror}")
    except ClientDisconnect:
        return _refused(HTTPStatus.BAD_REQUEST, "the upload ended too early")
    finally:
        unfinished.unlink(missing_ok=True)
    return Response(status_code=HTTPStatus.CREATED)


def forget_unfinished(root: Path) -> None:
    """Remove what uploads left that were cut off together with the server."""
    shutil.rmtree(root / UNFINISHED, ignore_errors=True)


async def _written(request: Request, file: Path, room: int) -> str:
    """Write the body to *file*; return why not, or nothing."""
    size = 0
    with file.open("xb") as content:
        async for chunk in request.stream():
            size += len(chunk)
            if size > FILE_BYTES:
                return f"a file may have {FILE_BYTES // 10**6} MB"
            if size > room:
                return f"a run may have {RUN_BYTES // 10**6} MB and {RUN_FILES} files, and the disk must keep room"
            content.write(chunk)
    return ""


def _room(root: Path, run: str) -> int:
    """Bytes that *run* may still have here; negative when it may have no more files."""
    sizes = [os.lstat(Path(folder, name)).st_size for folder, _, names in os.walk(root / run) for name in names]
    free = shutil.disk_usage(root).free - FREE_BYTES
    return min(RUN_BYTES - sum(sizes), free) if len(sizes) < RUN_FILES else -1


def _is_plain(root: Path, parts: list[str]) -> bool:
    """Return True where nothing on the way is a link, and no folder has the file's name."""
    places = [root.joinpath(*parts[: count + 1]) for count in range(len(parts))]
    try:
        return not any(place.is_symlink() for place in places) and not places[-1].is_dir()
    except (OSError, ValueError):  # a name that is too long
        return False


def _refused(status: HTTPStatus, why: str) -> Response:
    return PlainTextResponse(f"{why}\n", status)
