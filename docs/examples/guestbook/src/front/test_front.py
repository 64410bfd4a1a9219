"""What the page promises."""

from __future__ import annotations

import os
import unittest
from http import HTTPStatus
from threading import Thread
from unittest import mock

from serving import Server
from store import app as store

from front.app import page, respond


class Front(unittest.TestCase):
    def setUp(self) -> None:
        server = Server(store.respond, port=0)
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        url = f"http://127.0.0.1:{server.server_address[1]}"
        self.enterContext(mock.patch.dict(os.environ, {"STORE_URL": url, "TITLE": "Ours"}))

    def test_the_page_shows_what_the_store_has(self) -> None:
        status, _, text = respond("/")
        self.assertEqual(status, HTTPStatus.OK)
        self.assertIn("<h1>Ours</h1>", text)
        for entry in store.entries(store.ENTRIES.read_text(encoding="utf-8")):
            self.assertIn(entry["name"], text)

    def test_it_is_well_while_the_store_is(self) -> None:
        self.assertEqual(respond("/health")[0], HTTPStatus.OK)
        os.environ["STORE_URL"] = "http://127.0.0.1:9"
        self.assertEqual(respond("/health")[0], HTTPStatus.SERVICE_UNAVAILABLE)

    def test_the_newest_entry_is_first(self) -> None:
        text = page("", [{"name": "Old", "text": ""}, {"name": "New", "text": ""}])
        self.assertLess(text.index("New"), text.index("Old"))

    def test_nobody_writes_into_the_page(self) -> None:
        self.assertNotIn("<script>", page("", [{"name": "<script>", "text": "<script>"}]))
