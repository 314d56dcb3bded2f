"""What an investigator, an owner and a supervisor can do with a request beside the plain way."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from nobs_bot.footage.request import Ask, Clip
from nobs_bot.footage.retention import erase_due
from tests.conversations.enrolling import photo
from tests.conversations.standing import approved_camera
from tests.conversations.test_requests import ask, sent
from tests.installation import Installation
from tests.phone import Phone, labels_of


async def test_save_first_then_send(here: Installation) -> None:
    await approved_camera(here)
    rahmat, sari = here.phone("Rahmat"), here.phone("Sari")
    await rahmat.start()
    await ask(rahmat)
    await rahmat.tap("Minta simpan dulu")
    await rahmat.expect("diminta menyimpan")
    asked = await sari.expect("cukup simpan")
    assert not any("Saya punya" in label for label in labels_of(asked))
    await sari.tap("Sudah saya simpan")
    await sari.expect("jangan dihapus dulu")
    await rahmat.expect("sudah menyimpan rekamannya")
    await rahmat.tap("Lihat permintaan")
    await rahmat.expect("baru diminta menyimpan")
    await rahmat.tap("Minta rekamannya")
    await rahmat.expect_toast("1 kamera lagi ditanya")
    await sari.expect("Menjawab bersifat sukarela")
    await sari.tap("Saya punya")
    await sari.expect("sebagai berkas")


async def test_an_emergency_that_was_none(here: Installation) -> None:
    await approved_camera(here)
    rahmat, sari, kartika = here.phone("Rahmat"), here.phone("Sari"), here.phone("Kartika")
    await kartika.start()
    await rahmat.start()
    await ask(rahmat, radius="1 km")
    await rahmat.tap("Darurat")
    await rahmat.expect("Mengapa tidak bisa menunggu")
    await rahmat.send("cepat")
    await rahmat.expect("Tulis alasannya dengan 10 sampai 300")
    await rahmat.send("Anak hilang, terakhir terlihat di gang ini")
    await rahmat.expect("Atasan memeriksanya dalam 24 jam")
    await sari.expect("Ini permintaan darurat")
    await kartika.expect("Anak hilang")
    await kartika.tap("Tidak perlu")
    await kartika.expect("mengapa tidak dibenarkan")
    await kartika.send("Bukan keadaan darurat")
    await kartika.expect("semua pemilik sudah diberi tahu")
    await sari.expect("ternyata tidak perlu")
    await rahmat.expect("tidak membenarkan")
    await sari.send("/riwayat")
    assert "memeriksa permintaan darurat R-1001" in (await sari.expect("Siapa melihat"))["text"]


async def test_protests_are_no_purpose(here: Installation) -> None:
    await approved_camera(here)
    rahmat = here.phone("Rahmat")
    await rahmat.start()
    await rahmat.send("/minta")
    await rahmat.expect("Di mana kejadiannya")
    await rahmat.send("-6.15345, 106.79815")
    await rahmat.expect("Dalam jarak berapa")
    await rahmat.tap("100 m")
    await rahmat.expect("Kapan kejadiannya")
    await rahmat.send("kemarin 21.30–22.15\n14/11 20.00–21.00")
    await rahmat.expect("Nomor perkaranya")
    await rahmat.send("LP/B/1042/XI/2026/SPKT")
    await rahmat.expect("Untuk perkara apa")
    await rahmat.tap("Unjuk rasa")
    await rahmat.expect_toast("tidak boleh diminta")


async def test_a_whole_kelurahan_with_pictures_goes_to_a_supervisor(here: Installation) -> None:
    await approved_camera(here)
    rahmat, kartika = here.phone("Rahmat"), here.phone("Kartika")
    await kartika.start()
    await rahmat.start()
    await rahmat.send("/minta")
    await rahmat.expect("Di mana kejadiannya")
    await rahmat.send("jembatan besi")
    await rahmat.expect("Kapan kejadiannya")
    await rahmat.tap("Kembali")
    await rahmat.expect("Di mana kejadiannya")
    await rahmat.send("Jembatan Besi")
    await rahmat.expect("Kapan kejadiannya")
    await rahmat.send("kemarin 21.30–22.15")
    await rahmat.expect("Nomor perkaranya")
    await rahmat.send("LP/B/1042/XI/2026/SPKT")
    await rahmat.expect("Untuk perkara apa")
    await rahmat.tap("tawuran")
    await rahmat.expect("Apa yang dicari")
    await rahmat.sticker()
    await rahmat.expect("teks")
    await rahmat.album([photo(1), photo(2), photo(3)])
    await rahmat.expect("3 dari 3 gambar")
    await rahmat.photo(photo(4))
    await rahmat.expect("Paling banyak 3 gambar")
    await rahmat.tap("Lanjut")
    preview = await rahmat.expect("Seluruh wilayah")
    assert "seluruh wilayah diminta" in preview["caption"]
    await rahmat.tap("Minta persetujuan atasan")
    await rahmat.expect("menunggu persetujuan atasan")
    await kartika.expect("seluruh wilayah diminta")
    await kartika.tap("Setujui")
    await kartika.expect("mengapa disetujui")
    await kartika.send("tawuran besar")
    await kartika.expect("dikirim kepada para pemilik")
    sari = here.phone("Sari")
    await sari.expect("Jembatan Besi, Tambora")
    assert sum("photo" in each and each["from"]["is_bot"] for each in await sari.messages()) >= 3


async def _has_it(here: Installation) -> tuple[Phone, Phone]:
    rahmat, sari = await sent(here), here.phone("Sari")
    await sari.expect("meminta bantuan Anda")
    await sari.tap("Saya punya")
    await sari.expect("sebagai berkas")
    return rahmat, sari


async def test_the_recorders_clock_is_read_from_a_photo(here: Installation) -> None:
    rahmat, sari = await _has_it(here)
    await sari.tap("Cocokkan jam perekam")
    await sari.expect("Lihat jam yang tampil")
    await sari.voice()
    await sari.expect("Ketik jam yang tampil")
    taken = await sari.photo(photo(9))
    await sari.expect("Jam berapa yang terlihat di foto")
    await sari.send("entah")
    await sari.expect("Ketik jam yang tampil")
    zone = here.foundation.settings.zone
    from datetime import UTC, datetime

    shown = datetime.fromtimestamp(taken["date"], UTC).astimezone(zone) + timedelta(minutes=7)
    await sari.send(f"{shown:%H.%M.%S}")
    await sari.expect("lebih cepat 7 menit")
    await sari.expect("sebagai berkas")
    await sari.send("Motor itu lewat dua kali")
    await sari.expect("Catatan Anda disimpan")
    await sari.document(b"\0\0\0\x18ftypmp42" + bytes(500), "kamera.mp4")
    await sari.expect("SHA-256", timeout_s=20)
    async with here.foundation.office.look() as work:
        [one] = (await work.session.execute(select(Ask))).scalars()
        assert one.clock_error_s == 420
        clips = (await work.session.execute(select(Clip).order_by(Clip.id))).scalars().all()
        assert [clip.clock_error_s for clip in clips] == [None, 420]
    await rahmat.tap("Lihat permintaan")
    page = await rahmat.expect("Motor itu lewat dua kali")
    assert "lebih cepat 7 menit" in page["text"]


async def test_not_my_camera(here: Installation) -> None:
    rahmat, sari = await sent(here), here.phone("Sari")
    await sari.expect("meminta bantuan Anda")
    await sari.tap("Bukan kamera saya")
    await sari.expect("kami periksa lagi datanya")
    await rahmat.expect("bukan kameranya")


async def test_the_next_ring(here: Installation) -> None:
    rahmat = await sent(here)
    await rahmat.tap("Lihat permintaan")
    await rahmat.expect("belum menjawab")
    await rahmat.tap("Tanya kamera berikutnya")
    await rahmat.expect_toast("tidak ada kamera lain")


async def test_a_hold_and_the_end_of_a_case(here: Installation) -> None:
    rahmat, sari = await _has_it(here)
    kartika = here.phone("Kartika")
    await kartika.start()
    await kartika.expect("Selamat datang")
    await sari.document(b"footage" * 99, "kamera.dav")
    await sari.expect("SHA-256", timeout_s=20)
    await rahmat.expect("sudah diterima", timeout_s=40)
    await rahmat.tap("Lihat permintaan")
    await rahmat.expect("punya rekaman")
    await rahmat.tap("Selesai, beri tahu")
    await rahmat.expect("apa hasilnya")
    await rahmat.tap("Diteruskan")
    await rahmat.expect("ditutup")
    await sari.expect("diteruskan ke penyidik lain")
    await rahmat.send("/permintaan")
    await rahmat.expect("Permintaan rekaman")
    await rahmat.tap("R-1001")
    await rahmat.expect("selesai")
    await rahmat.tap("Perkara selesai")
    await rahmat.expect("Rekaman dihapus")
    await kartika.send("/permintaan")
    await kartika.expect("Permintaan rekaman")
    await kartika.tap("R-1001")
    await kartika.expect("Rekaman dihapus")
    await kartika.tap("Tahan, jangan dihapus")
    await kartika.expect("mengapa rekamannya perlu ditahan")
    await kartika.send("praperadilan")
    await kartika.expect("R-1001 ditahan")
    async with here.foundation.office.work() as work:
        assert await erase_due(work) == 0
    await kartika.send("/permintaan")
    await kartika.tap("R-1001")
    await kartika.expect("Rekaman ditahan")
    await kartika.tap("Akhiri penahanan")
    await kartika.expect("diakhiri")


async def test_nobody_without_a_role_lists_requests(here: Installation) -> None:
    for name in ("Citra", "Dewi", "Sari"):
        phone = here.phone(name)
        await phone.start()
        await phone.expect("Selamat datang")
        await phone.send("/permintaan")
        await phone.expect("hanya untuk petugas")
