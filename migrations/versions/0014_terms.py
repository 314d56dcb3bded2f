"""Count what was erased because its term was over, and let the audit log say so.

Revision ID: 0014
Revises: 0013
"""

from __future__ import annotations

import re

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

ACTS = ["terms_kept"]
KINDS = ("drafts", "recordings", "footage", "live_views", "uptime", "updates", "messages")


def upgrade() -> None:
    listed = ", ".join(map(repr, KINDS))
    op.create_table(
        "lapses",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.CheckConstraint(f"kind IN ({listed})", name=op.f("ck_lapses_kind")),
        sa.CheckConstraint("count > 0", name=op.f("ck_lapses_some")),
        sa.PrimaryKeyConstraint("day", "kind", name=op.f("pk_lapses")),
    )
    allow_acts(known_acts() + ACTS)


def downgrade() -> None:
    op.drop_table("lapses")
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
