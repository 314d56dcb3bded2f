"""An officer has a name that came with the invitation, and may be given another.

Revision ID: 0016
Revises: 0015
"""

from __future__ import annotations

import re

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

ACTS = ["officer_named"]


def upgrade() -> None:
    op.add_column("persons", sa.Column("service_name", sa.LargeBinary(), nullable=True))
    op.add_column("invitations", sa.Column("name", sa.LargeBinary(), nullable=True))
    allow_acts(known_acts() + ACTS)


def downgrade() -> None:
    op.drop_column("invitations", "name")
    op.drop_column("persons", "service_name")
    kept = [act for act in known_acts() if act not in ACTS]
    acts = sa.table("audit_lines", sa.column("act"))
    op.execute(sa.delete(acts).where(acts.c.act.in_(ACTS)))
    allow_acts(kept)


def known_acts() -> list[str]:
    """The acts that the database knows now, whichever migrations have added to them."""
    checks = sa.inspect(op.get_bind()).get_check_constraints("audit_lines")
    [known] = [str(each["sqltext"]) for each in checks if each["name"] == "ck_audit_lines_act"]
    return re.findall(r"'([a-z_]+)'", known)


def allow_acts(acts: list[str]) -> None:
    with op.batch_alter_table("audit_lines") as batch:
        batch.drop_constraint(op.f("ck_audit_lines_act"), type_="check")
        listed = ", ".join(repr(act) for act in dict.fromkeys(acts))
        batch.create_check_constraint(op.f("ck_audit_lines_act"), f"act IN ({listed})")
