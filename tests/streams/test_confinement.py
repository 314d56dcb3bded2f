"""Confinement: what a child that was taken over by a picture cannot do."""

from __future__ import annotations

import ast
import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from nobs_bot.streams import seccomp
from nobs_bot.streams.children import Children
from nobs_bot.streams.confinement import Layer, _own_paths
from nobs_bot.streams.syscalls import ARCHITECTURES, REFUSED, SYSCALLS

ROOT = Path(__file__).parents[2]
# what an ordinary user may not do on some machines, confined or not
NOT_EVERYWHERE = {
    "connect by IPv6",
    "connect by MPTCP",
    "connect by Fast Open",
    "trace another",
    "read another's memory",
    "leave the namespace",
    "set up a ring",
    "take a key ring",
}
# what this machine's kernel holds; the layers are tried one by one in processes of their own
HELD = json.loads(
    subprocess.run(
        [
            sys.executable,
            "-c",
            "import json; from nobs_bot.streams.confinement import held_here; "
            "print(json.dumps(held_here()))",
        ],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
)
holds_all = pytest.mark.skipif(
    set(HELD) != set(Layer), reason=f"this kernel holds {HELD or 'nothing'} alone"
)


@dataclass
class Canary:
    """A server on loopback that nobody may touch."""

    port: int = 0
    touched: list[bytes] = field(default_factory=list)

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.touched.append(await reader.read(100))
        writer.close()


@pytest.fixture
async def canary() -> AsyncIterator[Canary]:
    made = Canary()
    server = await asyncio.start_server(made.take, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()


@pytest.fixture
def victim() -> Iterator[int]:
    """Another process of the same user."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process.pid
        process.kill()


@pytest.fixture
async def children() -> AsyncIterator[Children]:
    made = Children()
    yield made
    await made.close()


async def heard(children: Children, task: str, **order: Any) -> list[dict[str, Any]]:
    child = await children.fork()
    about = {"task": f"tests.streams.{task}", "deadline_s": 20, "arguments": {}}
    await child.give(about | order)
    said = [message async for message, _ in child.messages()]
    await child.end()
    assert said.pop(0) == {"alive": True}
    return said


@pytest.fixture
def about(canary: Canary, victim: int, tmp_path: Path) -> dict[str, Any]:
    secret = tmp_path / "keys"
    secret.write_text("rahasia")
    return {
        "canary": canary.port,
        "secret": str(secret),
        "folder": str(tmp_path),
        "victim": victim,
    }


@holds_all
@pytest.mark.parametrize("has_relay", [True, False])
async def test_a_child_that_was_taken_over_gets_nowhere(
    children: Children, canary: Canary, about: dict[str, Any], has_relay: bool
) -> None:
    port = canary.port + 1 if has_relay else None
    said = await heard(children, "attempts:try_all", arguments=about, port=port)
    assert said[0] == {"can_work": True}
    assert [name for name, came in said[1]["came_through"].items() if came] == []
    assert canary.touched == []
    assert Path(about["secret"]).read_text() == "rahasia"
    assert [each.name for each in Path(about["folder"]).iterdir()] == ["keys"]


async def test_the_same_attempts_come_through_where_nothing_holds(
    canary: Canary, about: dict[str, Any]
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.streams.attempts", json.dumps(about),
        cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate()
    came_through = json.loads(out)
    assert {name for name, came in came_through.items() if not came} <= NOT_EVERYWHERE
    assert canary.touched


@holds_all
async def test_only_the_port_of_its_order_is_called(children: Children, canary: Canary) -> None:
    arguments = {"port": canary.port}
    for port, connected in ((canary.port, True), (canary.port + 1, False), (None, False)):
        said = await heard(children, "attempts:call", arguments=arguments, port=port)
        assert said == [{"connected": connected}]
    assert len(canary.touched) == 1


@pytest.mark.skipif(Layer.CALLS not in HELD, reason="no seccomp")
async def test_system_calls_alone_hold_the_most(
    children: Children, canary: Canary, about: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # a kernel before 5.13 has no Landlock: what is read, and which port, is not held there
    program = ["-c", _ONLY.format(layers=[str(Layer.CALLS)])]
    monkeypatch.setattr("nobs_bot.streams.children._PROGRAM", program)
    said = await heard(children, "attempts:try_all", arguments=about, port=canary.port + 1)
    came = {name for name, came in said[1]["came_through"].items() if came}
    assert came <= {
        "connect to another port",
        "connect by IPv6",
        "read the secret",
        "read the users",
        "read another's environment",
        "list the folder",
    }
    assert children.missing == (Layer.FILES, Layer.PORTS)


_ONLY = """
from nobs_bot.streams import forkserver
from nobs_bot.streams.confinement import Layer
forkserver.held_here = lambda: [Layer(each) for each in {layers}]
forkserver.main()
"""


async def test_what_the_kernel_lacks_is_logged_once(
    children: Children, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("nobs_bot.streams.children._PROGRAM", ["-c", _ONLY.format(layers=[])])
    with caplog.at_level(logging.WARNING):
        assert await heard(children, "tasks:echo", arguments={"word": "halo"}) == [{"word": "halo"}]
        await children.close()
        assert await heard(children, "tasks:echo", arguments={"word": "halo"}) == [{"word": "halo"}]
    assert children.missing == tuple(Layer)
    told = [each for each in caplog.messages if "cannot keep" in each]
    assert told == ["this kernel cannot keep a child from: system calls, files, ports"]


async def test_a_layer_that_was_promised_and_fails_ends_the_child(
    children: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = _ONLY.format(layers=[str(Layer.CALLS)]).replace(
        "forkserver.main()",
        "from nobs_bot.streams import seccomp\n"
        "def fail(**_): raise OSError\n"
        "seccomp.install = fail\n"
        "forkserver.main()",
    )
    monkeypatch.setattr("nobs_bot.streams.children._PROGRAM", ["-c", broken])
    assert await heard(children, "tasks:echo", arguments={"word": "halo"}) == []


def tasks_of_ours() -> list[str]:
    """Every task that some code of ours orders, found by its text."""
    found = set()
    for path in (ROOT / "nobs_bot").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                module, colon, name = node.value.partition(":")
                if colon and module.startswith("nobs_bot.") and name.isidentifier():
                    found.add(module)
    return sorted(found)


@pytest.mark.parametrize("module", tasks_of_ours())
def test_no_task_has_a_thread_before_it_is_confined(module: str) -> None:
    # Landlock holds for the thread that asks for it and what comes from it, not for its siblings
    script = (
        "import importlib, os; import nobs_bot.streams.capture as c; c.warm_up(); "
        f"importlib.import_module({module!r}); print(len(os.listdir('/proc/self/task')))"
    )
    environment = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, check=True
    )
    assert done.stdout == b"1\n"


def test_the_readable_holds_neither_settings_nor_data() -> None:
    assert ROOT / "nobs_bot" in _own_paths()
    for secret in (ROOT / ".env", ROOT / "data" / "keys", Path.home() / ".ssh"):
        assert not any(secret.is_relative_to(path) for path in _own_paths())


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_the_filter_is_whole_for_each_architecture(
    machine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: machine)
    for may_connect in (True, False):
        program = seccomp.program(may_connect=may_connect)
        assert len(program) < 4096
        for at, (code, yes, no, _) in enumerate(program):
            # no jump leads out of the program, and it ends with an answer
            assert at + 1 + max(yes, no) < len(program) or code == 0x06
        assert program[-1][0] == 0x06
    column = list(ARCHITECTURES).index(machine)
    known = [row[column] for row in SYSCALLS.values() if row[column] is not None]
    assert len(known) == len(set(known))
    must = {"execve", "execveat", "ptrace", "kill", "mount", "bpf", "unshare", "setns", "keyctl"}
    assert all(name in REFUSED and SYSCALLS[name][column] is not None for name in must)


def test_numbers_are_those_of_the_kernels_headers() -> None:
    headers = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
    if not headers.exists():
        pytest.skip("no kernel headers here")
    lines = [line.split() for line in headers.read_text().splitlines() if "__NR_" in line]
    numbers = {line[1].removeprefix("__NR_"): line[2] for line in lines if len(line) == 3}
    for name, (number, _) in SYSCALLS.items():
        if number is not None and name in numbers:
            assert numbers[name] == str(number), name


def test_an_unknown_architecture_holds_no_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(OSError, match="riscv64"):
        seccomp.install(may_connect=False)
