"""Which column of a list means what."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Column(StrEnum):
    """What we take from a list."""

    ID = "id"
    LAT = "lat"
    LON = "lon"
    PLACE = "place"
    NAME = "name"
    PHONE = "phone"
    ADDRESS = "address"
    KIND = "kind"
    HEADING = "heading"
    WIDTH = "width"
    RANGE = "range"
    RETENTION = "retention"


_NAMES: dict[Column, str] = {
    Column.ID: "id no nomor number kode code no.urut nomor.cctv no.cctv id.cctv camera.id",
    Column.LAT: "lat latitude lintang garis.lintang y koordinat.y titik.y ls latitude.ls",
    Column.LON: "lon lng long longitude bujur garis.bujur x koordinat.x titik.x bt longitude.bt",
    Column.PLACE: "koordinat titik.koordinat coordinates coordinate lat.lon lat.long latlong"
    " latitude.longitude lokasi location titik.lokasi maps google.maps link.maps gps",
    Column.NAME: "nama nama.pemilik pemilik pemilik.cctv nama.pemilik.cctv owner owner.name name"
    " penanggung.jawab pic nama.pic contact.name kontak.person",
    Column.PHONE: "telepon telp no.telp nomor.telepon no.telepon hp no.hp nomor.hp nomor.hp.pemilik"
    " phone phone.number mobile whatsapp wa no.wa kontak contact handphone no.handphone",
    Column.ADDRESS: "alamat alamat.lengkap alamat.cctv address street jalan",
    Column.KIND: "jenis jenis.tempat kategori type category kind tempat jenis.lokasi",
    Column.HEADING: "arah arah.hadap arah.kamera hadap heading direction facing azimuth azimut",
    Column.WIDTH: "lebar lebar.pandang sudut sudut.pandang width fov angle",
    Column.RANGE: "jangkauan jarak jarak.pandang range range.m distance",
    Column.RETENTION: "lama.simpan simpan penyimpanan retensi retention retention.days hari"
    " lama.rekaman lama.penyimpanan",
}
# what lists hold of streams is left out: nobody has consented to it
_STREAM = {
    "rtsp",
    "url",
    "link",
    "stream",
    "ip",
    "ip.address",
    "alamat.ip",
    "username",
    "user",
    "password",
    "sandi",
}


def plain(name: str) -> str:
    """A column's name without case, units and punctuation: "No. HP (WA)" is "no.hp"."""
    return ".".join(re.findall(r"[a-z0-9]+", re.sub(r"\(.*?\)", " ", name.casefold())))


_OF_NAME = {name: column for column, names in _NAMES.items() for name in names.split()}


@dataclass(frozen=True)
class Columns:
    """
    What was made of a header.

    Args:
        at: Where each column stands.
        secret: Columns about streams, which are left out.
        unused: Columns of which we make nothing.
    """

    at: dict[Column, int]
    secret: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)

    @property
    def have_a_place(self) -> bool:
        """Whether rows can be put on the map."""
        return Column.PLACE in self.at or {Column.LAT, Column.LON} <= set(self.at)


def match(header: Sequence[str], told: dict[Column, str] | None = None) -> Columns:
    """
    Find the columns by their names in Indonesian and English; of two that mean the same the first.

    Args:
        told: Column by column what the operator said, by its name in the header.

    Raises:
        KeyError: the operator named a column that is not in the header.
    """
    at: dict[Column, int] = {}
    for column, name in (told or {}).items():
        wanted = [place for place, each in enumerate(header) if plain(each) == plain(name)]
        if not wanted:
            raise KeyError(name)
        at[column] = wanted[0]
    found = Columns(at)
    for place, name in enumerate(header):
        known = _OF_NAME.get(plain(name))
        if place in at.values():
            continue
        if plain(name) in _STREAM:
            found.secret.append(name)
        elif known is None or known in at:
            found.unused.append(name)
        else:
            at[known] = place
    return found
