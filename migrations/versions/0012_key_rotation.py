"""Allow the audit log to say that the keys were rotated, and that a breach was reported.

Revision ID: 0012
Revises: 0011
"""

from __future__ import annotations

import re

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ACTS = ["keys_rotated", "breach_reported"]


def upgrade() -> None:
    allow_acts(known_acts() + ACTS)


def downgrade() -> None:
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
