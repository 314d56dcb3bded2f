"""The order of the questions, and going forth and back in it."""

from __future__ import annotations

from nobs_bot.cameras.enrolment import draft_of, missing
from nobs_bot.cameras.record import Camera, State, camera_of
from nobs_bot.cameras.recording import recording_of
from nobs_bot.errors import Refusal
from nobs_bot.people.persons import Person, person

from ..desk import Desk
from ..states import Enrol
from . import handover, screens

# what is asked together and edited together
GROUPS: dict[str, tuple[Enrol, ...]] = {
    "place": (Enrol.PLACE,),
    "name": (Enrol.NAME,),
    "phone": (Enrol.PHONE,),
    "location": (Enrol.LOCATION, Enrol.PIN),
    "photos": (Enrol.PHOTOS,),
    "view": (Enrol.HEADING, Enrol.WIDTH, Enrol.RANGE, Enrol.INDOORS, Enrol.VIEW),
    "retention": (Enrol.RETENTION,),
    "sharing": (Enrol.SHARING,),
    "stream": (Enrol.STREAM,),
}
_ORDER = [step for steps in GROUPS.values() for step in steps] + [Enrol.SUMMARY]
# what shows the answer just given
_CONFIRMING = {Enrol.PIN, Enrol.VIEW}
# what an officer writes down on foot; the owner fills in the rest
_ON_FOOT = [
    Enrol.PLACE,
    Enrol.LOCATION,
    Enrol.PIN,
    Enrol.PHOTOS,
    Enrol.HEADING,
    Enrol.WIDTH,
    Enrol.NAME,
    Enrol.PHONE,
    Enrol.HANDOVER,
]
# where `enrolment.missing` names a single question of a group
GROUP_OF_FIELD = {
    **{group: group for group in GROUPS},
    **{step.value.split(".")[1]: group for group, steps in GROUPS.items() for step in steps},
}


async def camera_at_hand(desk: Desk) -> Camera:
    """
    The camera that the dialogue is about.

    Raises:
        Refusal: there is none any more.
    """
    camera_id = desk.memory.get("camera")
    if screens.is_on_foot(desk):
        return await recording_of(desk.work, int(camera_id or 0), desk.who)
    if camera_id is None:
        draft = await draft_of(desk.work, desk.who)
        if draft is None:
            raise Refusal("enrol.no_draft")
        desk.memory["camera"] = camera_id = draft.id
    try:
        return await camera_of(desk.work, int(camera_id), desk.who.id)
    except Refusal:
        # erased after its days of silence, or withdrawn in another message
        raise Refusal("enrol.no_draft") from None


async def owner_at_hand(desk: Desk, camera: Camera) -> Person:
    """Whose camera it is: the person in front of us, or who stands for the owner."""
    return await person(desk.work, camera.owner_id) if screens.is_on_foot(desk) else desk.who


async def ask(desk: Desk, camera: Camera, step: Enrol) -> None:
    """Open a question and show it."""
    if step is Enrol.HANDOVER:
        await handover.hand(desk, camera)
        return
    desk.dialogue.go(step.value, camera=camera.id)
    desk.reply.show(await screens.screen(desk, camera, step))


async def forth(desk: Desk, camera: Camera, answered: Enrol) -> None:
    """On to the question after the one that was answered; of what was recorded to the next gap."""
    following = _after(desk, camera, answered)
    was_recorded = camera.state is State.DRAFT and camera.recorded_at is not None
    if was_recorded and not desk.memory.get("editing") and following not in _CONFIRMING:
        await resume(desk, camera)
    else:
        await ask(desk, camera, following)


async def back(desk: Desk, camera: Camera, here: Enrol) -> None:
    """Back to the question before; at the first one there is none."""
    await ask(desk, camera, _before(desk, camera, here))


async def edit(desk: Desk, camera: Camera, group: str) -> None:
    """Ask one group of questions anew and come back to the summary."""
    if group not in GROUPS:
        raise Refusal("buttons.stale")
    desk.memory["editing"] = group
    await ask(desk, camera, GROUPS[group][0])


async def resume(desk: Desk, camera: Camera) -> None:
    """On with an enrolment where its first gap is."""
    desk.memory.pop("editing", None)
    gap = await missing(desk.work, camera)
    if gap is None:
        await ask(desk, camera, Enrol.SUMMARY)
        return
    if camera.state is not State.DRAFT:
        desk.memory["editing"] = GROUP_OF_FIELD[gap]
    await ask(desk, camera, Enrol(f"enrol.{gap}"))


def is_first(desk: Desk, step: Enrol) -> bool:
    """Whether there is nothing to go back to."""
    return step is _ORDER[0] and not desk.memory.get("editing")


def _after(desk: Desk, camera: Camera, step: Enrol) -> Enrol:
    steps = _path(desk, camera)
    return steps[min(steps.index(step) + 1, len(steps) - 1)] if step in steps else Enrol.SUMMARY


def _before(desk: Desk, camera: Camera, step: Enrol) -> Enrol:
    steps = _path(desk, camera)
    at = steps.index(step) if step in steps else 0
    if at == 0:
        return Enrol.SUMMARY if desk.memory.get("editing") else step
    return steps[at - 1]


def _path(desk: Desk, camera: Camera) -> list[Enrol]:
    """The questions of this dialogue: one group and the summary, or all that apply."""
    if screens.is_on_foot(desk):
        return _ON_FOOT
    editing = desk.memory.get("editing")
    if editing in GROUPS:
        return [*GROUPS[editing], Enrol.SUMMARY]
    return [step for step in _ORDER if step is not Enrol.STREAM or camera.needs_stream]
