"""Lay out the tables of the main job.

Revision ID: 0001
Revises:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "address_lookups",
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("query", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address_lookups")),
    )
    with op.batch_alter_table("address_lookups", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_address_lookups_due_at"), ["due_at"], unique=False)

    op.create_table(
        "audit_lines",
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "act",
            sa.Enum(
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
                name="act",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("actor_role", sa.String(), nullable=True),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("camera_id", sa.BigInteger(), nullable=True),
        sa.Column("request_id", sa.BigInteger(), nullable=True),
        sa.Column("details", sa.LargeBinary(), nullable=True),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_lines")),
    )
    with op.batch_alter_table("audit_lines", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_audit_lines_owner_id_id"), ["owner_id", "id"], unique=False
        )

    op.create_table(
        "chats",
        sa.Column("chat_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("unreachable_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("chat_id", name=op.f("pk_chats")),
    )
    op.create_table(
        "conversations",
        sa.Column("lane", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(), nullable=True),
        sa.Column("data", sa.LargeBinary(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("lane", name=op.f("pk_conversations")),
    )
    op.create_table(
        "counters",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_counters")),
    )
    op.create_table(
        "doomed_files",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_doomed_files")),
    )
    with op.batch_alter_table("doomed_files", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_doomed_files_due_at"), ["due_at"], unique=False)

    op.create_table(
        "geocode_cache",
        sa.Column("query_index", sa.LargeBinary(), nullable=False),
        sa.Column("seal_id", sa.BigInteger(), nullable=False),
        sa.Column("places", sa.LargeBinary(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("query_index", name=op.f("pk_geocode_cache")),
    )
    op.create_table(
        "inbox",
        sa.Column("update_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("lane", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "applied",
                "done",
                "failed",
                name="progress",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("payload", sa.LargeBinary(), nullable=True),
        sa.Column("answers", sa.LargeBinary(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("update_id", name=op.f("pk_inbox")),
    )
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.create_index(
            "ix_inbox_heads",
            ["update_id"],
            unique=False,
            sqlite_where=sa.text("state IN ('waiting', 'applied')"),
            postgresql_where=sa.text("state IN ('waiting', 'applied')"),
        )
        batch_op.create_index(
            "ix_inbox_open",
            ["lane", "update_id"],
            unique=False,
            sqlite_where=sa.text("state IN ('waiting', 'applied')"),
            postgresql_where=sa.text("state IN ('waiting', 'applied')"),
        )
        batch_op.create_index(batch_op.f("ix_inbox_received_at"), ["received_at"], unique=False)

    op.create_table(
        "invitations",
        sa.Column("token_index", sa.LargeBinary(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "field_officer",
                "reviewer",
                "investigator",
                "supervisor",
                "administrator",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("area_code", sa.String(), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_by", sa.BigInteger(), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("token_index", name=op.f("uq_invitations_token_index")),
    )
    op.create_table(
        "outbox",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("seal_id", sa.BigInteger(), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column("dedupe_key", sa.String(), nullable=False),
        sa.Column("slot", sa.String(), nullable=True),
        sa.Column("payload", sa.LargeBinary(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "pending",
                "sent",
                "failed",
                "replaced",
                name="delivery",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_outbox")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_outbox_dedupe_key")),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index(
            "ix_outbox_heads",
            ["number"],
            unique=False,
            sqlite_where=sa.text("state = 'pending'"),
            postgresql_where=sa.text("state = 'pending'"),
        )
        batch_op.create_index(
            "ix_outbox_pending",
            ["chat_id", "number"],
            unique=False,
            sqlite_where=sa.text("state = 'pending'"),
            postgresql_where=sa.text("state = 'pending'"),
        )
        batch_op.create_index(batch_op.f("ix_outbox_settled_at"), ["settled_at"], unique=False)

    op.create_table(
        "persons",
        sa.Column("telegram_id", sa.BigInteger(), nullable=True),
        sa.Column("language", sa.String(), nullable=True),
        sa.Column("name", sa.LargeBinary(), nullable=True),
        sa.Column("phone", sa.LargeBinary(), nullable=True),
        sa.Column("phone_verified", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_persons")),
        sa.UniqueConstraint("telegram_id", name=op.f("uq_persons_telegram_id")),
    )
    op.create_table(
        "slots",
        sa.Column("chat_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("chat_id", "name", name=op.f("pk_slots")),
    )
    op.create_table(
        "cameras",
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "waiting",
                "change_asked",
                "approved",
                "rejected",
                "withdrawn",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "place_kind",
            sa.Enum(
                "home",
                "shop",
                "business",
                "neighbourhood",
                "other",
                name="placekind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("contact", sa.LargeBinary(), nullable=True),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("area_code", sa.String(), nullable=True),
        sa.Column("heading_deg", sa.Double(), nullable=True),
        sa.Column("heading_unknown", sa.Boolean(), nullable=False),
        sa.Column(
            "width",
            sa.Enum(
                "narrow",
                "normal",
                "wide",
                "all_round",
                name="width",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("range_m", sa.Double(), nullable=True),
        sa.Column("indoors", sa.Boolean(), nullable=True),
        sa.Column("retention_days", sa.Integer(), nullable=True),
        sa.Column("share_footage", sa.Boolean(), nullable=False),
        sa.Column("share_stills", sa.Boolean(), nullable=False),
        sa.Column("share_live", sa.Boolean(), nullable=False),
        sa.Column("sharing_chosen", sa.Boolean(), nullable=False),
        sa.Column("stream", sa.LargeBinary(), nullable=True),
        sa.Column("stream_index", sa.LargeBinary(), nullable=True),
        sa.Column("stream_declined", sa.Boolean(), nullable=False),
        sa.Column("last_check_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.LargeBinary(), nullable=True),
        sa.Column("change_field", sa.String(), nullable=True),
        sa.Column("review_by", sa.BigInteger(), nullable=True),
        sa.Column("review_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "state IN ('draft', 'withdrawn') OR (number IS NOT NULL AND lat IS NOT NULL AND lon IS NOT NULL AND area_code IS NOT NULL)",
            name=op.f("ck_cameras_submitted_is_whole"),
        ),
        sa.CheckConstraint(
            "heading_deg >= 0 AND heading_deg < 360", name=op.f("ck_cameras_heading")
        ),
        sa.CheckConstraint(
            "lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180", name=op.f("ck_cameras_on_earth")
        ),
        sa.CheckConstraint("range_m BETWEEN 1 AND 1000", name=op.f("ck_cameras_range")),
        sa.CheckConstraint("retention_days BETWEEN 0 AND 3650", name=op.f("ck_cameras_retention")),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["persons.id"], name=op.f("fk_cameras_owner_id_persons")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cameras")),
        sa.UniqueConstraint("number", name=op.f("uq_cameras_number")),
    )
    with op.batch_alter_table("cameras", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_cameras_lat_lon"), ["lat", "lon"], unique=False)
        batch_op.create_index(batch_op.f("ix_cameras_owner_id"), ["owner_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_cameras_state_submitted_at"), ["state", "submitted_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_cameras_stream_index"), ["stream_index"], unique=False)

    op.create_table(
        "consents",
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("text_sha256", sa.String(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_consents_person_id_persons")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
    )
    with op.batch_alter_table("consents", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_consents_person_id"), ["person_id"], unique=False)

    op.create_table(
        "footage_requests",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("requester_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "awaiting_agreement",
                "declined",
                "sent",
                "closed",
                "expired",
                name="requeststate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("area_code", sa.String(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column("radius_m", sa.Double(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "purpose",
            sa.Enum(
                "theft",
                "robbery",
                "brawl",
                "drugs",
                "violence",
                "accident",
                "missing_person",
                "other_crime",
                name="purpose",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "helped",
                "not_found",
                "not_needed",
                name="outcome",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("agreed_by", sa.BigInteger(), nullable=True),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_footage_requests_window")),
        sa.CheckConstraint("radius_m > 0", name=op.f("ck_footage_requests_radius")),
        sa.ForeignKeyConstraint(
            ["requester_id"], ["persons.id"], name=op.f("fk_footage_requests_requester_id_persons")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_footage_requests")),
        sa.UniqueConstraint("number", name=op.f("uq_footage_requests_number")),
    )
    with op.batch_alter_table("footage_requests", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_footage_requests_requester_id"), ["requester_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_footage_requests_state_expires_at"),
            ["state", "expires_at"],
            unique=False,
        )

    op.create_table(
        "grants",
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "field_officer",
                "reviewer",
                "investigator",
                "supervisor",
                "administrator",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("area_code", sa.String(), nullable=False),
        sa.Column("granted_by", sa.BigInteger(), nullable=True),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_grants_person_id_persons")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grants")),
    )
    with op.batch_alter_table("grants", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_grants_person_id"), ["person_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_grants_role_area_code"), ["role", "area_code"], unique=False
        )

    op.create_table(
        "camera_checks",
        sa.Column("camera_id", sa.BigInteger(), nullable=False),
        sa.Column("tell_owner", sa.Boolean(), nullable=False),
        sa.Column("stage", sa.String(), nullable=True),
        sa.Column(
            "report",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=True,
        ),
        sa.Column("still_name", sa.String(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["camera_id"], ["cameras.id"], name=op.f("fk_camera_checks_camera_id_cameras")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_camera_checks")),
    )
    with op.batch_alter_table("camera_checks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_camera_checks_camera_id"), ["camera_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_camera_checks_due_at"), ["due_at"], unique=False)

    op.create_table(
        "camera_photos",
        sa.Column("camera_id", sa.BigInteger(), nullable=False),
        sa.Column("unique_id", sa.String(), nullable=False),
        sa.Column("file_id", sa.LargeBinary(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=True),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["camera_id"], ["cameras.id"], name=op.f("fk_camera_photos_camera_id_cameras")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_camera_photos")),
    )
    with op.batch_alter_table("camera_photos", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_camera_photos_camera_id"), ["camera_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_camera_photos_due_at"), ["due_at"], unique=False)

    op.create_table(
        "footage_asks",
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("camera_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "reply",
            sa.Enum(
                "none_yet",
                "has",
                "nothing",
                "refused",
                "help",
                "gone",
                name="reply",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("overwritten_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["camera_id"], ["cameras.id"], name=op.f("fk_footage_asks_camera_id_cameras")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["persons.id"], name=op.f("fk_footage_asks_owner_id_persons")
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["footage_requests.id"],
            name=op.f("fk_footage_asks_request_id_footage_requests"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_footage_asks")),
        sa.UniqueConstraint(
            "request_id", "camera_id", name=op.f("uq_footage_asks_request_id_camera_id")
        ),
    )
    with op.batch_alter_table("footage_asks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_footage_asks_owner_id"), ["owner_id"], unique=False)

    op.create_table(
        "footage_clips",
        sa.Column("ask_id", sa.BigInteger(), nullable=False),
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("camera_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("unique_id", sa.String(), nullable=False),
        sa.Column("source", sa.LargeBinary(), nullable=False),
        sa.Column("recompressed", sa.Boolean(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "stored",
                "failed",
                name="clipstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("file_name", sa.String(), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.String(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["ask_id"], ["footage_asks.id"], name=op.f("fk_footage_clips_ask_id_footage_asks")
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["footage_requests.id"],
            name=op.f("fk_footage_clips_request_id_footage_requests"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_footage_clips")),
        sa.UniqueConstraint("ask_id", "unique_id", name=op.f("uq_footage_clips_ask_id_unique_id")),
    )
    with op.batch_alter_table("footage_clips", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_footage_clips_due_at"), ["due_at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_footage_clips_request_id"), ["request_id"], unique=False
        )


def downgrade() -> None:
    with op.batch_alter_table("footage_clips", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_footage_clips_request_id"))
        batch_op.drop_index(batch_op.f("ix_footage_clips_due_at"))

    op.drop_table("footage_clips")
    with op.batch_alter_table("footage_asks", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_footage_asks_owner_id"))

    op.drop_table("footage_asks")
    with op.batch_alter_table("camera_photos", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_camera_photos_due_at"))
        batch_op.drop_index(batch_op.f("ix_camera_photos_camera_id"))

    op.drop_table("camera_photos")
    with op.batch_alter_table("camera_checks", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_camera_checks_due_at"))
        batch_op.drop_index(batch_op.f("ix_camera_checks_camera_id"))

    op.drop_table("camera_checks")
    with op.batch_alter_table("grants", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_grants_role_area_code"))
        batch_op.drop_index(batch_op.f("ix_grants_person_id"))

    op.drop_table("grants")
    with op.batch_alter_table("footage_requests", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_footage_requests_state_expires_at"))
        batch_op.drop_index(batch_op.f("ix_footage_requests_requester_id"))

    op.drop_table("footage_requests")
    with op.batch_alter_table("consents", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_consents_person_id"))

    op.drop_table("consents")
    with op.batch_alter_table("cameras", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_cameras_stream_index"))
        batch_op.drop_index(batch_op.f("ix_cameras_state_submitted_at"))
        batch_op.drop_index(batch_op.f("ix_cameras_owner_id"))
        batch_op.drop_index(batch_op.f("ix_cameras_lat_lon"))

    op.drop_table("cameras")
    op.drop_table("slots")
    op.drop_table("persons")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_outbox_settled_at"))
        batch_op.drop_index(
            "ix_outbox_pending",
            sqlite_where=sa.text("state = 'pending'"),
            postgresql_where=sa.text("state = 'pending'"),
        )
        batch_op.drop_index(
            "ix_outbox_heads",
            sqlite_where=sa.text("state = 'pending'"),
            postgresql_where=sa.text("state = 'pending'"),
        )

    op.drop_table("outbox")
    op.drop_table("invitations")
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_inbox_received_at"))
        batch_op.drop_index(
            "ix_inbox_open",
            sqlite_where=sa.text("state IN ('waiting', 'applied')"),
            postgresql_where=sa.text("state IN ('waiting', 'applied')"),
        )
        batch_op.drop_index(
            "ix_inbox_heads",
            sqlite_where=sa.text("state IN ('waiting', 'applied')"),
            postgresql_where=sa.text("state IN ('waiting', 'applied')"),
        )

    op.drop_table("inbox")
    op.drop_table("geocode_cache")
    with op.batch_alter_table("doomed_files", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_doomed_files_due_at"))

    op.drop_table("doomed_files")
    op.drop_table("counters")
    op.drop_table("conversations")
    op.drop_table("chats")
    with op.batch_alter_table("audit_lines", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_lines_owner_id_id"))

    op.drop_table("audit_lines")
    with op.batch_alter_table("address_lookups", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_address_lookups_due_at"))

    op.drop_table("address_lookups")
