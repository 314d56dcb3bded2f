"""Make room for hotspots, coverage, the worklist of turns, and drift.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")

OLD_ACTS = [
    "consented",
    "submitted",
    "checked",
    "review_opened",
    "approved",
    "change_asked",
    "rejected",
    "edited",
    "paused",
    "resumed",
    "withdrawn",
    "found_by_request",
    "seen_nearby",
    "asked",
    "answered",
    "clip_received",
    "clip_opened",
    "request_closed",
    "request_agreed",
    "request_declined",
    "contact_shown",
    "data_exported",
    "erased",
    "role_granted",
    "role_ended",
    "invited",
    "emergency_reviewed",
    "reminded",
    "clock_read",
    "upload_opened",
    "clip_refused",
    "clip_verified",
    "clip_damaged",
    "clip_erased",
    "evidence_exported",
    "evidence_held",
    "hold_ended",
    "case_over",
]
NEW_ACTS = [
    "coverage_seen",
    "cameras_exported",
    "turn_asked",
    "turn_answered",
    "turned",
    "drifted",
    "hotspot_entered",
    "hotspot_ended",
]
TURNING = ["unknown", "willing", "unwilling", "fixed"]
DRIFT = ["moved", "covered", "dead"]
TABLES = ("camera_turns", "coverage_orders", "coverage_figures", "hotspots")


def upgrade() -> None:
    with op.batch_alter_table("audit_lines") as batch:
        batch.drop_constraint(op.f("ck_audit_lines_act"), type_="check")
        batch.create_check_constraint(
            op.f("ck_audit_lines_act"), _is_one_of("act", OLD_ACTS + NEW_ACTS)
        )
    op.add_column(
        "camera_checks",
        sa.Column("is_regular", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    with op.batch_alter_table("cameras") as batch:
        for column in _camera_columns():
            batch.add_column(column)
        batch.create_check_constraint(op.f("ck_cameras_turning"), _is_one_of("turning", TURNING))
        batch.create_check_constraint(op.f("ck_cameras_drift"), _is_one_of("drift", DRIFT))
    # what was checked last when a camera was taken in is what it is held against from now on
    op.execute(
        "UPDATE cameras SET reference_check_id = last_check_id, checked_at = (SELECT finished_at"
        " FROM camera_checks WHERE camera_checks.id = cameras.last_check_id)"
    )
    _make_tables()


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    with op.batch_alter_table("cameras") as batch:
        for name in ("turning", "drift"):
            batch.drop_constraint(op.f(f"ck_cameras_{name}"), type_="check")
        for column in _camera_columns():
            batch.drop_column(column.name)
    op.drop_column("camera_checks", "is_regular")
    acts = sa.table("audit_lines", sa.column("act"))
    op.execute(sa.delete(acts).where(acts.c.act.in_(NEW_ACTS)))
    with op.batch_alter_table("audit_lines") as batch:
        batch.drop_constraint(op.f("ck_audit_lines_act"), type_="check")
        batch.create_check_constraint(op.f("ck_audit_lines_act"), _is_one_of("act", OLD_ACTS))


def _camera_columns() -> list[sa.Column]:
    return [
        sa.Column("checked_at", MOMENT),
        sa.Column("sees_at_night", sa.Boolean()),
        sa.Column("turning", sa.String(32), nullable=False, server_default="unknown"),
        sa.Column("reference_check_id", sa.BigInteger()),
        sa.Column("drift", sa.String(32)),
        sa.Column("drift_since", MOMENT),
        sa.Column("drift_told_at", MOMENT),
    ]


def _is_one_of(column: str, values: list[str]) -> str:
    return f"{column} IN ({', '.join(repr(each) for each in values)})"


def _job() -> list[sa.Column]:
    return [
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("due_at", MOMENT),
        sa.Column("lease_until", MOMENT),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String()),
    ]


def _make_tables() -> None:
    op.create_table(
        "hotspots",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column("radius_m", sa.Double(), nullable=False),
        sa.Column("area_code", sa.String(), nullable=False),
        sa.Column("from_minute", sa.Integer()),
        sa.Column("to_minute", sa.Integer()),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("until", sa.Date()),
        sa.Column("created_by", sa.BigInteger()),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.CheckConstraint(
            _is_one_of("kind", ["drugs", "brawl", "robbery", "other"]),
            name=op.f("ck_hotspots_hotspotkind"),
        ),
        sa.CheckConstraint(
            "lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180",
            name=op.f("ck_hotspots_on_earth"),
        ),
        sa.CheckConstraint("radius_m BETWEEN 10 AND 1000", name=op.f("ck_hotspots_radius")),
        sa.CheckConstraint("weight BETWEEN 1 AND 5", name=op.f("ck_hotspots_weight")),
        sa.CheckConstraint("days BETWEEN 1 AND 127", name=op.f("ck_hotspots_days")),
        sa.CheckConstraint(
            "(from_minute IS NULL AND to_minute IS NULL) OR (from_minute BETWEEN 0 AND 1439"
            " AND to_minute BETWEEN 0 AND 1439)",
            name=op.f("ck_hotspots_hours"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hotspots")),
        sa.UniqueConstraint("number", name=op.f("uq_hotspots_number")),
    )
    op.create_index(op.f("ix_hotspots_area_code"), "hotspots", ["area_code"])
    op.create_table(
        "coverage_figures",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("area_code", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("cameras", sa.Integer(), nullable=False),
        *(
            sa.Column(name, sa.Double(), nullable=False)
            for name in ("length_m", "seen_m", "twice_m", "night_m", "worth", "seen_worth")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coverage_figures")),
        sa.UniqueConstraint("area_code", "day", name=op.f("uq_coverage_figures_area_code_day")),
    )
    op.create_table(
        "coverage_orders",
        *_job(),
        sa.Column("what", sa.String(32), nullable=False),
        sa.Column("officer_id", sa.BigInteger(), nullable=False),
        sa.Column("area_code", sa.String(), nullable=False),
        sa.Column("lat", sa.Double()),
        sa.Column("lon", sa.Double()),
        sa.Column("radius_m", sa.Double()),
        sa.Column("source", sa.String()),
        sa.Column("ordered_at", MOMENT, nullable=False),
        sa.CheckConstraint(
            _is_one_of("what", ["coverage", "worklist", "recruit", "export", "table"]),
            name=op.f("ck_coverage_orders_wanted"),
        ),
        sa.ForeignKeyConstraint(
            ["officer_id"], ["persons.id"], name=op.f("fk_coverage_orders_officer_id_persons")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coverage_orders")),
    )
    op.create_index(op.f("ix_coverage_orders_due_at"), "coverage_orders", ["due_at"])
    op.create_table(
        "camera_turns",
        *_job(),
        sa.Column("camera_id", sa.BigInteger(), nullable=False),
        sa.Column("area_code", sa.String(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("from_deg", sa.Double()),
        sa.Column("to_deg", sa.Double(), nullable=False),
        sa.Column("gain_m", sa.Double(), nullable=False),
        sa.Column("worth", sa.Double(), nullable=False),
        sa.Column("about", JSON, nullable=False),
        sa.Column("proposed_at", MOMENT, nullable=False),
        sa.Column("asked_at", MOMENT),
        sa.Column("asked_by", sa.BigInteger()),
        sa.Column("answered_at", MOMENT),
        sa.Column("check_id", sa.BigInteger()),
        sa.Column("moved_deg", sa.Double()),
        sa.Column("ended_at", MOMENT),
        sa.CheckConstraint(
            _is_one_of(
                "state",
                ["proposed", "asked", "agreed", "declined", "turned", "confirmed", "dropped"],
            ),
            name=op.f("ck_camera_turns_turnstate"),
        ),
        sa.ForeignKeyConstraint(
            ["camera_id"], ["cameras.id"], name=op.f("fk_camera_turns_camera_id_cameras")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_camera_turns")),
    )
    op.create_index(op.f("ix_camera_turns_camera_id"), "camera_turns", ["camera_id"])
    op.create_index(op.f("ix_camera_turns_due_at"), "camera_turns", ["due_at"])
    op.create_index(op.f("ix_camera_turns_state_area_code"), "camera_turns", ["state", "area_code"])
