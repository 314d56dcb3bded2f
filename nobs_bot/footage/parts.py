"""The parts of an upload, as they lie in the file store: read back in order, and let go."""

from __future__ import annotations

from collections.abc import AsyncIterator
from hashlib import sha256

from sqlalchemy import delete, select

from nobs_bot.errors import ExternalError
from nobs_bot.footage.upload import Upload, UploadPart
from nobs_bot.storage.crypto import KeyProblem
from nobs_bot.storage.doomed import doom
from nobs_bot.storage.files import FileStore
from nobs_bot.storage.work import Office, Work


def folder_of(upload_id: int) -> str:
    """Where an upload's parts lie; what a killed process left half written lies there too."""
    return f"uploads/{upload_id}/"


async def stream_upload(office: Office, files: FileStore, upload_id: int) -> AsyncIterator[bytes]:
    """
    A whole upload's bytes, in the order in which they were sent.

    Raises:
        ExternalError: a part is missing, or is not what arrived.
    """
    async with office.look() as work:
        upload = await work.session.get(Upload, upload_id)
        query = select(UploadPart).where(UploadPart.upload_id == upload_id)
        parts = (await work.session.execute(query.order_by(UploadPart.start_byte))).scalars().all()
    at = 0
    for part in parts:
        if part.start_byte != at:
            raise ExternalError(f"upload {upload_id} has a gap at byte {at}", permanent=True)
        async for chunk in _checked(files, part):
            yield chunk
        at += part.size_bytes
    if upload is None or at != upload.size_bytes:
        raise ExternalError(f"upload {upload_id} ends at byte {at}", permanent=True)


async def _checked(files: FileStore, part: UploadPart) -> AsyncIterator[bytes]:
    digest, size = sha256(), 0
    try:
        async for chunk in files.stream(part.file_name):
            digest.update(chunk)
            size += len(chunk)
            yield chunk
    except (KeyProblem, FileNotFoundError) as exc:
        raise ExternalError(f"part {part.id} does not open", permanent=True) from exc
    if size != part.size_bytes or digest.hexdigest() != part.sha256:
        raise ExternalError(f"part {part.id} is not what arrived", permanent=True)


async def let_go(work: Work, upload_id: int) -> None:
    """Remove an upload's parts once this transaction is committed; its row stays."""
    await work.session.execute(delete(UploadPart).where(UploadPart.upload_id == upload_id))
    doom(work, folder_of(upload_id))
