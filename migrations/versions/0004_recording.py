"""Make room for cameras that officers record before their owners consent, and for their links, and for what is aimed at.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")
MOMENT = sa.DateTime(timezone=True)

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
    "coverage_seen",
    "cameras_exported",
    "turn_asked",
    "turn_answered",
    "turned",
    "drifted",
    "hotspot_entered",
    "hotspot_ended",
]
NEW_ACTS = ["recorded", "claimed", "recording_erased", "aim_set"]
OLD_STATES = ["draft", "waiting", "change_asked", "approved", "rejected", "withdrawn"]
NEW_STATES = ["recorded", *OLD_STATES]
OLD_GAPS = ["draft", "withdrawn"]
NEW_GAPS = ["recorded", "draft", "withdrawn"]


def upgrade() -> None:
    _allow_acts(OLD_ACTS + NEW_ACTS)
    with op.batch_alter_table("cameras") as batch:
        for column in _camera_columns():
            batch.add_column(column)
        _allow_states(batch, NEW_STATES, NEW_GAPS)
        batch.create_unique_constraint(op.f("uq_cameras_source_index"), ["source_index"])
        batch.create_index(
            op.f("ix_cameras_recorded_by_recorded_at"), ["recorded_by", "recorded_at"]
        )
    op.create_table(
        "camera_claims",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("token_index", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("opened_by", sa.BigInteger()),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["persons.id"], name=op.f("fk_camera_claims_owner_id_persons")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_camera_claims")),
        sa.UniqueConstraint("token_index", name=op.f("uq_camera_claims_token_index")),
    )
    op.create_index(op.f("ix_camera_claims_owner_id"), "camera_claims", ["owner_id"])
    op.create_table(
        "programme_aims",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("area_code", sa.String(), nullable=False),
        sa.Column("target", sa.Integer()),
        sa.Column("residents", sa.Integer()),
        sa.Column("officers", sa.Integer()),
        sa.Column("points", sa.Integer()),
        sa.Column("set_by", sa.BigInteger()),
        sa.Column("set_at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "target >= 0 AND residents >= 0 AND officers >= 0 AND points >= 0",
            name=op.f("ck_programme_aims_not_negative"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_programme_aims")),
        sa.UniqueConstraint("area_code", name=op.f("uq_programme_aims_area_code")),
    )
    op.create_table(
        "refused_records",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("source_index", sa.LargeBinary(), nullable=False),
        sa.Column("refused_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refused_records")),
        sa.UniqueConstraint("source_index", name=op.f("uq_refused_records_source_index")),
    )


def downgrade() -> None:
    op.drop_table("refused_records")
    op.drop_table("programme_aims")
    op.drop_table("camera_claims")
    # nobody consented to these
    for table in ("camera_photos", "camera_checks"):
        op.execute(
            f"DELETE FROM {table} WHERE camera_id IN"  # noqa: S608 - a name from above
            " (SELECT id FROM cameras WHERE state = 'recorded')"
        )
    op.execute("DELETE FROM cameras WHERE state = 'recorded'")
    with op.batch_alter_table("cameras") as batch:
        batch.drop_index(op.f("ix_cameras_recorded_by_recorded_at"))
        batch.drop_constraint(op.f("uq_cameras_source_index"), type_="unique")
        _allow_states(batch, OLD_STATES, OLD_GAPS)
        for column in _camera_columns():
            batch.drop_column(column.name)
    acts = sa.table("audit_lines", sa.column("act"))
    op.execute(sa.delete(acts).where(acts.c.act.in_(NEW_ACTS)))
    _allow_acts(OLD_ACTS)


def _camera_columns() -> list[sa.Column]:
    return [
        sa.Column("recorded_by", sa.BigInteger()),
        sa.Column("recorded_at", MOMENT),
        sa.Column("accuracy_m", sa.Double()),
        sa.Column("source_index", sa.LargeBinary()),
        sa.Column("handed_over_at", MOMENT),
        sa.Column("other_headings", JSON),
    ]


def _allow_acts(acts: list[str]) -> None:
    with op.batch_alter_table("audit_lines") as batch:
        batch.drop_constraint(op.f("ck_audit_lines_act"), type_="check")
        batch.create_check_constraint(op.f("ck_audit_lines_act"), _is_one_of("act", acts))


def _allow_states(batch: BatchOperations, states: list[str], gaps: list[str]) -> None:
    for name in ("state", "submitted_is_whole"):
        batch.drop_constraint(op.f(f"ck_cameras_{name}"), type_="check")
    batch.create_check_constraint(op.f("ck_cameras_state"), _is_one_of("state", states))
    batch.create_check_constraint(
        op.f("ck_cameras_submitted_is_whole"),
        f"{_is_one_of('state', gaps)} OR (number IS NOT NULL AND lat IS NOT NULL"
        " AND lon IS NOT NULL AND area_code IS NOT NULL)",
    )


def _is_one_of(column: str, values: list[str]) -> str:
    return f"{column} IN ({', '.join(repr(each) for each in values)})"
