"""Fifty people at once: everybody learns and pays once, counted in the database and at the payment provider."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import pytest

from azora.settings import settings
from tests import road

pytestmark = pytest.mark.usefixtures("released")

PEOPLE = 50
TRIES = 20
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


def learn_and_pay(host: str, email: str) -> str:
    """Register, log in, enroll, buy; what can be repeated is sent twice. Returns the id of the order."""
    at = f"http://{settings().ingress_address}/api"
    with httpx.Client(base_url=at, headers={"Host": host}, timeout=60) as person:
        register(person, email)
        login = send(person, "POST", "/auth/sessions", {"email": email, "password": PASSWORD}).json()
        person.headers["Authorization"] = f"Bearer {login['token']}"
        for _ in range(2):
            send(person, "PUT", f"/edu/courses/{FREE}/enrollment")
            send(person, "PUT", f"/pay/cart/{PAID}")
        order = str(send(person, "POST", "/pay/orders").json()["id"])
        with ThreadPoolExecutor(2) as twice:
            paid = list(twice.map(lambda _: send(person, "POST", f"/pay/orders/{order}/payment", CARD), range(2)))
        assert {answer.json()["status"] for answer in paid} == {"paid"}
        mine = send(person, "GET", "/edu/enrollments").json()
        assert sorted(course["slug"] for course in mine) == [FREE, PAID]
        return order


def register(person: httpx.Client, email: str) -> None:
    """Who is told to try again may find the account made; that it is theirs, the login after it says."""
    account = {"name": "One of many", "email": email, "password": PASSWORD}
    try:
        send(person, "POST", "/auth/accounts", account)
    except httpx.HTTPStatusError as error:
        if error.response.status_code != httpx.codes.CONFLICT:
            raise


def send(person: httpx.Client, method: str, path: str, body: object = None) -> httpx.Response:
    """As people do: again, after a moment, when the platform is busy. Fifty at once are more than staging is made for."""
    answer = person.request(method, path, json=body)
    for _ in range(TRIES):
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            break
        time.sleep(1)
        answer = person.request(method, path, json=body)
    return answer.raise_for_status()


def test_nobody_s_order_is_lost_or_doubled(address: str) -> None:
    crowd, host = f"crowd-{uuid4().hex[:8]}", address.removeprefix("http://")
    with ThreadPoolExecutor(PEOPLE) as pool:
        orders = list(pool.map(lambda n: learn_and_pay(host, f"{crowd}-{n}@example.test"), range(PEOPLE)))
    assert len(set(orders)) == PEOPLE
    ours = f"JOIN auth.accounts a ON a.id = account_id AND a.email LIKE '{crowd}-%'"
    assert count(f"pay.orders o {ours} WHERE o.status = 'paid'") == PEOPLE
    assert count(f"pay.orders o {ours}") == PEOPLE
    assert count(f"edu.enrollments e {ours}") == 2 * PEOPLE
    charged = json.loads(inside("deploy/azora-localstripe", "python3", "-c", ASK_THE_PROVIDER))
    assert sorted(order for order in charged if order in orders) == sorted(orders)


def count(of: str) -> int:
    select = f"SELECT count(*) FROM {of}"  # noqa: S608 - names made up here
    return int(inside("statefulset/azora-postgresql", "psql", "-d", "azora", "-Atc", select))


def inside(workload: str, *command: str) -> str:
    """What *command* prints in a container of staging."""
    return road.kubectl("-n", road.cluster("staging").namespace, "exec", workload, "--", *command)
