"""People of staging who learn and pay through its API.

Its database and its payment provider have what these people did.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from uuid import uuid4

import httpx

from azora.config.settings import settings
from tests.support import pipeline

FREE, PAID = "git-from-the-ground-up", "releasing-without-fear"
CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034, "cvc": "123"}
PASSWORD = "a sentence that nobody guesses"

# Runs where the provider runs; the stand-in takes any key.
ASK_THE_PROVIDER = """
import json, urllib.request
intents, last = [], ""
while True:
    url = "http://127.0.0.1:8420/v1/payment_intents?limit=100" + (last and f"&starting_after={last}")
    page = json.load(urllib.request.urlopen(urllib.request.Request(url, headers={"Authorization": "Bearer sk_test_x"})))
    intents += page["data"]
    if not page["has_more"]:
        break
    last = page["data"][-1]["id"]
print(json.dumps([i["metadata"]["order"] for i in intents if i["status"] == "succeeded"]))
"""


def new_crowd() -> str:
    """Prefix of the e-mail addresses of a new crowd."""
    return f"crowd-{uuid4().hex[:8]}"


def learn_and_pay(crowd: str, number: int, *, patience: int = 0) -> str:
    """Register, log in, enroll, buy; what can be repeated is sent twice. Returns the id of the order.

    A request that is told to try again is sent *patience* times more.
    """
    email = f"{crowd}-{number}@example.test"
    with visitor() as client:
        person = Person(client, patience)
        person.register(email)
        person.log_in(email)
        for _ in range(2):
            person.send("PUT", f"/edu/courses/{FREE}/enrollment")
            person.send("PUT", f"/pay/cart/{PAID}")
        order = str(person.send("POST", "/pay/orders").json()["id"])
        with ThreadPoolExecutor(2) as twice:
            paid = list(twice.map(lambda _: person.send("POST", f"/pay/orders/{order}/payment", CARD), range(2)))
        assert {answer.json()["status"] for answer in paid} == {"paid"}
        mine = person.send("GET", "/edu/enrollments").json()
        assert sorted(course["slug"] for course in mine) == [FREE, PAID]
        return order


def visitor() -> httpx.Client:
    """Staging as one of its users reaches it, who is asked for nothing yet."""
    host = pipeline.address("staging").removeprefix("http://")
    return httpx.Client(base_url=f"http://{settings().ingress_address}", headers={"Host": host}, timeout=60)


class Person:
    """One of many, with a connection of their own."""

    def __init__(self, client: httpx.Client, patience: int = 0) -> None:
        self._client = client
        self._patience = patience

    def register(self, email: str) -> None:
        """Register *email*; with patience, an earlier try may have made the account.

        The login after it shows that the account is this person's.
        """
        try:
            self.send("POST", "/auth/accounts", {"name": "One of many", "email": email, "password": PASSWORD})
        except httpx.HTTPStatusError as error:
            if not self._patience or error.response.status_code != httpx.codes.CONFLICT:
                raise

    def log_in(self, email: str) -> str:
        """Returns the session's token, which every later request carries."""
        token = str(self.send("POST", "/auth/sessions", {"email": email, "password": PASSWORD}).json()["token"])
        self._client.headers["Authorization"] = f"Bearer {token}"
        return token

    def send(self, method: str, path: str, body: object = None) -> httpx.Response:
        """The answer of the API at *path*, which must be a good one."""
        answer = self._client.request(method, f"/api{path}", json=body)
        for _ in range(self._patience):
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            time.sleep(1)
            answer = self._client.request(method, f"/api{path}", json=body)
        return answer.raise_for_status()


@contextmanager
def coming(crowd: str) -> Iterator[list[str]]:
    """One person of *crowd* after the other for as long as the block takes; yields their orders.

    No request of theirs may be answered with "try again".
    """
    over, orders = Event(), list[str]()

    def come() -> None:
        while not over.wait(1):
            orders.append(learn_and_pay(crowd, len(orders)))

    with ThreadPoolExecutor(1) as pool:
        people = pool.submit(come)
        try:
            yield orders
        finally:
            over.set()
        people.result()


def assert_nothing_lost_or_doubled(crowd: str, orders: list[str]) -> None:
    """Everybody of *crowd* learns both courses and paid one order, by the database and by the provider."""
    people = len(orders)
    assert len(set(orders)) == people
    ours = f"JOIN auth.accounts a ON a.id = account_id AND a.email LIKE '{crowd}-%'"
    assert _count(f"pay.orders o {ours} WHERE o.status = 'paid'") == people
    assert _count(f"pay.orders o {ours}") == people
    assert _count(f"edu.enrollments e {ours}") == 2 * people
    charged = json.loads(inside("deploy/azora-localstripe", "python3", "-c", ASK_THE_PROVIDER))
    assert sorted(order for order in charged if order in orders) == sorted(orders)


def _count(of: str) -> int:
    return int(select(f"SELECT count(*) FROM {of}"))  # noqa: S608 - names made up here


def select(statement: str) -> str:
    """Answer of staging's database to *statement*."""
    return inside("statefulset/azora-postgresql", "psql", "-d", "azora", "-Atc", statement).strip()


def inside(workload: str, *command: str) -> str:
    """Output of *command* in a container of staging."""
    return pipeline.kubectl("-n", pipeline.cluster("staging").namespace.name, "exec", workload, "--", *command)
