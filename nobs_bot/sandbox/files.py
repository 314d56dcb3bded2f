"""Files as Telegram keeps them: ids, paths to download, photos in several sizes."""

from __future__ import annotations

import asyncio
import mimetypes
import secrets
import shutil
from dataclasses import asdict, dataclass, field
from io import BytesIO
from pathlib import Path

import av
from PIL import Image, ImageOps, UnidentifiedImageError

from nobs_bot.sandbox.store import Store
from nobs_bot.sandbox.wire import Json, Upload, bad_request

MAX_DOWNLOAD_BYTES = 20 * 1024 * 1024
MAX_UPLOAD_BYTES = 50 * 1024 * 1024
MAX_PHOTO_BYTES = 10 * 1024 * 1024
MAX_PHOTO_SIDES = 10_000
MAX_PHOTO_RATIO = 20
PHOTO_SIDES = (90, 320, 800, 1280, 2560)
STICKER = {
    "type": "regular",
    "width": 512,
    "height": 512,
    "emoji": "👍",
    "is_animated": False,
    "is_video": False,
}
FOLDERS = {"photo": "photos", "video": "videos", "voice": "voice", "sticker": "stickers"}


@dataclass
class FileRecord:
    """
    One stored file.

    Attributes:
        kind: photo, document, video, voice, sticker.
        group: For a photo, the file ids of all its sizes, smallest first.
        path: As ``getFile`` tells it, below the files' folder.
    """

    file_id: str
    file_unique_id: str
    kind: str
    path: str
    size: int
    name: str = ""
    mime: str = ""
    width: int = 0
    height: int = 0
    duration_s: int = 0
    group: list[str] = field(default_factory=list)

    def reference(self) -> Json:
        return {
            "file_id": self.file_id,
            "file_unique_id": self.file_unique_id,
            "file_size": self.size,
        }


class Files:
    """
    The files of all chats, on disk.

    Args:
        folder: Where the bytes are.
        store: Where the records are.
    """

    def __init__(self, folder: Path, store: Store) -> None:
        self.folder = folder
        self.incoming = folder / "incoming"
        self._store = store
        self._records: dict[str, FileRecord] = {}
        shutil.rmtree(self.incoming, ignore_errors=True)
        self.incoming.mkdir(parents=True)
        for body in store.all("file"):
            self._records[body["file_id"]] = FileRecord(**body)

    def get(self, file_id: str) -> FileRecord:
        """Raises `BotApiError` where no such file is known."""
        record = self._records.get(file_id)
        if record is None:
            raise bad_request("wrong file identifier/HTTP URL specified")
        return record

    def find(self, file_id: str) -> FileRecord | None:
        return self._records.get(file_id)

    def all(self) -> list[FileRecord]:
        return list(self._records.values())

    def at(self, path: str) -> FileRecord | None:
        return next((record for record in self._records.values() if record.path == path), None)

    def location(self, record: FileRecord) -> Path:
        return self.folder / record.path

    def bytes_of(self, record: FileRecord) -> bytes:
        return self.location(record).read_bytes()

    def new_upload(self) -> Path:
        return self.incoming / secrets.token_hex(8)

    async def keep(self, upload: Upload, kind: str) -> FileRecord:
        """Take an uploaded file as it is, byte for byte."""
        if upload.size == 0:
            raise bad_request("file must be non-empty")
        mime = upload.mime or mimetypes.guess_type(upload.name)[0] or "application/octet-stream"
        suffix = Path(upload.name).suffix.lower() or mimetypes.guess_extension(mime) or ".bin"
        shape = await asyncio.to_thread(_shape, upload.path) if kind == "video" else (0, 0, 0)
        record = self._record(kind, suffix, upload.size)
        record.name, record.mime = upload.name, mime
        record.width, record.height, record.duration_s = shape
        upload.path.replace(self.location(record))
        self._save(record)
        return record

    async def keep_photo(self, upload: Upload) -> FileRecord:
        """
        Take an image as a photo: turned upright, without EXIF, in several sizes.

        Raises:
            BotApiError: No image, or one that Telegram would not take.
        """
        if upload.size == 0:
            raise bad_request("file must be non-empty")
        if upload.size > MAX_PHOTO_BYTES:
            words = f"the maximum size is {MAX_PHOTO_BYTES} bytes"
            raise bad_request(f"file of size {upload.size} bytes is too big for a photo; {words}")
        sizes = await asyncio.to_thread(_photo_sizes, upload.path)
        upload.path.unlink()
        records = [self._photo_record(*size) for size in sizes]
        for record in records:
            record.group = [each.file_id for each in records]
            self._save(record)
        return records[-1]

    def _photo_record(self, data: bytes, width: int, height: int) -> FileRecord:
        record = self._record("photo", ".jpg", len(data))
        record.width, record.height, record.mime = width, height, "image/jpeg"
        self.location(record).write_bytes(data)
        return record

    def _record(self, kind: str, suffix: str, size: int) -> FileRecord:
        folder = FOLDERS.get(kind, "documents")
        (self.folder / folder).mkdir(exist_ok=True)
        path = f"{folder}/file_{len(self._records)}{suffix}"
        token = secrets.token_urlsafe(30)
        record = FileRecord(f"AgACAgU{token}", secrets.token_urlsafe(9), kind, path, size)
        self._records[record.file_id] = record
        return record

    def _save(self, record: FileRecord) -> None:
        self._store.put("file", record.file_id, asdict(record))

    def photo(self, record: FileRecord) -> list[Json]:
        """The ``photo`` field: every size, smallest first."""
        sizes = [self.get(file_id) for file_id in record.group]
        return [size.reference() | {"width": size.width, "height": size.height} for size in sizes]

    def media(self, record: FileRecord, kind: str) -> Json:
        """The field named *kind* of a message that carries *record*."""
        if kind == "sticker":
            return record.reference() | STICKER
        body = record.reference() | {"mime_type": record.mime}
        if kind in ("video", "animation"):
            body |= {"width": record.width, "height": record.height}
        if kind in ("video", "animation", "voice", "audio"):
            body["duration"] = record.duration_s
        if record.name and kind not in ("voice",):
            body["file_name"] = record.name
        return body


def _photo_sizes(path: Path) -> list[tuple[bytes, int, int]]:
    try:
        with Image.open(path) as opened:
            image = ImageOps.exif_transpose(opened).convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as exc:
        raise bad_request("IMAGE_PROCESS_FAILED") from exc
    width, height = image.size
    if width + height > MAX_PHOTO_SIDES or max(image.size) > MAX_PHOTO_RATIO * min(image.size):
        raise bad_request("PHOTO_INVALID_DIMENSIONS")
    longest = min(max(image.size), PHOTO_SIDES[-1])
    sides = [side for side in PHOTO_SIDES if side < longest] + [longest]
    return [_photo_size(image, side) for side in sides]


def _photo_size(image: Image.Image, side: int) -> tuple[bytes, int, int]:
    scaled = image.copy()
    scaled.thumbnail((side, side), Image.Resampling.LANCZOS)
    out = BytesIO()
    scaled.save(out, "JPEG", quality=87)
    return out.getvalue(), scaled.width, scaled.height


def _shape(path: Path) -> tuple[int, int, int]:
    """Width, height and duration in whole seconds; zeros where nothing can be read."""
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            duration_s = int((container.duration or 0) / av.time_base)
            return stream.codec_context.width, stream.codec_context.height, duration_s
    except (OSError, ValueError, IndexError):
        return 0, 0, 0
