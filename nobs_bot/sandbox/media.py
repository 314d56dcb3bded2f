"""Files in a call: uploaded, attached by name, or known by file id."""

from __future__ import annotations

from dataclasses import dataclass

from nobs_bot.sandbox.files import FileRecord, Files
from nobs_bot.sandbox.wire import Json, Params, Upload, bad_request

TITLES = {"photo": "Photo", "video": "Video", "voice": "VoiceNote", "sticker": "Sticker"}


@dataclass
class Media:
    """Turns what a call names into the fields of a message."""

    files: Files

    async def field(self, params: Params, kind: str) -> Json:
        """The field *kind* of the message that ``sendPhoto`` and its kin send."""
        source = params.uploads.get(kind) or params.text(kind)
        if not source:
            raise bad_request(f"there is no {kind} in the request")
        return await self._carry(source, kind, params)

    async def item(self, params: Params, item: Json) -> Json:
        """The same for one object of ``InputMedia``."""
        kind, name = str(item.get("type", "")), str(item.get("media", ""))
        if kind not in ("photo", "video", "document", "animation", "audio"):
            raise bad_request("can't parse InputMedia: invalid type specified")
        if not name:
            raise bad_request("can't parse InputMedia: media not found")
        return await self._carry(name, kind, params)

    async def _carry(self, source: Upload | str, kind: str, params: Params) -> Json:
        record = await self._record(source, kind, params)
        body = self.files.photo(record) if kind == "photo" else self.files.media(record, kind)
        if kind == "animation":
            return {kind: body, "document": self.files.media(record, "document")}
        return {kind: body}

    async def _record(self, source: Upload | str, kind: str, params: Params) -> FileRecord:
        if isinstance(source, str) and source.startswith("attach://"):
            upload = params.uploads.get(source.removeprefix("attach://"))
            if upload is None:
                raise bad_request("wrong file identifier/HTTP URL specified")
            source = upload
        if isinstance(source, Upload):
            keep = self.files.keep_photo(source) if kind == "photo" else None
            return await (keep or self.files.keep(source, kind))
        if source.startswith(("http://", "https://")):
            # The sandbox stays on this machine and fetches nothing.
            raise bad_request("failed to get HTTP URL content")
        return self._known(source, kind)

    def _known(self, file_id: str, kind: str) -> FileRecord:
        record = self.files.get(file_id)
        if record.kind != kind:
            was = TITLES.get(record.kind, "Document")
            wanted = TITLES.get(kind, "Document")
            raise bad_request(f"can't use file of type {was} as {wanted}")
        return record
