"""Every method as python-telegram-bot calls it, unchanged."""

from __future__ import annotations

from telegram import (
    BotCommand,
    BotCommandScopeChat,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    KeyboardButton,
    MenuButtonCommands,
    ReplyKeyboardMarkup,
)
from telegram.ext import ExtBot

from tests.phone import Phone
from tests.sandbox.conftest import SARI, a_jpeg


def one_button(label: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[InlineKeyboardButton(label, callback_data=label)]])


async def test_get_me_tells_who_the_bot_is(ptb: ExtBot) -> None:
    assert (await ptb.get_me()).username == ptb.username == "NoBlindspotBot"


async def test_messages_files_and_places_arrive(ptb: ExtBot, sari: Phone) -> None:
    text = await ptb.send_message(SARI, "<b>halo</b>", parse_mode="HTML", protect_content=True)
    assert (text.text, text.entities[0].type) == ("halo", "bold")
    photo = await ptb.send_photo(SARI, a_jpeg(), caption="foto")
    document = await ptb.send_document(SARI, b"isi berkas", filename="bukti.txt")
    video = await ptb.send_video(SARI, b"bukan video", filename="a.mp4")
    location = await ptb.send_location(SARI, -6.1456, 106.7989)
    venue = await ptb.send_venue(SARI, -6.1, 106.8, "Toko", "Jl. Duri")
    album = await ptb.send_media_group(SARI, [InputMediaPhoto(a_jpeg()) for _ in range(2)])
    await ptb.send_chat_action(SARI, "typing")
    file = await ptb.get_file(document.document.file_id)
    assert bytes(await file.download_as_bytearray()) == b"isi berkas"
    assert photo.photo[-1].width == 640
    assert video.video.file_name == "a.mp4"
    assert location.location.longitude == 106.7989
    assert venue.venue.address == "Jl. Duri"
    assert len({message.media_group_id for message in album}) == 1
    assert len(await sari.messages()) == 9


async def test_edits_deletions_copies_and_forwards(ptb: ExtBot, sari: Phone) -> None:
    sent = await ptb.send_message(SARI, "satu", reply_markup=one_button("A"))
    edited = await ptb.edit_message_text("dua", SARI, sent.message_id)
    assert edited.text == "dua"
    await ptb.edit_message_reply_markup(SARI, sent.message_id, reply_markup=one_button("B"))
    photo = await ptb.send_photo(SARI, a_jpeg(), caption="lama")
    captioned = await ptb.edit_message_caption(SARI, photo.message_id, caption="baru")
    assert captioned.caption == "baru"
    media = InputMediaPhoto(a_jpeg(100, 100))
    assert (await ptb.edit_message_media(media, SARI, photo.message_id)).photo[-1].width == 100
    copy = await ptb.copy_message(SARI, SARI, sent.message_id)
    forward = await ptb.forward_message(SARI, SARI, sent.message_id)
    assert forward.forward_origin.sender_user.is_bot
    assert await ptb.delete_message(SARI, copy.message_id)
    assert await ptb.delete_messages(SARI, [forward.message_id, photo.message_id])
    assert [m["text"] for m in await sari.messages()] == ["/start", "dua"]


async def test_taps_keyboards_and_answers(ptb: ExtBot, sari: Phone) -> None:
    row = [KeyboardButton("Lokasi", request_location=True)]
    await ptb.send_message(SARI, "Di mana?", reply_markup=ReplyKeyboardMarkup([row]))
    assert (await sari.press("Lokasi"))["location"]["longitude"] > 100
    await ptb.send_message(SARI, "Setuju?", reply_markup=one_button("Ya"))
    (query_id,) = await sari.tap("Ya")
    assert await ptb.answer_callback_query(query_id, "Baik")
    assert (await sari.toasts())[-1]["text"] == "Baik"


async def test_profile_commands_and_webhook(ptb: ExtBot, sari: Phone) -> None:
    scope = BotCommandScopeChat(SARI)
    await ptb.set_my_commands([BotCommand("kamera", "Kamera saya")], scope, "id")
    assert (await ptb.get_my_commands(scope, "id"))[0].command == "kamera"
    assert (await sari.menu())[0]["description"] == "Kamera saya"
    await ptb.delete_my_commands(scope, "id")
    await ptb.set_chat_menu_button(SARI, MenuButtonCommands())
    await ptb.set_my_name("Nama")
    await ptb.set_my_description("Uraian")
    await ptb.set_my_short_description("Pendek")
    assert (await ptb.get_my_short_description()).short_description == "Pendek"
    assert (await ptb.get_chat(SARI)).first_name == "Sari"
    await ptb.set_webhook(
        "http://127.0.0.1:9/", secret_token="rahasia", allowed_updates=["message"]
    )
    assert (await ptb.get_webhook_info()).allowed_updates == ("message",)
    await ptb.delete_webhook()
    assert await ptb.close()
    assert await ptb.log_out()
