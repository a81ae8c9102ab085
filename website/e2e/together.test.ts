/** The page on a real session-api, fed by the demo. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launch, untilSlot, type Visit, visit } from "./browser.ts";
import { Demo } from "./demo.ts";

/** Notes when each slot is shown, by a clock that is the same in all browsers of a machine. */
const NOTE_SWITCHES = `
  window.switches = {};
  document.addEventListener("DOMContentLoaded", () => {
    const pair = document.querySelector("#pair");
    new MutationObserver(() => {
      const slot = pair.dataset.slot;
      if (slot) window.switches[slot] ??= performance.timeOrigin + performance.now();
    }).observe(pair, { attributeFilter: ["data-slot"] });
  });
`;

const CLOCK_IS_WRONG = `
  const right = Date.now.bind(Date);
  Date.now = () => right() + 90_000;
`;

type Switches = Readonly<Record<string, number>>;
const switchesOf = ({ page }: Visit): Promise<Switches> =>
  page.evaluate(() => (window as unknown as { switches: Switches }).switches);

/** Without the slot that a page opened with: that one had begun before, and was shown when the page was ready. */
function withoutOpening(switches: Switches): Switches {
  const opening = Math.min(...Object.keys(switches).map(Number));
  return Object.fromEntries(Object.entries(switches).filter(([slot]) => Number(slot) !== opening));
}

let demo: Demo;
let browser: Browser;

beforeAll(async () => {
  [demo, browser] = await Promise.all([Demo.start(), launch()]);
});

afterAll(async () => {
  await browser?.close();
  await demo?.stop();
});

describe("the site as it is served", () => {
  it("comes compressed, with names that may be kept for ever, under its policy", async () => {
    const page = await fetch(`${demo.origin}/`, { headers: { "Accept-Encoding": "br" } });
    expect(page.headers.get("Content-Encoding")).toBe("br");
    const policy = page.headers.get("Content-Security-Policy") ?? "";
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toContain("unsafe");
    const assets = [...(await page.text()).matchAll(/\/assets\/[^"]+/g)].map(([path]) => path);
    expect(assets.length).toBeGreaterThanOrEqual(2);
    for (const path of assets) {
      const asset = await fetch(`${demo.origin}${path}`);
      expect(asset.status, path).toBe(200);
      expect(asset.headers.get("Cache-Control"), path).toContain("immutable");
    }
  });
});

describe("two visitors", () => {
  it("see each slot within 100 ms of each other, though one's clock is 90 s wrong", async () => {
    const early = await visit(browser, demo.origin, { before: NOTE_SWITCHES });
    await early.page.goto(demo.origin);
    await untilSlot(early.page);
    await early.page.waitForTimeout(2700);
    const other = await launch();
    const late = await visit(other, demo.origin, { before: NOTE_SWITCHES + CLOCK_IS_WRONG, locale: "ja-JP" });
    await late.page.goto(demo.origin);
    await untilSlot(late.page);
    // A machine that is busy wakes a browser late at times; a clock that is wrong is wrong in every slot.
    const together = async () => {
      const one = withoutOpening(await switchesOf(early));
      const two = withoutOpening(await switchesOf(late));
      const shared = Object.keys(two).filter((slot) => slot in one);
      return shared.map((slot) => {
        const [a, b] = [one[slot] ?? Number.NaN, two[slot] ?? Number.NaN];
        return { slot, apart: Math.round(Math.abs(b - a)), after: Math.round(a - Number(slot) * 5000) };
      });
    };
    const isGood = ({ apart, after }: { apart: number; after: number }) =>
      apart < 100 && Math.abs(after) < 150;
    const good = async () => (await together()).filter(isGood).length;
    await expect.poll(good, { timeout: 60_000, interval: 1000 }).toBeGreaterThanOrEqual(3);
    for (const { slot, apart, after } of await together())
      console.log(`slot ${slot}: ${after} ms after its start, ${apart} ms apart`);
    expect([...early.complaints, ...late.complaints]).toEqual([]);
    await early.context.close();
    await other.close();
  }, 150_000);

  it("are pushed what comes next", async () => {
    const { page, context, complaints } = await visit(browser, demo.origin);
    const asked: string[] = [];
    page.on("request", (request) => asked.push(new URL(request.url()).pathname));
    await page.goto(demo.origin);
    await untilSlot(page);
    const first = Number(await page.getAttribute("#pair", "data-slot"));
    await untilSlot(page, first + 2, 20_000);
    expect(asked.filter((path) => path === "/api/stream")).toHaveLength(1);
    expect(asked.filter((path) => path === "/api/latest").length).toBeLessThanOrEqual(2);
    expect(complaints).toEqual([]);
    await context.close();
  });
});
