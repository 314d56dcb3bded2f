"""Make room for preserving, reminding, uploads and evidence.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
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
]
NEW_ACTS = [
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
OLD_OUTCOMES, NEW_OUTCOMES = ["helped", "not_found", "not_needed"], ["passed_on"]
OLD_REPLIES, NEW_REPLIES = (
    ["none_yet", "has", "nothing", "refused", "help", "gone"],
    [
        "saved",
        "not_mine",
    ],
)
OLD_CLIP_STATES, NEW_CLIP_STATES = ["waiting", "stored", "failed"], ["refused", "erased"]

# table, column, the choice's name, what it could be, what it can be besides
CHOICES = (
    ("audit_lines", "act", "act", OLD_ACTS, NEW_ACTS),
    ("footage_requests", "outcome", "outcome", OLD_OUTCOMES, NEW_OUTCOMES),
    ("footage_asks", "reply", "reply", OLD_REPLIES, NEW_REPLIES),
    ("footage_clips", "state", "clipstate", OLD_CLIP_STATES, NEW_CLIP_STATES),
)
JOB = (
    ("due_at", lambda: sa.Column("due_at", MOMENT)),
    ("lease_until", lambda: sa.Column("lease_until", MOMENT)),
    ("attempts", lambda: sa.Column("attempts", sa.Integer(), nullable=False, server_default="0")),
    ("last_error", lambda: sa.Column("last_error", sa.String())),
)


def _flag(name: str) -> sa.Column:
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false())


def _count(name: str) -> sa.Column:
    return sa.Column(name, sa.Integer(), nullable=False, server_default="0")


def _new_columns() -> dict[str, list[sa.Column]]:
    return {
        "cameras": [sa.Column("clock_error_s", sa.Integer()), sa.Column("clock_read_at", MOMENT)],
        "footage_requests": [
            *(make() for _, make in JOB),
            sa.Column("kind", sa.String(32), nullable=False, server_default="footage"),
            _flag("whole_area"),
            sa.Column("windows", JSON),
            _count("ring"),
            _flag("is_emergency"),
            sa.Column("review_due_at", MOMENT),
            sa.Column("reviewed_by", sa.BigInteger()),
            sa.Column("reviewed_at", MOMENT),
            sa.Column("was_justified", sa.Boolean()),
            sa.Column("told_at", MOMENT),
            sa.Column("case_over_at", MOMENT),
            sa.Column("held_by", sa.BigInteger()),
            sa.Column("held_at", MOMENT),
            sa.Column("erase_at", MOMENT),
        ],
        "footage_asks": [
            *(make() for _, make in JOB),
            _flag("is_news"),
            _count("ring"),
            _count("reminders"),
            sa.Column("note", sa.LargeBinary()),
            sa.Column("clock_error_s", sa.Integer()),
            sa.Column("clock_read_at", MOMENT),
        ],
        "footage_clips": [
            _flag("is_news"),
            sa.Column("crc32", sa.BigInteger()),
            sa.Column("blocks", sa.LargeBinary()),
            sa.Column("kind", sa.String(32)),
            sa.Column("media_type", sa.String()),
            sa.Column("looked", JSON),
            sa.Column("clock_error_s", sa.Integer()),
            sa.Column("viewing_name", sa.String()),
            sa.Column("viewing_sha256", sa.String()),
            sa.Column("verified_at", MOMENT),
            sa.Column("damaged_at", MOMENT),
            sa.Column("erased_at", MOMENT),
        ],
    }


# choices of new columns
NEW_CHOICES = {
    "footage_requests": [("kind", "kind", ["footage", "preserve"])],
    "footage_clips": [("kind", "clipkind", ["video", "picture", "proprietary", "unknown"])],
}
CHANGED = ("audit_lines", "footage_requests", "footage_asks", "footage_clips")
NEW_TABLES = [
    "evidence_orders",
    "erasures",
    "export_links",
    "upload_parts",
    "uploads",
    "upload_browsers",
    "upload_links",
]
INDEXES = (
    ("footage_requests", "due_at"),
    ("footage_requests", "erase_at"),
    ("footage_asks", "due_at"),
    ("footage_clips", "file_name"),
    ("doomed_files", "name"),
)


def _is_one_of(column: str, values: list[str]) -> str:
    return f"{column} IN ({', '.join(repr(each) for each in values)})"


def upgrade() -> None:
    columns = _new_columns()
    for column in columns.pop("cameras"):
        op.add_column("cameras", column)
    for table in CHANGED:
        with op.batch_alter_table(table) as batch:
            for column in columns.get(table, ()):
                batch.add_column(column)
            _exchange(batch, table, new=True)
            for column, name, values in NEW_CHOICES.get(table, ()):
                batch.create_check_constraint(_name(table, name), _is_one_of(column, values))
    for table, column in INDEXES:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])
    _make_tables()
    # what is stored already is read again, too; its blocks are then taken down
    op.execute("UPDATE footage_clips SET due_at = stored_at WHERE state = 'stored'")


def downgrade() -> None:
    for table in NEW_TABLES:
        op.drop_table(table)
    for table, column in INDEXES:
        op.drop_index(op.f(f"ix_{table}_{column}"), table)
    _map_back()
    for table in reversed(CHANGED):
        with op.batch_alter_table(table) as batch:
            for _, name, _ in NEW_CHOICES.get(table, ()):
                batch.drop_constraint(_name(table, name), type_="check")
            _exchange(batch, table, new=False)
            for column in _new_columns().get(table, ()):
                batch.drop_column(column.name)
    for column in _new_columns()["cameras"]:
        op.drop_column("cameras", column.name)


def _exchange(batch: BatchOperations, table: str, *, new: bool) -> None:
    """Widen or narrow the choices of a table."""
    for of, column, name, old, more in CHOICES:
        if of == table:
            batch.drop_constraint(_name(table, name), type_="check")
            values = old + more if new else old
            batch.create_check_constraint(_name(table, name), _is_one_of(column, values))


def _map_back() -> None:
    """Choices that the older revision does not know become the nearest that it does."""
    acts = sa.table("audit_lines", sa.column("act"))
    op.execute(sa.delete(acts).where(acts.c.act.in_(NEW_ACTS)))
    op.execute("UPDATE footage_requests SET outcome = 'helped' WHERE outcome = 'passed_on'")
    op.execute("UPDATE footage_asks SET reply = 'has' WHERE reply = 'saved'")
    op.execute("UPDATE footage_asks SET reply = 'nothing' WHERE reply = 'not_mine'")
    op.execute("UPDATE footage_clips SET state = 'failed' WHERE state IN ('refused', 'erased')")


def _name(table: str, name: str) -> str:
    return op.f(f"ck_{table}_{name}")


def _is_one_of(column: str, values: list[str]) -> str:
    return f"{column} IN ({', '.join(repr(each) for each in values)})"


def _make_tables() -> None:
    op.create_table(
        "upload_links",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("ask_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("token_index", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.Column("code", sa.LargeBinary()),
        sa.Column("code_sent_at", MOMENT),
        sa.Column("code_tries", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ask_id"], ["footage_asks.id"], name=op.f("fk_upload_links_ask_id_footage_asks")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["persons.id"], name=op.f("fk_upload_links_owner_id_persons")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upload_links")),
        sa.UniqueConstraint("token_index", name=op.f("uq_upload_links_token_index")),
    )
    op.create_index(op.f("ix_upload_links_ask_id"), "upload_links", ["ask_id"])
    op.create_table(
        "upload_browsers",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("link_id", sa.BigInteger(), nullable=False),
        sa.Column("cookie_index", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["link_id"], ["upload_links.id"], name=op.f("fk_upload_browsers_link_id_upload_links")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upload_browsers")),
        sa.UniqueConstraint("cookie_index", name=op.f("uq_upload_browsers_cookie_index")),
    )
    op.create_index(op.f("ix_upload_browsers_link_id"), "upload_browsers", ["link_id"])
    op.create_table(
        "uploads",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("link_id", sa.BigInteger(), nullable=False),
        sa.Column("about", sa.LargeBinary(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("received_bytes", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT),
        sa.Column("lease_until", MOMENT),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String()),
        sa.CheckConstraint(
            "received_bytes BETWEEN 0 AND size_bytes", name=op.f("ck_uploads_received")
        ),
        sa.CheckConstraint(
            _is_one_of("state", ["open", "whole", "ended"]), name=op.f("ck_uploads_uploadstate")
        ),
        sa.ForeignKeyConstraint(
            ["link_id"], ["upload_links.id"], name=op.f("fk_uploads_link_id_upload_links")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
    )
    op.create_index(op.f("ix_uploads_link_id"), "uploads", ["link_id"])
    op.create_index(op.f("ix_uploads_due_at"), "uploads", ["due_at"])
    op.create_table(
        "upload_parts",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("upload_id", sa.BigInteger(), nullable=False),
        sa.Column("start_byte", sa.BigInteger(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["uploads.id"], name=op.f("fk_upload_parts_upload_id_uploads")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upload_parts")),
        sa.UniqueConstraint(
            "upload_id", "start_byte", name=op.f("uq_upload_parts_upload_id_start_byte")
        ),
    )
    op.create_table(
        "export_links",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("officer_id", sa.BigInteger(), nullable=False),
        sa.Column("token_index", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["footage_requests.id"],
            name=op.f("fk_export_links_request_id_footage_requests"),
        ),
        sa.ForeignKeyConstraint(
            ["officer_id"], ["persons.id"], name=op.f("fk_export_links_officer_id_persons")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export_links")),
        sa.UniqueConstraint("token_index", name=op.f("uq_export_links_token_index")),
    )
    op.create_table(
        "erasures",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("clip_id", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String()),
        sa.Column("size_bytes", sa.BigInteger()),
        sa.Column("reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
    )
    op.create_index(op.f("ix_erasures_at"), "erasures", ["at"])
    op.create_table(
        "evidence_orders",
        sa.Column("id", sa.BigInteger(), nullable=False),
        *(make() for _, make in JOB),
        sa.Column("what", sa.String(32), nullable=False),
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("clip_id", sa.BigInteger()),
        sa.Column("officer_id", sa.BigInteger(), nullable=False),
        sa.Column("ordered_at", MOMENT, nullable=False),
        sa.CheckConstraint(
            _is_one_of("what", ["copy", "export"]), name=op.f("ck_evidence_orders_ordered")
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["footage_requests.id"],
            name=op.f("fk_evidence_orders_request_id_footage_requests"),
        ),
        sa.ForeignKeyConstraint(
            ["officer_id"], ["persons.id"], name=op.f("fk_evidence_orders_officer_id_persons")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence_orders")),
    )
    op.create_index(op.f("ix_evidence_orders_due_at"), "evidence_orders", ["due_at"])
