"""Make room for marks of audit lines, and for the chain that seals them.

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

UNSEALED = sa.text("sealed_in IS NULL")


def upgrade() -> None:
    op.create_table(
        "audit_seals",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("prior", sa.LargeBinary(), nullable=False),
        sa.Column("entries", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_seals")),
    )
    # added in place: a table of millions of lines is not copied
    op.add_column("audit_lines", sa.Column("mark", sa.LargeBinary()))
    op.add_column("audit_lines", sa.Column("sealed_in", sa.BigInteger()))
    op.create_index(
        "ix_audit_lines_unsealed",
        "audit_lines",
        ["id"],
        sqlite_where=UNSEALED,
        postgresql_where=UNSEALED,
    )


def downgrade() -> None:
    op.drop_index("ix_audit_lines_unsealed", "audit_lines")
    with op.batch_alter_table("audit_lines") as batch:
        batch.drop_column("sealed_in")
        batch.drop_column("mark")
    op.drop_table("audit_seals")
