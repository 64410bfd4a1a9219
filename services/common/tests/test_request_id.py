"""One request, followed by its id from the edge through the log of every service."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx

import local

ADA = {"name": "Ada", "email": "ada@example.test", "password": "correct horse battery"}


def _answered(log: Path, identity: str) -> set[str]:
    """The paths that the service answered for that request."""
    lines: list[dict[str, Any]] = [json.loads(line) for line in log.read_text().splitlines()]
    answers = [line for line in lines if line["log"]["logger"] == "access"]
    return {line["url"]["path"] for line in answers if line["http"]["request"]["id"] == identity}


def test_a_page_is_found_by_its_id_in_the_log_of_every_service(tmp_path: Path) -> None:
    environment = {"AZORA_COLOR": "green", "AZORA_RELEASE": "3f2a1c"}
    with (
        local.platform(tmp_path, local.free_port(), environment) as platform,
        httpx.Client(base_url=platform.address, trust_env=False) as client,
    ):
        client.post("/api/auth/accounts", json=ADA).raise_for_status()
        token = client.post("/api/auth/sessions", json=ADA).raise_for_status().json()["token"]
        page = client.get("/learning", headers={"cookie": f"azora_session={token}", "x-request-id": "id-of-a-page"})
        assert page.is_success
    assert {
        name: _answered(tmp_path / f"{name}.log", "id-of-a-page") for name in ("web", "api", "auth", "edu", "pay")
    } == {
        "web": {"/learning"},
        "api": {"/api/auth/sessions/current", "/api/edu/enrollments"},
        "auth": {"/auth/sessions/current"},
        "edu": {"/edu/enrollments"},
        "pay": {"/pay/purchases"},
    }
