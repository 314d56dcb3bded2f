"""Every method as aiogram calls it, unchanged."""

from __future__ import annotations

import aiohttp
from aiogram import Bot
from aiogram.types import (
    BotCommand,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    BufferedInputFile,
    ForceReply,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaDocument,
    InputMediaPhoto,
    KeyboardButton,
    LinkPreviewOptions,
    MenuButtonCommands,
    MessageOriginUser,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
    ReplyParameters,
    WebAppInfo,
)

from nobs_bot.sandbox import SandboxServer
from tests.conftest import TOKEN
from tests.phone import Phone
from tests.sandbox.conftest import SARI, a_jpeg


def buttons(*labels: str) -> InlineKeyboardMarkup:
    row = [InlineKeyboardButton(text=label, callback_data=label.lower()) for label in labels]
    return InlineKeyboardMarkup(inline_keyboard=[row])


async def test_get_me_tells_who_the_bot_is(aio: Bot) -> None:
    me = await aio.get_me()
    assert (me.id, me.username, me.is_bot) == (4242, "NoBlindspotBot", True)


async def test_send_message_carries_html_entities_keyboard_and_options(
    aio: Bot, sari: Phone
) -> None:
    sent = await aio.send_message(
        SARI,
        "📍 <b>Toko Sari</b> /help",
        parse_mode="HTML",
        reply_markup=buttons("Ya", "Tidak"),
        protect_content=True,
        link_preview_options=LinkPreviewOptions(is_disabled=True),
    )
    shown = await sari.last()
    assert shown["text"] == "📍 Toko Sari /help"
    assert shown["entities"] == [
        {"type": "bold", "offset": 3, "length": 9},
        {"type": "bot_command", "offset": 13, "length": 5},
    ]
    assert shown["has_protected_content"] is True
    assert shown["link_preview_options"] == {"is_disabled": True}
    assert [b.text for b in sent.reply_markup.inline_keyboard[0]] == ["Ya", "Tidak"]


async def test_a_reply_quotes_what_it_replies_to(aio: Bot, sari: Phone) -> None:
    asked = await sari.send("halo")
    sent = await aio.send_message(
        SARI, "halo juga", reply_parameters=ReplyParameters(message_id=asked["message_id"])
    )
    assert sent.reply_to_message.text == "halo"


async def test_reply_keyboards_stand_below_the_chat_until_removed(aio: Bot, sari: Phone) -> None:
    row = [KeyboardButton(text="Kirim kontak", request_contact=True), KeyboardButton(text="Batal")]
    await aio.send_message(SARI, "Nomor?", reply_markup=ReplyKeyboardMarkup(keyboard=[row]))
    assert (await sari.keyboard())["keyboard"][0][0]["request_contact"] is True
    await aio.send_message(SARI, "Terima kasih", reply_markup=ReplyKeyboardRemove())
    assert await sari.keyboard() is None
    await aio.send_message(SARI, "Tulis", reply_markup=ForceReply(input_field_placeholder="nama"))
    assert (await sari.keyboard())["force_reply"] is True


async def test_photos_come_in_sizes_and_can_be_downloaded(aio: Bot, sari: Phone) -> None:
    photo = BufferedInputFile(a_jpeg(1600, 1200), "toko.jpg")
    sent = await aio.send_photo(SARI, photo, caption="<i>toko</i>", parse_mode="HTML")
    assert [(p.width, p.height) for p in sent.photo] == [
        (90, 68),
        (320, 240),
        (800, 600),
        (1280, 960),
        (1600, 1200),
    ]
    file = await aio.get_file(sent.photo[0].file_id)
    data = (await aio.download_file(file.file_path)).read()
    assert len(data) == file.file_size
    again = await aio.send_photo(SARI, sent.photo[1].file_id)
    assert again.photo[-1].file_unique_id == sent.photo[-1].file_unique_id


async def test_documents_keep_their_bytes(aio: Bot, sari: Phone) -> None:
    data = bytes(range(256)) * 100
    sent = await aio.send_document(SARI, BufferedInputFile(data, "bukti.dav"))
    assert (sent.document.file_name, sent.document.file_size) == ("bukti.dav", len(data))
    file = await aio.get_file(sent.document.file_id)
    assert (await aio.download_file(file.file_path)).read() == data


async def test_video_location_venue_and_action(aio: Bot, sari: Phone) -> None:
    video = await aio.send_video(SARI, BufferedInputFile(b"not really", "a.mp4"))
    assert video.video.file_size == 10
    place = await aio.send_location(SARI, -6.1456, 106.7989)
    assert place.location.latitude == -6.1456
    venue = await aio.send_venue(SARI, -6.1, 106.8, "Toko Sari", "Jl. Duri Selatan")
    assert (venue.venue.title, venue.location.longitude) == ("Toko Sari", 106.8)
    assert await aio.send_chat_action(SARI, "upload_photo") is True


async def test_an_album_is_several_messages_of_one_group(aio: Bot, sari: Phone) -> None:
    captions = ["tiga foto", None, None]
    media = [
        InputMediaPhoto(media=BufferedInputFile(a_jpeg(), "a.jpg"), caption=caption)
        for caption in captions
    ]
    sent = await aio.send_media_group(SARI, media)
    assert len({message.media_group_id for message in sent}) == 1
    assert [message.caption for message in sent] == captions
    papers = [InputMediaDocument(media=BufferedInputFile(b"%d" % n, "a.txt")) for n in range(2)]
    assert len(await aio.send_media_group(SARI, papers)) == 2


async def test_edits_replace_text_caption_media_and_keyboard(aio: Bot, sari: Phone) -> None:
    sent = await aio.send_message(SARI, "satu", reply_markup=buttons("A"))
    edited = await aio.edit_message_text("dua", chat_id=SARI, message_id=sent.message_id)
    assert (edited.text, edited.reply_markup) == ("dua", None)
    marked = await aio.edit_message_reply_markup(
        chat_id=SARI, message_id=sent.message_id, reply_markup=buttons("B")
    )
    assert marked.reply_markup.inline_keyboard[0][0].text == "B"
    photo = await aio.send_photo(SARI, BufferedInputFile(a_jpeg(), "a.jpg"), caption="lama")
    place = {"chat_id": SARI, "message_id": photo.message_id}
    assert (await aio.edit_message_caption(caption="baru", **place)).caption == "baru"
    media = InputMediaPhoto(media=BufferedInputFile(a_jpeg(200, 100), "b.jpg"), caption="lain")
    swapped = await aio.edit_message_media(media, **place)
    assert (swapped.caption, swapped.photo[-1].width) == ("lain", 200)
    assert [m["message_id"] for m in (await sari.messages())[1:]] == [
        sent.message_id,
        photo.message_id,
    ]


async def test_deleted_messages_are_gone(aio: Bot, sari: Phone) -> None:
    first = await sari.send("rahasia")
    others = [await aio.send_message(SARI, text) for text in ("a", "b")]
    assert await aio.delete_message(SARI, first["message_id"]) is True
    assert await aio.delete_messages(SARI, [m.message_id for m in others]) is True
    assert [m["text"] for m in await sari.messages()] == ["/start"]


async def test_copies_hide_where_they_come_from_and_forwards_tell(aio: Bot, sari: Phone) -> None:
    asked = await sari.send("lihat ini")
    copy = await aio.copy_message(SARI, SARI, asked["message_id"])
    forward = await aio.forward_message(SARI, SARI, asked["message_id"])
    copied, forwarded = (await sari.messages())[-2:]
    assert (copied["message_id"], copied["text"]) == (copy.message_id, "lihat ini")
    assert "forward_origin" not in copied
    # which the bot does not hear, and so is left as it came
    origin = MessageOriginUser.model_validate(forward.forward_origin)
    assert origin.sender_user.first_name == "Sari"
    assert forwarded["text"] == "lihat ini"


async def test_a_tap_is_answered_with_a_toast_or_an_alert(aio: Bot, sari: Phone) -> None:
    await aio.send_message(SARI, "Setuju?", reply_markup=buttons("Ya", "Tidak"))
    (first,) = await sari.tap("Ya")
    assert await aio.answer_callback_query(first, "Tersimpan") is True
    (second,) = await sari.tap("Tidak")
    assert await aio.answer_callback_query(second, "Sayang", show_alert=True) is True
    seen = [(toast["text"], toast["alert"]) for toast in await sari.toasts()]
    assert seen == [("Tersimpan", False), ("Sayang", True)]


async def test_commands_resolve_by_scope_then_language(aio: Bot, sari: Phone) -> None:
    def named(name: str) -> list[BotCommand]:
        return [BotCommand(command=name, description=f"perintah {name}")]

    async def menu() -> list[str]:
        return [item["command"] for item in await sari.menu()]

    await aio.set_my_commands(named("umum"))
    assert await menu() == ["umum"]
    await aio.set_my_commands(named("privat_en"), BotCommandScopeAllPrivateChats(), "en")
    assert await menu() == ["umum"]
    await aio.set_my_commands(named("privat_id"), BotCommandScopeAllPrivateChats(), "id")
    assert await menu() == ["privat_id"]
    scope = BotCommandScopeChat(chat_id=SARI)
    await aio.set_my_commands(named("petugas"), scope)
    assert await menu() == ["petugas"]
    assert [c.command for c in await aio.get_my_commands(scope)] == ["petugas"]
    await aio.delete_my_commands(scope)
    assert await menu() == ["privat_id"]


async def test_the_bot_can_be_named_described_and_given_a_menu_button(
    aio: Bot, sari: Phone
) -> None:
    assert await aio.set_my_name("Tanpa Titik Buta", language_code="id")
    assert await aio.set_my_description("Sukarela.", language_code="id")
    assert await aio.set_my_short_description("Kamera warga", language_code="id")
    assert (await aio.get_my_name("id")).name == "Tanpa Titik Buta"
    assert (await aio.get_my_description("id")).description == "Sukarela."
    assert (await aio.get_my_short_description("id")).short_description == "Kamera warga"
    assert await aio.set_chat_menu_button(SARI, MenuButtonCommands())
    assert (await aio.get_chat_menu_button(SARI)).type == "commands"


async def test_get_chat_tells_who_is_there(aio: Bot, sari: Phone) -> None:
    chat = await aio.get_chat(SARI)
    assert (chat.type, chat.first_name, chat.username) == ("private", "Sari", "sari_sandbox")


async def test_web_app_and_url_buttons_are_accepted(aio: Bot, sari: Phone) -> None:
    row = [
        InlineKeyboardButton(text="Peta", url="https://t.me/NoBlindspotBot?start=peta"),
        InlineKeyboardButton(text="Unggah", web_app=WebAppInfo(url="https://example.org/u")),
    ]
    markup = InlineKeyboardMarkup(inline_keyboard=[row])
    sent = await aio.send_message(SARI, "Buka", reply_markup=markup)
    assert sent.reply_markup.inline_keyboard[0][1].web_app.url == "https://example.org/u"


async def test_webhook_calls_close_and_log_out(aio: Bot) -> None:
    await aio.set_webhook("http://127.0.0.1:9/hook", secret_token="s3cret", max_connections=7)
    info = await aio.get_webhook_info()
    assert (info.url, info.max_connections) == ("http://127.0.0.1:9/hook", 7)
    await aio.delete_webhook(drop_pending_updates=True)
    assert (await aio.get_webhook_info()).url == ""
    assert await aio.close() is True
    assert await aio.log_out() is True


async def test_a_group_is_written_to_like_a_chat(aio: Bot, sandbox: SandboxServer) -> None:
    group = sandbox.world.new_group("Polsek Tambora", [SARI])
    sent = await aio.send_message(group.chat_id, "Selamat pagi")
    assert (sent.chat.type, sent.chat.title) == ("supergroup", "Polsek Tambora")
    phone = Phone(sandbox.api_url, SARI)
    await phone.send("pagi", chat_id=group.chat_id)
    update = (await aio.get_updates())[-1]
    assert (update.message.chat.id, update.message.text) == (group.chat_id, "pagi")


async def test_json_and_urlencoded_bodies_do_as_well(sandbox: SandboxServer, sari: Phone) -> None:
    url = f"{sandbox.api_url}/bot{TOKEN}/SENDMESSAGE"
    markup = '{"inline_keyboard":[[{"text":"A","callback_data":"a"}]]}'
    async with aiohttp.ClientSession() as session:
        async with session.post(url, json={"chat_id": SARI, "text": "json"}) as answer:
            assert (await answer.json())["result"]["text"] == "json"
        body = {"chat_id": SARI, "text": "form", "reply_markup": markup}
        async with session.post(url, data=body) as answer:
            assert "reply_markup" in (await answer.json())["result"]
        async with session.get(url, params={"chat_id": SARI, "text": "get"}) as answer:
            assert (await answer.json())["ok"] is True
