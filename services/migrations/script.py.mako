"""${message}"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None

# "expand": the code before it works with the new schema. "contract": takes away what no code uses any more since the
# expand named in `contracts = "…"`; it goes into a later release than that one (docs/decisions/0010).
phase = "expand"


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
