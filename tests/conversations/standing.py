"""Cameras that stand already, made by the use cases themselves, for tests of what comes after."""

from __future__ import annotations

from nobs_bot.cameras import enrolment
from nobs_bot.cameras.photos import add_photo
from nobs_bot.cameras.record import Camera, PlaceKind, Width
from nobs_bot.cameras.review import approve
from nobs_bot.people.consent import give_consent
from nobs_bot.people.persons import Person, meet, person_of
from nobs_bot.sandbox import the_cast
from nobs_bot.storage.work import Work
from tests.conversations.enrolling import SHOP, photo
from tests.installation import Installation


async def whole_draft(
    here: Installation, owner: str, at: tuple[float, float] = SHOP, heading_deg: float = 135
) -> int:
    """A draft of *owner*'s with every field filled in; its id. The owner has started the bot."""
    phone = here.phone(owner)
    await phone.start()
    await phone.expect("Selamat datang")
    sent = await phone.photo(photo(7))
    async with here.foundation.office.work() as work:
        who = await the_person(work, owner)
        await give_consent(work, who)
        camera = await enrolment.begin(work, who)
        enrolment.set_place_kind(work, camera, PlaceKind.SHOP)
        enrolment.set_contact_name(work, camera, who, f"Ibu {owner}")
        enrolment.set_contact_phone(work, camera, who, "081255501234", verified=False)
        enrolment.set_location(work, camera, here.foundation.areas, *at)
        await add_photo(work, camera, sent["photo"][-1]["file_id"], f"unique-{owner}")
        enrolment.set_heading(work, camera, heading_deg)
        enrolment.set_width(work, camera, Width.NORMAL)
        enrolment.set_range(work, camera, 40)
        enrolment.set_indoors(work, camera, False)
        enrolment.set_retention(work, camera, 14)
        camera.sharing_chosen = True
        return camera.id


async def waiting_camera(
    here: Installation, owner: str = "Sari", at: tuple[float, float] = SHOP, **more: float
) -> int:
    """A camera of *owner*'s in the queue; its id."""
    camera_id = await whole_draft(here, owner, at, **more)
    async with here.foundation.office.work() as work:
        camera = await work.session.get(Camera, camera_id)
        assert camera is not None
        await enrolment.submit(work, camera, await the_person(work, owner))
    return camera_id


async def approved_camera(
    here: Installation, owner: str = "Sari", at: tuple[float, float] = SHOP, **more: float
) -> int:
    """A camera of *owner*'s that takes part; its id."""
    camera_id = await waiting_camera(here, owner, at, **more)
    async with here.foundation.office.work() as work:
        dewi, camera = await the_person(work, "Dewi"), await work.session.get(Camera, camera_id)
        assert camera is not None
        camera.review_by = dewi.id  # not taken out of the queue, where others may wait longer
        await approve(work, camera_id, dewi)
    await here.phone(owner).expect("sudah disetujui")
    return camera_id


async def the_person(work: Work, name: str) -> Person:
    """The person behind one of the cast, met now if need be."""
    member = next(each for each in the_cast() if each.name == name)
    who = await person_of(work, member.person_id)
    if who is None:
        who = meet(work, member.person_id, None)
        await work.session.flush()
    return who


async def camera(here: Installation, camera_id: int) -> Camera:
    """The camera as it is in the database now."""
    async with here.foundation.office.look() as work:
        found = await work.session.get(Camera, camera_id)
        assert found is not None
        return found
