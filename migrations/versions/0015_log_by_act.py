"""Find lines of the audit log by what was done, and when.

Some installations have the index: 0010 made it for a while.

Revision ID: 0015
Revises: 0014
"""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_audit_lines_act_at"), "audit_lines", ["act", "at"], if_not_exists=True)


def downgrade() -> None:
    op.drop_index(op.f("ix_audit_lines_act_at"), "audit_lines", if_exists=True)
