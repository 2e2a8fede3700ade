"""bench-web-captions: what the viewer's page costs the browser with many captions.

A server within the page tells captions; the page itself is the one that ``dragoman up`` serves.

- ``frames_per_s``, ``frame_ms``: with 500 finals on the page, in two languages, and 20 drafts a second.
- ``long_tasks``, ``longest_task_ms``: tasks of over 50 ms in that time, and the longest (0: none).
- ``fill_500_ms``: from 500 finals at once to the frame that shows them.
- ``heap_mib``: after garbage was collected, of the empty page, with all the rows that a page keeps, and after
  each twenty minutes of two hours on top: 144,000 drafts and 2,400 finals, told as fast as frames come.
  In the first of them all rows are replaced by such as had been drafts, which React keeps twice.
- ``elements``: of the whole page after those hours.

Without a graphics card the browser paints by software, on the cores that also run the page.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import Browser, Page, async_playwright
from tests.meeting import BROWSER_FLAGS, chromium_or_skip

from bench.harness import Figures, parser, percentile, run, say, stack
from dragoman_orchestration.cli.stack import RunningStack

SERVER = Path(__file__).parent.parent / "tests" / "e2e" / "web" / "caption_server.js"
FINALS = 500
MEASURED_S = 20
KEPT_ROWS = 1_200
PART_S, PARTS = 1200, 6
MIB = 2**20
_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"

_FILL = f"""async () => {{
  const began = performance.now();
  captionServer.finals({FINALS});
  await new Promise(requestAnimationFrame);
  const channel = new MessageChannel();
  const painted = new Promise((done) => {{ channel.port1.onmessage = done; }});
  requestAnimationFrame(() => channel.port2.postMessage(null));
  await painted;
  return performance.now() - began;
}}"""


async def reading(browser: Browser, running: RunningStack) -> Page:
    """A viewer's page on a session of its own, with the server within it."""
    headers = {"authorization": f"Bearer {running.key}"}
    async with httpx.AsyncClient(base_url=running.url, headers=headers, trust_env=False) as http:
        wanted = {"language": "en", "translation": {"targets": ["es"]}}
        session = (await http.post("/v1/sessions", json=wanted)).raise_for_status().json()["id"]
        issued = (await http.post(f"/v1/sessions/{session}/viewer-tokens")).raise_for_status().json()
    page = await browser.new_page(viewport={"width": 1366, "height": 768}, locale="en-GB")
    await page.add_init_script(path=SERVER)
    await page.goto(f"{running.url}/watch/{session}#token={issued['token']}&lang=original,es")
    await page.get_by_role("region", name="Captions").wait_for()
    await page.wait_for_function("captionServer.isOpen()")
    return page


async def heap_mib(page: Page) -> float:
    """What the page's scripts hold after a garbage collection."""
    session = await page.context.new_cdp_session(page)
    await session.send("HeapProfiler.collectGarbage")
    usage = await session.send("Runtime.getHeapUsage")
    await session.detach()
    return round(float(usage["usedSize"]) / MIB, 2)


def frames(measured: Any) -> Figures:
    """From the times between frames, and those of long tasks."""
    gaps, tasks = measured["gaps"], measured["tasks"]
    return {
        "drafts": measured["drafts"],
        "frames_per_s": round(1000 * len(gaps) / sum(gaps), 1),
        "frame_ms": {f"p{share}": percentile(gaps, share) for share in (50, 95, 99)},
        "long_tasks": len(tasks),
        "longest_task_ms": round(max(tasks, default=0)),
    }


async def memory(page: Page) -> Figures:
    """Replay two hours to a page that is full."""
    heaps = {"empty": await heap_mib(page)}
    await page.evaluate(f"captionServer.finals({KEPT_ROWS})")
    await page.evaluate(_FRAMES)
    heaps["after_0_min"] = await heap_mib(page)
    for part in range(1, PARTS + 1):
        await page.evaluate(f"captionServer.replay({PART_S})")
        heaps[f"after_{part * PART_S // 60}_min"] = await heap_mib(page)
        say(f"replayed {part * PART_S // 60} minutes")
    return {"heap_mib": heaps, "elements": await page.locator("*").count()}


async def measure() -> Figures:
    """Start a system and a browser, and read the page's clocks."""
    async with stack("mock") as running, async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium_or_skip(), args=["--no-sandbox", *BROWSER_FLAGS]
        )
        page = await reading(browser, running)
        filled_ms = round(await page.evaluate(_FILL))
        say(f"tells 20 drafts a second for {MEASURED_S} s")
        measured = await page.evaluate(f"captionServer.measure({MEASURED_S})")
        await page.close()
        figures = frames(measured) | await memory(await reading(browser, running))
        await browser.close()
    return {"fill_500_ms": filled_ms, **figures}


def main() -> None:
    """Print the figures."""
    arguments = parser(__doc__ or "").parse_args()
    run("web-captions", measure, as_json=arguments.json)


if __name__ == "__main__":
    main()
