"""Keep counts over the whole register, and index the few cameras that sweeps look for.

Revision ID: 0013
Revises: 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

SOME = {
    "connected": ("checked_at", "stream IS NOT NULL"),
    "live": ("number", "share_live = true AND stream IS NOT NULL"),
    "drifted": ("drift_since", "drift IS NOT NULL"),
}


def upgrade() -> None:
    op.create_table(
        "tallies",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("counts", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_tallies")),
    )
    for name, (column, condition) in SOME.items():
        op.create_index(
            f"ix_cameras_{name}",
            "cameras",
            ["state", column],
            postgresql_where=sa.text(condition),
            sqlite_where=sa.text(condition.replace("= true", "= 1")),
        )


def downgrade() -> None:
    for name in SOME:
        op.drop_index(f"ix_cameras_{name}", table_name="cameras")
    op.drop_table("tallies")
