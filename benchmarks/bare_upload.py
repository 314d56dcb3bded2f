"""The peer: a bare aiohttp handler that writes what comes to the disk and hashes it, no more."""

from __future__ import annotations

import hashlib
import os
import sys
import uuid
from pathlib import Path

from aiohttp import web


async def take(request: web.Request) -> web.Response:
    """One file, on the disk when this returns."""
    digest = hashlib.sha256()
    with (Path(os.environ["DATA_DIR"]) / f"bare-{uuid.uuid4().hex}").open("wb") as file:
        while block := await request.content.readany():
            digest.update(block)
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    return web.Response(text=digest.hexdigest())


def main() -> None:
    """Serve until told to stop; the settings have the names of the app's own."""
    app = web.Application()
    app.add_routes([web.post("/", take)])
    port = int(os.environ["LISTEN_PORT"])
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None)


if __name__ == "__main__":
    sys.exit(main())
