"""What a browser asks the network for when it opens reports, and what they look like in it.

`python -m benchmarks.browser PAGE.html...`, from the root of a checkout, with a Chromium installed.
Even without pages a browser asks its maker for this and that, so a blank page tells what is the
browser's own, and a page with a foreign picture that a request would have been seen. With
`--screenshots=FOLDER` each page is photographed too: at two widths, light and dark.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
)
WIDTHS = {"wide": 1200, "phone": 500}
"""Pixels; headless Chromium's windows are no narrower than 500."""
SCHEMES = {"dark": 0, "light": 1}

BLANK = '<!DOCTYPE html><html lang="en"><title>Blank</title></html>'
LOUD = BLANK.replace("</html>", '<img src="http://pictures.invalid/one.png" alt=""></html>')


def browse(page: Path, *arguments: str) -> None:
    """Opens a page in a browser that nobody has used before, and closes it."""
    with tempfile.TemporaryDirectory() as profile:
        command = [_browser(), *QUIET, f"--user-data-dir={profile}", *arguments]
        command.append(page.resolve().as_uri())
        subprocess.run(command, capture_output=True, check=True, timeout=120)


def requests(page: Path) -> set[str]:
    """The addresses that are asked for while a page is open for five seconds of its time."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "net.json"
        browse(page, f"--log-net-log={log}", "--virtual-time-budget=5000", "--dump-dom")
        text = log.read_text(encoding="utf-8")
    try:
        record = json.loads(text)
    except json.JSONDecodeError:  # the browser was closed before it had closed its list
        record = json.loads(text.rstrip().rstrip(",") + "]}")
    kind = record["constants"]["logSourceType"]["URL_REQUEST"]
    events = (event for event in record["events"] if event["source"]["type"] == kind)
    return {event["params"]["url"] for event in events if "url" in event.get("params", {})}


def hosts(addresses: set[str]) -> set[str]:
    """The hosts of addresses."""
    return {urlsplit(address).hostname or "" for address in addresses}


def photograph(page: Path, name: str, folder: Path, height: int) -> None:
    """Writes pictures named `{name}_wide_light.png` and the like."""
    for width, pixels in WIDTHS.items():
        for scheme, number in SCHEMES.items():
            picture = folder.resolve() / f"{name}_{width}_{scheme}.png"
            size = f"--window-size={pixels},{height}"
            scheme_is = f"--blink-settings=preferredColorScheme={number}"
            browse(page, f"--screenshot={picture}", size, scheme_is)
            print(picture)


def main() -> None:
    """Prints a row for each page; ends with 1 where one of them asks for anything."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("pages", nargs="+", type=Path)
    parser.add_argument("--screenshots", type=Path, help="a folder for pictures of the pages")
    parser.add_argument("--height", type=int, default=5200, help="of the pictures, pixels")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        blank, loud = Path(folder) / "blank.html", Path(folder) / "loud.html"
        blank.write_text(BLANK)
        loud.write_text(LOUD)
        own = hosts(requests(blank)) | hosts(requests(blank))
        print(f"The browser's own, on a blank page: {', '.join(sorted(own)) or 'nothing'}")
        seen = hosts(requests(loud)) - own
        print(f"On a page with a foreign picture: {', '.join(sorted(seen)) or 'nothing'}")
    if not seen:
        sys.exit("The foreign picture must be asked for, or nothing can be said of other pages.")
    asked = {page: hosts(requests(page)) - own for page in given.pages}
    for page, foreign in asked.items():
        size = page.stat().st_size / 1024
        print(f"{page} ({size:.0f} KiB): {', '.join(sorted(foreign)) or 'nothing'}")
    for page in given.pages if given.screenshots else ():
        given.screenshots.mkdir(parents=True, exist_ok=True)
        photograph(
            page, f"{page.resolve().parent.name}_{page.stem}", given.screenshots, given.height
        )
    if any(asked.values()):
        sys.exit("A page must ask the network for nothing.")


def _browser() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        sys.exit(f"A browser must be installed: one of {', '.join(BROWSERS)}.")
    return found


if __name__ == "__main__":
    main()
