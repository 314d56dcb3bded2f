"""Make room for officers' sessions in the command centre, and for what its map is kept up by.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import re

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
ACTS = [
    "console_entered",
    "console_left",
    "camera_opened",
    "owner_shown",
    "ground_asked",
    "audit_read",
    "audit_exported",
]


def upgrade() -> None:
    _allow_acts([*_acts(), *ACTS])
    op.create_table(
        "console_links",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("token_index", sa.LargeBinary(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_console_links_person_id_persons")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_console_links")),
        sa.UniqueConstraint("token_index", name=op.f("uq_console_links_token_index")),
    )
    op.create_table(
        "console_sessions",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("cookie_index", sa.LargeBinary(), nullable=False),
        sa.Column("agent_index", sa.LargeBinary(), nullable=False),
        sa.Column("browser", sa.String(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_console_sessions_person_id_persons")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_console_sessions")),
        sa.UniqueConstraint("cookie_index", name=op.f("uq_console_sessions_cookie_index")),
    )
    op.create_index(op.f("ix_console_sessions_person_id"), "console_sessions", ["person_id"])
    change_id = sa.Column("change_id", sa.BigInteger(), nullable=False, server_default="0")
    op.add_column("cameras", change_id)
    op.create_index(op.f("ix_cameras_change_id"), "cameras", ["change_id"])
    op.create_index(op.f("ix_audit_lines_actor_id_id"), "audit_lines", ["actor_id", "id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_audit_lines_actor_id_id"), "audit_lines")
    op.drop_index(op.f("ix_cameras_change_id"), "cameras")
    with op.batch_alter_table("cameras") as batch:
        batch.drop_column("change_id")
    op.drop_table("console_sessions")
    op.drop_table("console_links")
    acts = sa.table("audit_lines", sa.column("act"))
    op.execute(sa.delete(acts).where(acts.c.act.in_(ACTS)))
    _allow_acts([each for each in _acts() if each not in ACTS])


def _acts() -> list[str]:
    """The acts that are allowed now, whichever migrations came before."""
    for each in sa.inspect(op.get_bind()).get_check_constraints("audit_lines"):
        if each["name"] == "ck_audit_lines_act":
            return re.findall(r"'([a-z_]+)'", str(each["sqltext"]))
    raise RuntimeError("the list of acts is not there")


def _allow_acts(acts: list[str]) -> None:
    allowed = ", ".join(repr(each) for each in acts)
    with op.batch_alter_table("audit_lines") as batch:
        batch.drop_constraint(op.f("ck_audit_lines_act"), type_="check")
        batch.create_check_constraint(op.f("ck_audit_lines_act"), f"act IN ({allowed})")
