"""
`python -m tests.fuzz NAME --seconds N`: fuzz one target, or `all` of them in turn.

With atheris, where it is installed (`pip install atheris`; it has wheels for Linux on x86_64),
guided by what the input reaches; without it, by changing what is kept at random. What
breaks a target is written into tests/fuzz/corpus/NAME and run with the tests from then on.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import time
from pathlib import Path

from tests.fuzz.seeds import SEEDS
from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"
_WORDS = [b"\0", b"\n", b"\r\n", b"://", b"@", b":", b'"', b"%", b"\xff", b"9" * 5000, b"\xc2\xb2"]


def main() -> int:
    """Fuzz; 1 where something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("name", choices=[*TARGETS, "all"])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=None)
    given = parser.parse_args()
    if given.name == "all":
        each = [sys.executable, "-m", "tests.fuzz"]
        tail = ["--seconds", str(given.seconds)]
        return max(subprocess.call([*each, name, *tail]) for name in TARGETS)
    try:
        import atheris  # noqa: F401
    except ImportError:
        return _change_what_is_kept(given.name, given.seconds, given.seed)
    return _guided(given.name, given.seconds)


def kept(name: str) -> list[bytes]:
    """Seeds and found cases."""
    return SEEDS[name] + [path.read_bytes() for path in sorted((CORPUS / name).glob("*"))]


def _change_what_is_kept(name: str, seconds: int, seed: int | None) -> int:
    chance, end, runs = random.Random(seed), time.monotonic() + seconds, 0
    begun = kept(name)
    while time.monotonic() < end:
        data = bytearray(chance.choice(begun))
        for _ in range(chance.randint(1, 8)):
            _change(data, chance, begun)
        runs += 1
        try:
            TARGETS[name](bytes(data))
        except Exception as exc:
            path = _keep(name, bytes(data))
            print(f"{name}: {type(exc).__name__}: {str(exc)[:200]} -> {path}")  # noqa: T201
            return 1
    print(f"{name}: {runs:,} inputs in {seconds} s, nothing found")  # noqa: T201
    return 0


def _change(data: bytearray, chance: random.Random, begun: list[bytes]) -> None:
    at = chance.randint(0, len(data))
    to = min(len(data), at + chance.randint(0, 8))
    match chance.randint(0, 5):
        case 0:
            data[at:to] = b""
        case 1:
            data[at:at] = chance.choice(_WORDS)
        case 2:
            data[at:to] = chance.randbytes(chance.randint(1, 4))
        case 3:
            data[at:at] = data[at:to] * chance.randint(1, 50)
        case 4:
            other = chance.choice(begun)
            data[at:to] = other[chance.randint(0, len(other)) :][:20]
        case _:
            data[at:to] = str(chance.choice([0, 1, 13, 32, 61, 99, 2**31, 2**64])).encode()


def _keep(name: str, data: bytes) -> Path:
    import hashlib

    folder = CORPUS / name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / hashlib.sha256(data).hexdigest()[:12]
    path.write_bytes(data)
    return path


def _guided(name: str, seconds: int) -> int:
    """In a process of its own: atheris instruments what is imported after it."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for at, data in enumerate(kept(name)):
            Path(folder, f"seed-{at}").write_bytes(data)
        script = (
            "import atheris, sys\n"
            "with atheris.instrument_imports(include=['nobs_bot']):\n"
            "    from tests.fuzz.targets import TARGETS\n"
            f"atheris.Setup(sys.argv, TARGETS[{name!r}])\natheris.Fuzz()\n"
        )
        found = CORPUS / name
        found.mkdir(parents=True, exist_ok=True)
        limits = [f"-max_total_time={seconds}", "-max_len=8192", f"-artifact_prefix={found}/"]
        command = [sys.executable, "-c", script, folder, *limits, "-verbosity=0"]
        return min(1, subprocess.call(command))


if __name__ == "__main__":
    sys.exit(main())
