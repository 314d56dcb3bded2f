"""Make room for points, which are to be watched, for the names of cameras' networks, and for what photos of stickers show.

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

import re

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
ACTS = ["point_named", "point_changed", "point_removed"]


def upgrade() -> None:
    allow_acts(known_acts() + ACTS)
    op.create_table(
        "named_points",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column("radius_m", sa.Integer(), nullable=False),
        sa.Column("area_code", sa.String(), nullable=False),
        sa.Column("made_by", sa.BigInteger()),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("removed_at", MOMENT),
        sa.CheckConstraint(
            "lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180",
            name=op.f("ck_named_points_on_earth"),
        ),
        sa.CheckConstraint("radius_m BETWEEN 10 AND 1000", name=op.f("ck_named_points_radius")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_named_points")),
    )
    op.create_index(op.f("ix_named_points_area_code"), "named_points", ["area_code"])
    with op.batch_alter_table("camera_health") as batch:
        batch.add_column(sa.Column("network_name", sa.LargeBinary()))
    with op.batch_alter_table("stickers") as batch:
        batch.add_column(sa.Column("code_read", sa.Boolean()))


def downgrade() -> None:
    with op.batch_alter_table("stickers") as batch:
        batch.drop_column("code_read")
    with op.batch_alter_table("camera_health") as batch:
        batch.drop_column("network_name")
    op.drop_table("named_points")
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
