"""A person's phone, for tests: acts through the sandbox's control interface."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import aiohttp

Message = dict[str, Any]
# what comes, comes at once; but not where two cores run other tests, a browser and PostgreSQL
PATIENCE_S = 30.0


class Phone:
    """
    One person's phone.

    Args:
        sandbox_url: The sandbox's address, as `SandboxServer.api_url`.
        person_id: Whose phone it is.

    Acts raise AssertionError where a person could not do that. Messages are Bot API messages.
    """

    def __init__(self, sandbox_url: str, person_id: int) -> None:
        self._base = f"{sandbox_url.rstrip('/')}/sim/persons/{person_id}"
        self.person_id = person_id
        self._acted_at = 0
        self._toasts_seen = 0

    async def start(self, payload: str | None = None) -> Message:
        return await self._act("start", {"payload": payload or ""})

    async def scan(self) -> Message:
        """Open the QR code that was shown last on another phone."""
        return await self._act("scan", {})

    async def send(
        self, text: str, *, reply_to: int = 0, forwarded_from: str = "", chat_id: int = 0
    ) -> Message:
        body = {"text": text, "reply_to": reply_to, "chat_id": chat_id}
        return await self._act("text", body | {"forwarded_from": forwarded_from})

    async def location(self, lat: float, lon: float, accuracy_m: float | None = None) -> Message:
        place = {"latitude": lat, "longitude": lon}
        more = {"horizontal_accuracy": accuracy_m} if accuracy_m else {}
        return await self._act("location", place | more)

    async def venue(self, lat: float, lon: float, title: str, address: str) -> Message:
        place = {"latitude": lat, "longitude": lon}
        return await self._act("venue", place | {"title": title, "address": address})

    async def photo(self, data: bytes, caption: str = "") -> Message:
        return await self._upload("photo", [("photo.jpg", data, "image/jpeg")], caption)

    async def album(self, photos: Sequence[bytes], caption: str = "") -> list[Message]:
        files = [(f"photo{at}.jpg", data, "image/jpeg") for at, data in enumerate(photos)]
        return await self._upload("album", files, caption)

    async def document(
        self, data: bytes, name: str, mime: str = "application/octet-stream", caption: str = ""
    ) -> Message:
        return await self._upload("document", [(name, data, mime)], caption)

    async def video(
        self, data: bytes, name: str = "video.mp4", mime: str = "video/mp4", caption: str = ""
    ) -> Message:
        return await self._upload("video", [(name, data, mime)], caption)

    async def contact(self, own: bool = True, phone: str = "+6281299990000") -> Message:
        return await self._act("contact", {} if own else {"phone_number": phone})

    async def sticker(self) -> Message:
        return await self._act("sticker", {})

    async def voice(self) -> Message:
        return await self._act("voice", {})

    async def forward(self, message_id: int) -> Message:
        return await self._act("forward", {"message_id": message_id})

    async def command(self, command: str) -> Message:
        """Choose a command of the menu."""
        return await self._act("command", {"command": command})

    async def press(self, label: str) -> Message:
        """Press a button of the keyboard below the chat."""
        return await self._act("press", {"label": label})

    async def tap(self, label: str, times: int = 1) -> list[str]:
        """
        Tap the button of the newest message that has *label* in one; callback query ids.

        As a person would, it waits a while for a button that is still to come.
        """
        deadline = asyncio.get_running_loop().time() + 5
        while True:
            try:
                return await self._act("tap", {"label": label, "times": times})
            except AssertionError:
                if asyncio.get_running_loop().time() > deadline:
                    raise
            await asyncio.sleep(0.1)

    async def tap_data(self, message_id: int, data: str, times: int = 1) -> list[str]:
        """Tap by callback data, also a button that is gone (stale)."""
        body = {"message_id": message_id, "data": data, "times": times}
        return await self._act("tap", body)

    async def block(self) -> None:
        await self._act("block", {})

    async def unblock(self) -> None:
        await self._act("unblock", {})

    async def delete(self, message_id: int) -> None:
        await self._act("delete", {"message_id": message_id})

    async def language(self, code: str) -> None:
        await self._act("language", {"language_code": code})

    # looking

    async def messages(self) -> list[Message]:
        """The chat as shown now, oldest first."""
        return [entry["body"] for entry in (await self._view())["messages"]]

    async def last(self) -> Message:
        """The newest message of the chat."""
        shown = await self.messages()
        assert shown, "the chat is empty"
        return shown[-1]

    async def keyboard(self) -> Message | None:
        """The reply keyboard below the chat."""
        keyboard: Message | None = (await self._view())["keyboard"]
        return keyboard

    async def menu(self) -> list[Message]:
        """The commands that this person's menu shows."""
        commands: list[Message] = (await self._get("menu"))["commands"]
        return commands

    async def toasts(self) -> list[Message]:
        """Toasts and alerts since the last call of this: ``text`` and ``alert``."""
        answer = await self._get("toasts", since=self._toasts_seen)
        self._toasts_seen = answer["revision"]
        seen: list[Message] = answer["toasts"]
        return seen

    async def expect(self, text_part: str, timeout_s: float = PATIENCE_S) -> Message:
        """
        The newest message with *text_part* that the bot sent or changed since the last act.

        Raises:
            AssertionError: None came in time; shows the chat.
        """
        deadline = asyncio.get_running_loop().time() + timeout_s
        view = await self._view()
        while True:
            for entry in reversed(view["messages"]):
                fresh = entry["from_bot"] and entry["revision"] > self._acted_at
                if fresh and text_part in words_of(entry["body"]):
                    message: Message = entry["body"]
                    return message
            left_s = deadline - asyncio.get_running_loop().time()
            if left_s <= 0:
                raise AssertionError(f"no new message with {text_part!r}\n{as_text(view)}")
            view = await self._view(since=view["revision"], wait_s=min(left_s, 5))

    async def expect_toast(self, text_part: str, timeout_s: float = PATIENCE_S) -> Message:
        """The toast or alert with *text_part*, as `expect` waits for messages."""
        deadline = asyncio.get_running_loop().time() + timeout_s
        while True:
            answer = await self._get("toasts", since=self._acted_at)
            for toast in answer["toasts"]:
                if text_part in toast["text"]:
                    found: Message = toast
                    return found
            assert asyncio.get_running_loop().time() < deadline, (
                f"no toast with {text_part!r}, but {answer['toasts']}"
            )
            await asyncio.sleep(0.05)

    async def fetch(self, file_id: str) -> bytes:
        """The bytes of a file that stands in a chat."""
        root = self._base.partition("/sim/")[0]
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{root}/sim/files/{file_id}") as answer,
        ):
            assert answer.ok, await answer.text()
            return await answer.read()

    # the wire

    async def _act(self, act: str, body: dict[str, Any]) -> Any:
        return await self._post(act, json=body)

    async def _upload(self, act: str, files: list[tuple[str, bytes, str]], caption: str) -> Any:
        form = aiohttp.FormData()
        form.add_field("caption", caption)
        for name, data, mime in files:
            form.add_field("file", data, filename=name, content_type=mime)
        return await self._post(act, data=form)

    async def _post(self, act: str, **body: Any) -> Any:
        self._acted_at = (await self._view())["revision"]
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self._base}/{act}", **body) as answer,
        ):
            text = await answer.text()
            assert answer.ok, f"{act}: {text}\n{as_text(await self._view())}"
            return (await answer.json())["result"]

    async def _view(self, since: int = -1, wait_s: float = 0) -> dict[str, Any]:
        return await self._get("chat", since=since, wait_s=wait_s)

    async def _get(self, path: str, **query: Any) -> dict[str, Any]:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self._base}/{path}", params=query) as answer,
        ):
            assert answer.ok, f"{path}: {await answer.text()}"
            body: dict[str, Any] = await answer.json()
            return body


def words_of(message: Message) -> str:
    """What there is to read in a message."""
    return str(message.get("text") or message.get("caption") or "")


def labels_of(message: Message) -> list[str]:
    """The labels of the buttons under a message."""
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [button["text"] for row in rows for button in row]


def as_text(view: dict[str, Any]) -> str:
    """A chat for a failed test's report."""
    lines = []
    for entry in view["messages"]:
        body = entry["body"]
        kind = next((k for k in ("photo", "video", "document", "location") if k in body), "")
        who = body["from"]["first_name"]
        words = words_of(body) or f"<{kind or 'other'}>"
        lines.append(f"  {body['message_id']:>4} {who}: {words}")
        lines += [f"         [{label}]" for label in labels_of(body)]
    return "the chat:\n" + ("\n".join(lines) or "  (empty)")
