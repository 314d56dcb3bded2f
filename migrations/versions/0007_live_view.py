"""Make room for live view: owners' terms, and every look that was taken.

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

import re

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
ACTS = ["live_opened", "live_ended"]
PURPOSES = [
    "theft",
    "robbery",
    "brawl",
    "drugs",
    "violence",
    "accident",
    "missing_person",
    "other_crime",
]
ENDINGS = ["owner", "viewer", "time", "lost", "camera", "right"]


def upgrade() -> None:
    known = _known_acts()
    _allow_acts([*known, *(act for act in ACTS if act not in known)])
    op.create_table(
        "live_terms",
        sa.Column("camera_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("from_min", sa.Integer()),
        sa.Column("until_min", sa.Integer()),
        sa.Column("emergencies_only", sa.Boolean(), nullable=False),
        sa.Column("rests_until", MOMENT),
        sa.CheckConstraint(
            "(from_min IS NULL) = (until_min IS NULL) AND from_min BETWEEN 0 AND 1439"
            " AND until_min BETWEEN 0 AND 1439 AND from_min <> until_min",
            name=op.f("ck_live_terms_hours"),
        ),
        sa.ForeignKeyConstraint(
            ["camera_id"], ["cameras.id"], name=op.f("fk_live_terms_camera_id_cameras")
        ),
        sa.PrimaryKeyConstraint("camera_id", name=op.f("pk_live_terms")),
    )
    op.create_table(
        "live_views",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("camera_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("viewer_id", sa.BigInteger(), nullable=False),
        sa.Column("viewer_role", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(32), nullable=False),
        sa.Column("is_emergency", sa.Boolean(), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("shown_at", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.Column("ending", sa.String(32)),
        sa.Column("due_at", MOMENT),
        sa.Column("lease_until", MOMENT),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String()),
        sa.CheckConstraint("ends_at > started_at", name=op.f("ck_live_views_window")),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (ending IS NULL)", name=op.f("ck_live_views_ended_somehow")
        ),
        sa.CheckConstraint(_is_one_of("purpose", PURPOSES), name=op.f("ck_live_views_purpose")),
        sa.CheckConstraint(_is_one_of("ending", ENDINGS), name=op.f("ck_live_views_ending")),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{table}.id"], name=op.f(f"fk_live_views_{column}_{table}")
            )
            for column, table in (
                ("camera_id", "cameras"),
                ("owner_id", "persons"),
                ("viewer_id", "persons"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_live_views")),
    )
    for columns in (
        ["due_at"],
        ["camera_id", "started_at"],
        ["owner_id"],
        ["viewer_id", "started_at"],
    ):
        op.create_index(op.f(f"ix_live_views_{'_'.join(columns)}"), "live_views", columns)


def downgrade() -> None:
    op.drop_table("live_views")
    op.drop_table("live_terms")
    known = _known_acts()
    acts = sa.table("audit_lines", sa.column("act"))
    op.execute(sa.delete(acts).where(acts.c.act.in_(ACTS)))
    _allow_acts([act for act in known if act not in ACTS])


def _known_acts() -> list[str]:
    """The acts that the database allows, so that this stands after any other migration."""
    checks = sa.inspect(op.get_bind()).get_check_constraints("audit_lines")
    text = next(check["sqltext"] for check in checks if check["name"] == "ck_audit_lines_act")
    return re.findall(r"'([a-z_]+)'", text)


def _allow_acts(acts: list[str]) -> None:
    with op.batch_alter_table("audit_lines") as batch:
        batch.drop_constraint(op.f("ck_audit_lines_act"), type_="check")
        batch.create_check_constraint(op.f("ck_audit_lines_act"), _is_one_of("act", acts))


def _is_one_of(column: str, values: list[str]) -> str:
    return f"{column} IN ({', '.join(repr(each) for each in values)})"
