"""Make room for the keys of other systems.

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

import re

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")
MOMENT = sa.DateTime(timezone=True)
ACTS = ["key_made", "key_ended", "api_read"]


def upgrade() -> None:
    _allow_acts(_known_acts() + ACTS)
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("token_index", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("area_code", sa.String(), nullable=False),
        sa.Column("scopes", JSON, nullable=False),
        sa.Column("made_by", sa.BigInteger(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.CheckConstraint("expires_at > made_at", name=op.f("ck_api_tokens_good_for_a_while")),
        sa.ForeignKeyConstraint(
            ["made_by"], ["persons.id"], name=op.f("fk_api_tokens_made_by_persons")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("token_index", name=op.f("uq_api_tokens_token_index")),
    )
    op.create_index(op.f("ix_api_tokens_area_code"), "api_tokens", ["area_code"])


def downgrade() -> None:
    op.drop_table("api_tokens")
    acts = sa.table("audit_lines", sa.column("act"))
    op.execute(sa.delete(acts).where(acts.c.act.in_(ACTS)))
    _allow_acts([act for act in _known_acts() if act not in ACTS])


def _known_acts() -> list[str]:
    """The acts that the database allows now."""
    checks = sa.inspect(op.get_bind()).get_check_constraints("audit_lines")
    text = next(check["sqltext"] for check in checks if check["name"] == "ck_audit_lines_act")
    return re.findall(r"'([a-z_]+)'", text)


def _allow_acts(acts: list[str]) -> None:
    allowed = ", ".join(repr(each) for each in acts)
    with op.batch_alter_table("audit_lines") as batch:
        batch.drop_constraint(op.f("ck_audit_lines_act"), type_="check")
        batch.create_check_constraint(op.f("ck_audit_lines_act"), f"act IN ({allowed})")
