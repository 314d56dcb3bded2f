"""What children are told to do in the tests."""

from __future__ import annotations

from pathlib import Path

from nobs_bot.streams.forkserver import Channel


def echo(channel: Channel, *, word: str) -> None:
    channel.send({"word": word}, b"\x00\x01")


def spin(channel: Channel) -> None:
    while True:
        pass


def eat_memory(channel: Channel) -> None:
    held = [bytearray(1024**3) for _ in range(4)]
    channel.send({"held": len(held)})


def write_a_file(channel: Channel) -> None:
    path = Path(f"/dev/shm/{id(channel)}.never")
    try:
        path.write_bytes(b"x")
        channel.send({"written": True})
    finally:
        path.unlink()


def fail(channel: Channel) -> None:
    raise RuntimeError
