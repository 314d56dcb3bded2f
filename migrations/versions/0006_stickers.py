"""Make room for stickers: the batches in which they are printed, and photos of them on the wall.

Revision ID: 0006
Revises: 0004
"""

from __future__ import annotations

import re

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0004"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
ACTS = [
    "sticker_printed",
    "stickers_received",
    "sticker_handed",
    "sticker_taken_back",
    "sticker_placed",
    "record_opened",
    "fell_silent",
    "heard_again",
    "health_seen",
]


def upgrade() -> None:
    allow_acts(known_acts() + ACTS)
    op.create_table(
        "sticker_batches",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("area_code", sa.String(), nullable=False),
        sa.Column("size", sa.String(32), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("printed_by", sa.BigInteger(), nullable=False),
        sa.Column("printed_at", MOMENT, nullable=False),
        sa.Column("received_by", sa.BigInteger()),
        sa.Column("received_at", MOMENT),
        sa.CheckConstraint("count > 0", name=op.f("ck_sticker_batches_not_empty")),
        sa.CheckConstraint(
            "size IN ('24', '12', '8', '4')", name=op.f("ck_sticker_batches_labelsize")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sticker_batches")),
        sa.UniqueConstraint("number", name=op.f("uq_sticker_batches_number")),
    )
    op.create_index(op.f("ix_sticker_batches_area_code"), "sticker_batches", ["area_code"])
    op.create_table(
        "stickers",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("camera_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("printed_at", MOMENT, nullable=False),
        sa.Column("handed_by", sa.BigInteger()),
        sa.Column("handed_at", MOMENT),
        sa.Column("placed_by", sa.BigInteger()),
        sa.Column("placed_at", MOMENT),
        sa.Column("expired_at", MOMENT),
        sa.CheckConstraint(
            "state IN ('printed', 'handed', 'placed', 'expired')",
            name=op.f("ck_stickers_stickerstate"),
        ),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["sticker_batches.id"], name=op.f("fk_stickers_batch_id_sticker_batches")
        ),
        sa.ForeignKeyConstraint(
            ["camera_id"], ["cameras.id"], name=op.f("fk_stickers_camera_id_cameras")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stickers")),
        sa.UniqueConstraint("camera_id", "version", name=op.f("uq_stickers_camera_id_version")),
    )
    op.create_index(op.f("ix_stickers_batch_id"), "stickers", ["batch_id"])
    with op.batch_alter_table("camera_photos") as batch:
        batch.add_column(sa.Column("sticker_id", sa.BigInteger()))
        batch.create_foreign_key(
            op.f("fk_camera_photos_sticker_id_stickers"), "stickers", ["sticker_id"], ["id"]
        )


def downgrade() -> None:
    op.execute("DELETE FROM camera_photos WHERE sticker_id IS NOT NULL")
    with op.batch_alter_table("camera_photos") as batch:
        batch.drop_constraint(op.f("fk_camera_photos_sticker_id_stickers"), type_="foreignkey")
        batch.drop_column("sticker_id")
    op.drop_table("stickers")
    op.drop_table("sticker_batches")
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
