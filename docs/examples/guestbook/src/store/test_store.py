"""What the store promises."""

from __future__ import annotations

import json
import unittest
from http import HTTPStatus

from store.app import entries, respond


class Store(unittest.TestCase):
    def test_an_entry_is_a_name_and_a_text(self) -> None:
        self.assertEqual(entries("# who: what\n\nAda: Fine: really\n"), [{"name": "Ada", "text": "Fine: really"}])

    def test_every_entry_of_the_book_has_both(self) -> None:
        status, _, body = respond("/entries")
        self.assertEqual(status, HTTPStatus.OK)
        for entry in json.loads(body):
            self.assertTrue(entry["name"] and entry["text"], entry)

    def test_there_is_nothing_else(self) -> None:
        self.assertEqual(respond("/")[0], HTTPStatus.NOT_FOUND)
