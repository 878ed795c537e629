"""A Jumpstarter exporter without a controller, in a process of its own: FOLDER BOARD PORT OPTION... It prints where it is."""

import sys
from pathlib import Path

import anyio
from jumpstarter.common import ExporterStatus
from jumpstarter.exporter import Session
from test_jumpstarter import written

from recover_board.jumpstarter import Recover


async def serve(folder, board, port, *options):
    driver = Recover(
        board=board,
        port=port,
        options=list(options),
        records=str(folder / "records"),
        delay_s=0,
        press_s=0,
        children=written(folder / "moves"),
    )
    with Session(root_device=driver) as session:
        async with session.serve_unix_async() as path:
            session.update_status(ExporterStatus.LEASE_READY)
            print(path, flush=True)
            await anyio.sleep_forever()


anyio.run(serve, Path(sys.argv[1]), *sys.argv[2:])
