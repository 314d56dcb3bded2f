"""Make room for stickers, on their sheets and on their walls, and for the health of cameras.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import re

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
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

FAILURES = [
    "name_not_resolved",
    "private_address",
    "forbidden_address",
    "refused",
    "no_answer",
    "wrong_password",
    "password_needed",
    "no_such_path",
    "not_a_camera",
    "redirected",
    "unsupported_codec",
    "no_pictures",
    "too_large",
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
    _create_health()


def _create_health() -> None:
    op.create_table(
        "camera_health",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("camera_id", sa.BigInteger(), nullable=False),
        sa.Column("network", sa.LargeBinary()),
        sa.Column("failure", sa.String(32)),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("pulse_at", MOMENT),
        sa.Column("silent_since", MOMENT),
        sa.Column("trouble_since", MOMENT),
        sa.Column("drops", sa.Integer(), nullable=False),
        sa.Column("steady_since", MOMENT),
        sa.Column("tell_at", MOMENT),
        sa.Column("told_at", MOMENT),
        sa.Column("due_at", MOMENT),
        sa.Column("lease_until", MOMENT),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String()),
        sa.CheckConstraint(
            f"failure IN ({', '.join(map(repr, FAILURES))})", name=op.f("ck_camera_health_failure")
        ),
        sa.ForeignKeyConstraint(
            ["camera_id"], ["cameras.id"], name=op.f("fk_camera_health_camera_id_cameras")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_camera_health")),
        sa.UniqueConstraint("camera_id", name=op.f("uq_camera_health_camera_id")),
    )
    for column in ("due_at", "tell_at", "pulse_at"):
        op.create_index(op.f(f"ix_camera_health_{column}"), "camera_health", [column])
    op.create_table(
        "camera_days",
        sa.Column("camera_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("up_s", sa.Integer(), nullable=False),
        sa.Column("down_s", sa.Integer(), nullable=False),
        sa.CheckConstraint("up_s >= 0 AND down_s >= 0", name=op.f("ck_camera_days_not_negative")),
        sa.ForeignKeyConstraint(
            ["camera_id"], ["cameras.id"], name=op.f("fk_camera_days_camera_id_cameras")
        ),
        sa.PrimaryKeyConstraint("camera_id", "day", name=op.f("pk_camera_days")),
    )
    op.create_index(op.f("ix_camera_days_day"), "camera_days", ["day"])
    op.create_table(
        "outages",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("network", sa.LargeBinary(), nullable=False),
        sa.Column("cameras", sa.Integer(), nullable=False),
        sa.Column("began_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outages")),
    )
    op.create_index(
        "uq_outages_open",
        "outages",
        ["network"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def downgrade() -> None:
    for table in ("outages", "camera_days", "camera_health"):
        op.drop_table(table)
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
