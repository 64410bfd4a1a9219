"""Purchase of a course with a card; the numbers are Stripe's test cards.

https://docs.stripe.com/testing
"""

from __future__ import annotations

from playwright.sync_api import Page, expect
from steps import pay_with
from trial import Course, Member, Trial


def test_add_to_cart(signed_in: Page, paid: Course) -> None:
    """The cart has the course and the total."""
    signed_in.goto(f"/courses/{paid.slug}")
    signed_in.get_by_role("button", name="Add to cart").click()

    row = signed_in.get_by_role("row").filter(has_text=paid.title)
    expect(row).to_contain_text(paid.price)
    expect(signed_in.get_by_role("row", name="Total")).to_contain_text(paid.price)


def test_checkout(signed_in: Page, member: Member, trial: Trial, paid: Course) -> None:
    """The checkout shows the order, its total and the button to pay."""
    trial.put_into_cart(member, paid)
    signed_in.goto("/cart")
    signed_in.get_by_role("button", name="Check out").click()

    expect(signed_in.get_by_role("heading", name="Checkout")).to_be_visible()
    order = signed_in.get_by_role("complementary", name="Your order")
    expect(order).to_contain_text(paid.title)
    expect(order).to_contain_text(f"Total {paid.price}")
    expect(signed_in.get_by_role("button", name=f"Pay {paid.price}")).to_be_visible()


def test_pay_with_a_card(at_checkout: Page, paid: Course) -> None:
    """A paid order has a receipt, and its course is open."""
    pay_with(at_checkout, "4242 4242 4242 4242")

    expect(at_checkout.get_by_role("heading", name="Receipt")).to_be_visible()
    expect(at_checkout.get_by_role("status")).to_contain_text(f"The payment of {paid.price} went through.")
    at_checkout.get_by_role("link", name="Go to my courses").click()
    at_checkout.get_by_role("link", name=paid.title).click()
    expect(at_checkout.get_by_role("heading", name=paid.lessons[0][0])).to_be_visible()


def test_declined_card(at_checkout: Page, paid: Course) -> None:
    """A declined card costs nothing, and the order stays for another card."""
    pay_with(at_checkout, "4000 0000 0000 0002")

    expect(at_checkout.get_by_role("alert")).to_contain_text("declined")
    at_checkout.goto("/learning")
    expect(at_checkout.get_by_text("You are not in a course yet.")).to_be_visible()
    at_checkout.goto("/cart")
    expect(at_checkout.get_by_role("row").filter(has_text=paid.title)).to_be_visible()  # to try another card
