"""Build the image that ships, images/xylophone-mega2560.hex, and the record of how it was built.

python firmware/ship.py            write both
python firmware/ship.py --check    prove that a fresh build gives the image that is there

The proof needs make and avr-gcc. Without them, or with another compiler than the recorded one, it says so and
passes; with XYLOPHONE_REQUIRE_TOOLCHAIN set, as in CI, both are failures.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))  # the checkout this script belongs to, installed or not

from xylophone.board.image import (  # noqa: E402
    IMAGE,
    RECORD,
    ImageRecord,
    firmware_version,
    read_program,
    read_record,
)
from xylophone.board.tools import build_image, require_tool  # noqa: E402
from xylophone.errors import BackendError, MissingExtra, XylophoneError  # noqa: E402
from xylophone.files import write_text  # noqa: E402
from xylophone.link.messages import PROTOCOL  # noqa: E402

SHIP = "write both with: python firmware/ship.py"


def ship() -> str:
    """Write image and record; return one line that says so."""
    build_image(FOLDER, FOLDER / IMAGE)
    record = record_of(tool_versions())
    write_text(
        FOLDER / RECORD,
        "# Written by firmware/ship.py together with the image beside it.\n"
        f'version = "{record.version}"\nprotocol = {record.protocol}\n'
        f'compiler = "{record.compiler}"\nsha256 = "{record.sha256}"\n',
    )
    size = len(read_program(FOLDER / IMAGE))
    return f"wrote {IMAGE} and {RECORD.name}: firmware {record.version}, {size} bytes, by {record.compiler}"


def check() -> str:
    """Return one line for what was proved; BackendError when image, record and sources do not agree."""
    record = read_record(FOLDER)
    if record_of(record.compiler) != record:
        raise BackendError(f"{IMAGE} is not what {RECORD.name} says, or version or protocol changed: {SHIP}")
    compiler = tool_versions()
    if compiler != record.compiler:
        raise MissingExtra(
            f"{IMAGE} was built by {record.compiler}; here is {compiler}: install that one, or {SHIP}"
        )
    with tempfile.TemporaryDirectory(prefix="xylophone-") as folder:
        fresh = Path(folder, "fresh.hex")
        build_image(FOLDER, fresh)
        if read_program(fresh) != read_program(FOLDER / IMAGE):
            raise BackendError(f"{IMAGE} differs from a fresh build of the sources: {SHIP}")
    return f"{IMAGE} equals a fresh build by {compiler}"


def record_of(compiler: str) -> ImageRecord:
    """Return the record of the image that is there, which a compiler has made of the sources."""
    checksum = hashlib.sha256(read_program(FOLDER / IMAGE)).hexdigest()
    return ImageRecord(firmware_version(FOLDER), PROTOCOL, compiler, checksum)


def tool_versions() -> str:
    """Return what builds an image, in one line: compiler, linker and C library with their versions."""
    gcc, ld = (require_tool(tool, "building the firmware") for tool in ("avr-gcc", "avr-ld"))
    compiler, linker = (_said(tool, "--version").splitlines()[0] for tool in (gcc, ld))
    asked = "#include <avr/version.h>\n__AVR_LIBC_VERSION_STRING__\n"
    library = _said(gcc, "-mmcu=atmega2560", "-E", "-P", "-", given=asked).split()[-1].strip('"')
    return f"{compiler}, {linker}, avr-libc {library}"


def _said(*command: str, given: str = "") -> str:
    return subprocess.run(command, input=given, capture_output=True, text=True, check=True).stdout


def main(arguments: list[str]) -> int:
    """Do what the arguments ask for; return the exit code."""
    if arguments not in ([], ["--check"]):
        print("firmware/ship.py: give nothing or --check", file=sys.stderr)
        return 2
    try:
        print(check() if arguments else ship())
    except MissingExtra as error:
        print(f"firmware/ship.py: not proved: {error}", file=sys.stderr)
        return int(not arguments or bool(os.environ.get("XYLOPHONE_REQUIRE_TOOLCHAIN")))
    except XylophoneError as error:
        print("\n".join([*getattr(error, "__notes__", ()), f"firmware/ship.py: {error}"]), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
