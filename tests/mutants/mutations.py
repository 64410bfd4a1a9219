"""Mutations of the platform, one line each, and the one case that must see it.

A mutation is applied to a copy of the services' folder, from which one service is run: nothing of it is in the services
themselves or in their images.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from azora.config.settings import ROOT

SERVICES = ROOT / "services"


class Stale(Exception):
    """The line that a mutation changes is not there any more, or not once."""


@dataclass(frozen=True)
class Mutation:
    """In *service*, *before* becomes *after* in *file*; *case* must fail, and no other."""

    what: str
    service: str
    file: str
    before: str
    after: str
    case: str

    def mutated(self) -> str:
        text = (SERVICES / self.file).read_text()
        if text.count(self.before) != 1:
            raise Stale(f"{self.what}: {self.file} has {text.count(self.before)} times {self.before!r}")
        return text.replace(self.before, self.after)

    def build(self, folder: Path) -> Path:
        """A copy of the services in *folder*, with this wrong in it."""
        shutil.copytree(SERVICES, folder, ignore=shutil.ignore_patterns(".venv", "tests", "__pycache__", "versions"))
        (folder / self.file).write_text(self.mutated())
        return folder


_STATUS = 'status = "draining" if lifecycle.draining else "failing" if "failing" in states else "ok"'

MUTATIONS = [
    Mutation(
        "who registers has no account",
        "web", "web/pages/account.py", "        await platform.register(name, email, password)\n", "",
        "test_registration",
    ),
    Mutation(
        "the right password is refused",
        "web", "web/pages/account.py", 'str(form.get("password", "")))\n    except', '"none")\n    except',
        "test_login",
    ),
    Mutation(
        "a wrong password is accepted",
        "auth", "auth/passwords.py", "InvalidHashError):\n            return False", "InvalidHashError):\n            return True",
        "test_invalid_credentials",
    ),
    Mutation(
        "the session outlives the log-out",
        "auth", "common/sessions.py", "self._redis.delete(_key(token))", "pass",
        "test_logout",
    ),
    Mutation(
        "the catalogue hides what costs money",
        "edu", "edu/routes.py", ".where(listed(visitor))", ".where(listed(visitor), CourseRow.price_cents == 0)",
        "test_browse_courses",
    ),
    Mutation(
        "lessons are listed backwards",
        "edu", "edu/models.py", 'order_by="LessonRow.number"', 'order_by="LessonRow.number.desc()"',
        "test_course_details",
    ),
    Mutation(
        "an enrollment is lost",
        "edu", "edu/routes.py", "        enroll(database, account.id, [row.slug])\n", "",
        "test_enroll_in_a_free_course",
    ),
    Mutation(
        "lessons are for everybody",
        "edu", "edu/routes.py", 'raise Problem(403, "not_enrolled", "Enroll in the course to read its lessons.")', "pass",
        "test_access_the_course",
    ),
    Mutation(
        "what was bought stays locked",
        "edu", "edu/enrollment.py", "bought: list[str] = answer.json()", "bought: list[str] = []",
        "test_pay_with_a_card",
    ),
    Mutation(
        "the cart is a cent off",
        "pay", "pay/routes.py", '"price_cents": course.price_cents}', '"price_cents": course.price_cents + 1}',
        "test_add_to_cart",
    ),
    Mutation(
        "the order is a cent off",
        "pay", "pay/checkout.py", "sum(item.price_cents for item in items)", "sum(item.price_cents for item in items) + 1",
        "test_checkout",
    ),
    Mutation(
        "a declined card is taken as paid",
        "pay", "pay/provider.py", '"pm_card_visa_chargeDeclined"', '"pm_card_visa"',
        "test_declined_card",
    ),
    Mutation(
        "the receipt is not for everybody",
        "web", "web/templates/receipt.html", "<h1>Receipt</h1>", '<h1>Receipt</h1><img src="data:,">',
        "test_pay_with_a_card",
    ),
    Mutation(
        "api is not well",
        "api", "api/app.py", '"own_health": {\n                "status": "ok"', '"own_health": {\n                "status": "failing"',
        "test_health[api]",
    ),
    *(
        Mutation(f"{name} is not well", name, "common/operations.py", _STATUS, 'status = "failing"', f"test_health[{name}]")
        for name in ("auth", "edu", "pay")
    ),
    Mutation(
        "one service is of another release",
        "pay", "common/operations.py", '"release": settings.azora_release', '"release": "another"',
        "test_home_page",
    ),
    Mutation(
        "a service says it is well without asking its database",
        "auth", "auth/app.py", '"postgresql": lambda: database.ping(engine), ', "",
        "test_databases",
    ),
]  # fmt: skip
