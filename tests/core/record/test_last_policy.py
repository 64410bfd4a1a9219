"""Rules at the last promotion, from the record."""

from __future__ import annotations

from azora.core.record.entry import readable
from azora.core.record.last_policy import last_promotion, policy_at
from tests.support.chains import ASKED, PROMOTION, ROLLBACK, chain, whole


def test_policy_of_the_last_promotion() -> None:
    """The approval's request has the digest of the file; a rollback is no promotion."""
    assert last_promotion([PROMOTION, ROLLBACK]) == PROMOTION
    assert policy_at(PROMOTION, readable(whole())) == "policy"
    assert last_promotion([ROLLBACK]) is None


def test_record_without_the_request() -> None:
    """A request of another run or release, or after the switch, is not the one."""
    other = PROMOTION.model_copy(update={"by": "another"})
    assert policy_at(other, readable(whole())) is None
    later = chain((ASKED, 300, "run", "run", ""))
    assert policy_at(PROMOTION, readable(later)) is None
