/** What the page does with recorded answers, when everything goes well and when it does not. */
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Latest, recorded, recordedTime, running, withPair } from "./answers.ts";
import { COUNT_FRAMES, launch, untilSlot, untilStill, type Visit, visit } from "./browser.ts";
import { FixtureServer } from "./fixture-server.ts";

let browser: Browser;
let server: FixtureServer;
let visits: Visit[] = [];

beforeAll(async () => {
  browser = await launch();
});

beforeEach(async () => {
  server = await FixtureServer.start(
    () => recordedTime(),
    (language) => ({ body: recorded(language) }),
  );
});

afterEach(async () => {
  for (const { context } of visits) await context.close();
  visits = [];
  await server.stop();
});

afterAll(async () => {
  await browser.close();
});

async function open(options: BrowserContextOptions & { readonly before?: string } = {}): Promise<Visit> {
  const opened = await visit(browser, server.origin, { before: COUNT_FRAMES, ...options });
  visits.push(opened);
  await opened.page.goto(server.origin);
  return opened;
}

const still = { reducedMotion: "reduce" } as const;
const text = (page: Page, selector: string) =>
  page
    .locator(selector)
    .textContent()
    .then((found) => found ?? "");
/** Without the marks that keep names of either direction apart. */
const plain = (told: string) => told.replace(/[\u2068\u2069]/g, "");
const until = (page: Page, selector: string, part: string, timeout = 15_000) =>
  page.waitForFunction(
    ([where, what]) => document.querySelector(where)?.textContent?.includes(what) === true,
    [selector, part] as const,
    { polling: 50, timeout },
  );

const CAN_HIDE = `${COUNT_FRAMES} window.isHidden = false;
  Object.defineProperty(document, "hidden", { get: () => window.isHidden });`;

/** Takes a page that was opened with CAN_HIDE out of sight, or back. */
const hide = (page: Page, isHidden: boolean) =>
  page.evaluate((value) => {
    Object.assign(window, { isHidden: value });
    document.dispatchEvent(new Event("visibilitychange"));
  }, isHidden);

/** A world with a new slot every two seconds. */
function run(slotMs = 2000): void {
  server.clock = Date.now;
  server.latest = (language) => ({ body: running(Date.now(), slotMs, slotMs / 2, language) });
}

/**
 * A page whose clock stands still but for `pass`, in a world with a new slot every five seconds. In steps short enough for
 * what happens in between; after each of them nothing is on its way from the server.
 */
async function openOnOwnClock() {
  let time = Math.floor(recordedTime() / 5000) * 5000;
  const now = () => time;
  server.clock = now;
  server.latest = (language) => ({ body: running(time, 5000, 2000, language) });
  const opened = await visit(browser, server.origin, still);
  visits.push(opened);
  const { page } = opened;
  let underway = 0;
  page.on("request", () => {
    underway += 1;
  });
  const isDone = () => {
    underway -= 1;
  };
  page.on("requestfinished", isDone);
  page.on("requestfailed", isDone);
  // It runs until it is paused, and is not set back.
  await page.clock.install({ time: time - 60_000 });
  await page.clock.pauseAt(time);
  await page.goto(server.origin);
  const pass = async (milliseconds: number) => {
    for (const end = time + milliseconds; time < end; ) {
      const step = Math.min(250, end - time);
      time += step;
      await page.clock.runFor(step);
      await expect.poll(() => underway, { interval: 5 }).toBe(0);
    }
  };
  await untilSlot(page);
  return { ...opened, pass, now };
}

describe("a pair", () => {
  it("is told of in words, in a list and to those who listen", async () => {
    const { page, context, complaints } = await open(still);
    await untilSlot(page);
    const { current, recent } = recorded("en");
    const [session] = current.sessions;
    const [a, b] = session?.places.map(({ city }) => city) ?? [];
    const sentence = await text(page, ".sentence");
    for (const part of [a, b, session?.track.title]) expect(sentence).toContain(part);
    expect(await text(page, ".apart")).toMatch(/^1\d,\d{3} km apart$/);
    expect(await text(page, ".listeners")).toContain("people listening");
    expect(await page.locator(".recent li").count()).toBe(recent.length);
    expect(await text(page, ".recent li:first-child .title")).toBe(recent[0]?.sessions[0]?.track.title);
    expect(plain(await text(page, "[role=status]"))).toContain(sentence);
    expect(plain(await text(page, ".local-times"))).toMatch(
      new RegExp(`^${a}\\s\\d+:\\d\\d.* · ${b}\\s\\d+:\\d\\d`),
    );
    expect(await page.getAttribute(".lens", "aria-label")).toBe("Globe");
    expect(await page.locator(".label:visible").count()).toBe(2);
    // Nothing was chosen, so nothing is kept.
    expect(await page.evaluate(() => localStorage.length)).toBe(0);
    expect(await context.cookies()).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it("follows another at its start, each announced once", async () => {
    run();
    const announcements = `
      window.announced = [];
      document.addEventListener("DOMContentLoaded", () => {
        const region = document.querySelector("[role=status]");
        new MutationObserver(() => window.announced.push(region.textContent)).observe(region, { childList: true });
        window.renamed = 0;
        const lens = document.querySelector(".lens");
        const name = lens.getAttribute("aria-label");
        new MutationObserver(() => { if (lens.getAttribute("aria-label") !== name) window.renamed += 1; })
          .observe(lens, { attributeFilter: ["aria-label"] });
      });
    `;
    const { page, complaints } = await open({ ...still, before: COUNT_FRAMES + announcements });
    await untilSlot(page);
    const first = Number(await page.getAttribute("#pair", "data-slot"));
    await untilSlot(page, first + 3);
    const announced = await page.evaluate(() => (window as unknown as { announced: string[] }).announced);
    expect(announced.length).toBeGreaterThanOrEqual(4);
    expect(new Set(announced).size).toBe(announced.length);
    // Nor does what has the focus change its name with each.
    expect(await page.evaluate(() => (window as unknown as { renamed: number }).renamed)).toBe(0);
    expect(complaints).toEqual([]);
  });

  it("leaves nothing behind: the page does not grow", async () => {
    run(500);
    const { page } = await open();
    await page.waitForFunction(() => document.querySelectorAll(".recent li").length === 10);
    const elements = () => page.evaluate(() => document.querySelectorAll(":not(svg *)").length);
    const [before, first] = [await elements(), Number(await page.getAttribute("#pair", "data-slot"))];
    await page.waitForFunction(
      (from) => Number(document.querySelector<HTMLElement>("#pair")?.dataset.slot) > from + 14,
      first,
      { polling: 50 },
    );
    // Artwork may be one svg or another; all else is as it was.
    expect(Math.abs((await elements()) - before)).toBeLessThan(5);
  });

  it("of the past can be chosen from the list, by keyboard, and left again", async () => {
    const { page } = await open(still);
    await untilSlot(page);
    const now = await text(page, ".sentence");
    await page.locator(".recent button").nth(3).focus();
    await page.keyboard.press("Enter");
    const chosen = await text(page, ".recent li:nth-child(4) .title");
    await until(page, ".sentence", chosen);
    expect(await text(page, ".moment")).toMatch(/^At /);
    expect(await page.getAttribute(".recent li:nth-child(4) button", "aria-current")).toBe("true");
    await page.locator(".back").click();
    expect(await text(page, ".sentence")).toBe(now);
    expect(await page.locator(".back").isVisible()).toBe(false);
  });

  it.each(["the focus", "the pointer"])("that comes moves no item of a list that has %s", async (what) => {
    run(1000);
    const { page } = await open(still);
    await page.waitForFunction(() => document.querySelectorAll(".recent li").length === 10);
    if (what === "the focus") {
      await page.locator(".lens").focus();
      for (let step = 0; step < 4; step++) await page.keyboard.press("Tab");
    } else {
      await page.locator(".recent li:nth-child(4)").hover();
    }
    const order = () => page.locator(".recent button").allTextContents();
    const focused = () =>
      page.evaluate(() =>
        [...document.querySelectorAll(".recent button")].indexOf(document.activeElement as Element),
      );
    const [before, slot] = [await order(), Number(await page.getAttribute("#pair", "data-slot"))];
    await untilSlot(page, slot + 3);
    expect(await order()).toEqual(before);
    const wanted = await text(page, ".recent li:nth-child(4) .title");
    if (what === "the focus") {
      expect(await focused()).toBe(3);
      await page.keyboard.press("Enter");
    } else {
      await page.mouse.down();
      await page.mouse.up();
    }
    // What was read is what is got.
    await until(page, ".sentence", wanted);
    await page.locator(".lens").focus();
    await page.mouse.move(5, 5);
    await expect.poll(order).not.toEqual(before);
  });
});

describe("a visitor who looks at a pair of the past", () => {
  it("is taken back to now after 15 s, and not while they hold the globe", async () => {
    const { page, pass } = await openOnOwnClock();
    await pass(6000);
    await page.locator(".recent button").nth(2).click();
    const chosen = await text(page, ".sentence");
    await pass(14_000);
    expect(await page.locator(".back").isVisible()).toBe(true);
    await page.mouse.move(640, 380);
    await page.mouse.down();
    await page.mouse.move(700, 390, { steps: 3 });
    await pass(6000);
    expect(await text(page, ".sentence")).toBe(chosen);
    expect(await page.locator(".back").isVisible()).toBe(true);
    await page.mouse.up();
    await pass(6000);
    expect(await text(page, ".moment")).toBe("Right now");
    expect(await page.locator(".back").isVisible()).toBe(false);
  }, 150_000);
});

describe("a visitor who pauses", () => {
  it("keeps the pair, with its time when it is over, and gets another in a language that it is not told in", async () => {
    run(500);
    const { page, complaints } = await open(still);
    await untilSlot(page);
    await page.locator(".motion").click();
    const slotNow = async () => Number(await page.getAttribute("#pair", "data-slot"));
    const held = await slotNow();
    await until(page, ".moment", "At ");
    await page.waitForFunction((instant) => Date.now() > instant, (held + 12) * 500, { polling: 100 });
    expect(await slotNow()).toBe(held);
    await page.selectOption(".language select", "ja");
    await page.waitForFunction(
      (before) => Number(document.querySelector<HTMLElement>("#pair")?.dataset.slot) > before,
      held,
      { polling: 50 },
    );
    const shown = await text(page, ".city-first");
    const cities = [recorded("ja").current, ...recorded("ja").recent].map(
      ({ sessions }) => sessions[0]?.places[0]?.city,
    );
    expect(cities).toContain(shown);
    expect(await text(page, "[role=status]")).toContain(shown);
    const later = await slotNow();
    await page.waitForFunction((instant) => Date.now() > instant, (later + 4) * 500, { polling: 100 });
    expect(await slotNow()).toBe(later);
    expect(complaints).toEqual([]);
  });
});

describe("when something is missing", () => {
  it("a title: the song is called the same song", async () => {
    server.latest = () => ({ body: withPair(({ track }) => delete track.title) });
    const { page } = await open(still);
    await untilSlot(page);
    expect(await text(page, ".sentence")).toContain("pressed play on the same song in the same second");
    server.latest = () => {
      const latest = recorded("en");
      delete latest.recent[0]?.sessions[0]?.track.title;
      return { body: latest };
    };
    await page.reload();
    await until(page, ".recent li:first-child .title", "A song without a title");
  });

  it("artwork, or it is another host's: there is a pattern, and nobody is asked", async () => {
    for (const url of [undefined, "https://elsewhere.example/cover.jpg"]) {
      server.latest = () => ({
        body: withPair(({ track }) => {
          if (url) track.artwork_url = url;
        }),
      });
      const { page, complaints } = await open(still);
      await untilSlot(page);
      expect(await page.locator(".artwork svg path").count()).toBeGreaterThan(3);
      expect(complaints).toEqual([]);
    }
  });

  it("artwork that the site has is shown, and one that it lacks is not", async () => {
    for (const [url, element] of [
      ["/favicon.svg", "img"],
      ["/nowhere.png", "svg"],
    ] as const) {
      server.latest = () => ({
        body: withPair(({ track }) => {
          track.artwork_url = url;
        }),
      });
      const { page } = await open(still);
      await page.waitForSelector(`.artwork ${element}`);
    }
  });

  it("a city's name, its country's, its time zone: there is still something to read", async () => {
    server.latest = () => ({
      body: withPair(({ places: [first, second] }) => {
        Object.assign(first ?? {}, { city: "", country: "Fiji", time_zone: "" });
        Object.assign(second ?? {}, { city: "", country: "", time_zone: "Nowhere/Land" });
      }),
    });
    const { page, complaints } = await open(still);
    await untilSlot(page);
    expect(await text(page, ".city-first")).toBe("Fiji");
    expect(await text(page, ".city-second")).toMatch(/^\d+\.\d°N \d+\.\d°W$/);
    expect(complaints).toEqual([]);
  });

  it("a place in the list whose city has no name in that language", async () => {
    server.latest = (language) => {
      const latest = recorded(language);
      const place = latest.recent[2]?.sessions[0]?.places[1];
      if (place) Object.assign(place, { city: "", country: "キリバス" });
      return { body: latest };
    };
    const { page } = await open({ ...still, locale: "ja-JP" });
    await untilSlot(page);
    expect(await text(page, ".recent li:nth-child(3) .names")).toContain("キリバス");
  });

  it("JavaScript: a sentence says so and leads to the latest pair", async () => {
    const { page } = await open({ javaScriptEnabled: false });
    expect(await page.getAttribute("noscript a", "href")).toBe("/api/latest");
    expect(await text(page, "noscript")).toMatch(/people in far.apart cities start the same song/);
    expect(await page.locator("noscript a").isVisible()).toBe(true);
    // And there is nothing that does nothing.
    expect(await page.locator(":is(button, select, .lens, h2, .status):visible").count()).toBe(0);
  });

  it("anywhere to store things", async () => {
    const before = `${COUNT_FRAMES} Object.defineProperty(window, "localStorage", { get() { throw new Error("no"); } });`;
    const { page, complaints } = await open({ ...still, before });
    await untilSlot(page);
    await page.selectOption(".language select", "fr");
    await until(page, ".sentence", "quelqu’un");
    expect(complaints).toEqual([]);
  });
});

describe("when the server", () => {
  it("knows nothing yet (503), the page waits and then shows the first pair", async () => {
    server.latest = () => ({ status: 503 });
    const { page } = await open(still);
    const questions = () => server.asked.filter((url) => url.startsWith("/api/latest")).length;
    await expect.poll(questions, { timeout: 15_000 }).toBeGreaterThan(2);
    expect(await text(page, ".sentence")).toContain("Waiting for the first pair");
    expect(await text(page, ".status")).toBe("");
    server.latest = (language) => ({ body: recorded(language) });
    await untilSlot(page);
    await page.waitForFunction(() => document.querySelector(".status")?.textContent === "");
  });

  it("is gone for 60 s, the last pair stays, the page says quietly that it waits, and then goes on", async () => {
    const { page, pass, now } = await openOnOwnClock();
    const failed: string[] = [];
    page.on("requestfailed", (request) => failed.push(new URL(request.url()).pathname));
    await pass(12_000);
    const known = Math.floor(now() / 5000);
    expect(await page.getAttribute("#pair", "data-slot")).toBe(`${known}`);
    server.latest = () => "gone";
    server.isTimeGone = true;
    // What was announced before is still shown in its time.
    await pass(10_000);
    const last = Number(await page.getAttribute("#pair", "data-slot"));
    expect(last - known).toBeLessThanOrEqual(1);
    const sentence = await text(page, ".sentence");
    expect(await text(page, ".status")).toContain("Trying again");
    await pass(50_000);
    expect(await page.getAttribute("#pair", "data-slot")).toBe(`${last}`);
    expect(await text(page, ".sentence")).toBe(sentence);
    expect(await text(page, ".moment")).toMatch(/^At /);
    expect(await page.locator(".recent li").count()).toBe(10);
    expect(await text(page, ".status")).toContain("Trying again");
    // It asked all the time, less and less often.
    const questions = failed.filter((path) => path === "/api/latest").length;
    expect(questions).toBeGreaterThan(4);
    expect(questions).toBeLessThan(16);
    server.latest = () => ({ body: running(now(), 5000, 2000) });
    server.isTimeGone = false;
    await pass(31_000);
    expect(await text(page, ".status")).toBe("");
    expect(await text(page, ".moment")).toBe("Right now");
    expect(await page.getAttribute("#pair", "data-slot")).toBe(`${Math.floor(now() / 5000)}`);
    await pass(10_000);
    expect(await page.getAttribute("#pair", "data-slot")).toBe(`${Math.floor(now() / 5000)}`);
  }, 150_000);

  it("says the time of a pair that is over, when the visitor paused here before", async () => {
    server.latest = () => ({ body: withPair(() => {}) });
    const later = recordedTime() + 30_000;
    server.clock = () => later;
    const before = `${COUNT_FRAMES} localStorage.setItem("paused", "yes");`;
    const { page } = await open({ ...still, before });
    await untilSlot(page);
    await until(page, ".moment", "At ");
    expect(await page.locator(".back").isVisible()).toBe(false);
  });

  it("announces nothing more, the last pair stays", async () => {
    server.latest = () => ({ body: withPair(() => {}) });
    const { page } = await open(still);
    await untilSlot(page);
    const before = await text(page, ".sentence");
    const later = recordedTime() + 30_000;
    server.clock = () => later;
    await page.reload();
    await until(page, ".status", "Waiting for the next pair");
    expect(await text(page, ".moment")).toMatch(/^At /);
    expect(await text(page, ".sentence")).toBe(before);
  });

  it("answers something older, nothing goes back", async () => {
    const now = recordedTime();
    server.latest = () => ({ body: running(now, 5000, 2000) });
    const { page } = await open(still);
    const number = Math.floor(now / 5000);
    await untilSlot(page, number);
    server.latest = () => ({ body: running(now - 15_000, 5000, 2000) });
    server.clock = () => now - 15_000;
    const asked = server.asked.length;
    await page.evaluate(() => window.dispatchEvent(new Event("online")));
    while (server.asked.length === asked) await page.waitForTimeout(50);
    await page.waitForTimeout(300);
    expect(await page.getAttribute("#pair", "data-slot")).toBe(`${number}`);
  });

  it("answers nonsense, the page stays as it is", async () => {
    const { page, complaints } = await open(still);
    await untilSlot(page);
    const before = await text(page, ".sentence");
    for (const body of [null, [], {}, { current: { sessions: [{}] } }, "x"]) {
      server.latest = () => ({ body });
      const asked = server.asked.length;
      await page.evaluate(() => window.dispatchEvent(new Event("online")));
      while (server.asked.length === asked) await page.waitForTimeout(20);
      expect(await text(page, ".sentence")).toBe(before);
    }
    expect(complaints).toEqual([]);
  });
});

describe("motion", () => {
  it("ends, and then not one frame is drawn", async () => {
    server.latest = () => ({ body: withPair(() => {}) });
    const { page } = await open();
    await untilSlot(page);
    await untilStill(page);
    const before = await page.evaluate(() => window.framesAsked);
    expect(before).toBeGreaterThan(30);
    await page.waitForTimeout(2500);
    expect(await page.evaluate(() => window.framesAsked)).toBe(before);
  });

  it("is not there for those who want none: pictures fade into one another", async () => {
    run(5000);
    const { page } = await open(still);
    await untilSlot(page);
    const first = Number(await page.getAttribute("#pair", "data-slot"));
    await untilSlot(page, first + 1);
    // From the first frame of the new pair on, for as long as its flight would take.
    const positions = await page.evaluate(
      () =>
        new Promise<string[]>((done) => {
          const seen = new Set<string>();
          const end = performance.now() + 800;
          const look = () => {
            seen.add(document.querySelector<HTMLElement>(".label-first")?.style.transform ?? "");
            if (performance.now() < end) requestAnimationFrame(look);
            else done([...seen]);
          };
          requestAnimationFrame(() => requestAnimationFrame(look));
        }),
    );
    expect(positions).toHaveLength(1);
    expect(await page.locator(".progress").isVisible()).toBe(false);
  });

  it("stops by a button that says so, for as long as the visitor wants", async () => {
    run();
    const { page } = await open();
    await untilSlot(page);
    await page.getByRole("button", { name: "Pause motion" }).click();
    await untilStill(page);
    const [frames, shown] = [await page.evaluate(() => window.framesAsked), await text(page, ".sentence")];
    await page.waitForTimeout(4500);
    expect(await page.evaluate(() => window.framesAsked)).toBe(frames);
    expect(await text(page, ".sentence")).toBe(shown);
    expect(await text(page, ".status")).toBe("Paused");
    await page.reload();
    await untilSlot(page);
    const slot = await page.getAttribute("#pair", "data-slot");
    await page.getByRole("button", { name: "Resume motion" }).click();
    await untilSlot(page, Number(slot) + 3);
    expect(await text(page, ".status")).toBe("");
  });

  it("rests, and nothing is asked, while the page is out of sight", async () => {
    run();
    const { page } = await open({ before: CAN_HIDE });
    await untilSlot(page);
    await hide(page, true);
    await page.waitForTimeout(300);
    const [frames, asked] = [await page.evaluate(() => window.framesAsked), server.asked.length];
    await page.waitForTimeout(3000);
    expect(await page.evaluate(() => window.framesAsked)).toBe(frames);
    expect(server.asked.length).toBe(asked);
    await hide(page, false);
    await untilSlot(page, Math.floor(Date.now() / 2000));
  });

  it("comes back into sight, and what was announced before still follows, though nobody answers", async () => {
    const slotMs = 6000;
    run(slotMs);
    server.latest = (language) => ({ body: running(Date.now(), slotMs, slotMs, language) });
    // Early enough in a slot for all that is to be done before the next one.
    await expect.poll(() => Date.now() % slotMs, { timeout: 2 * slotMs }).toBeLessThan(1500);
    const { page } = await open({ ...still, before: CAN_HIDE });
    await untilSlot(page);
    const number = Number(await page.getAttribute("#pair", "data-slot"));
    await expect.poll(() => server.asked.filter((url) => url === "/api/time").length).toBeGreaterThan(2);
    server.latest = () => "gone";
    server.isTimeGone = true;
    await hide(page, true);
    await hide(page, false);
    await untilSlot(page, number + 1);
  });
});

describe("the globe", () => {
  const place = async (page: Page) => {
    const box = await page.locator(".label-first").boundingBox();
    return [Math.round(box?.x ?? 0), Math.round(box?.y ?? 0)];
  };

  it("turns by arrow keys and by dragging, and goes back when it is left alone", async () => {
    const near = (language: string): Latest =>
      withPair(({ places: [first, second] }) => {
        Object.assign(first ?? {}, { latitude: 0, longitude: -30 });
        Object.assign(second ?? {}, { latitude: 0, longitude: 30 });
      }, language);
    server.latest = (language) => ({ body: near(language) });
    const { page } = await open(still);
    await untilSlot(page);
    await untilStill(page);
    const start = await place(page);
    const picture = () => page.locator("canvas").evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL());
    const before = await picture();
    await page.locator(".lens").focus();
    await page.keyboard.press("ArrowRight");
    await page.waitForTimeout(150);
    const right = await place(page);
    expect(right[0]).toBeLessThan((start[0] ?? 0) - 10);
    await page.keyboard.press("ArrowUp");
    await page.waitForTimeout(150);
    const up = await place(page);
    expect(up[1]).toBeGreaterThan(right[1] ?? 0);
    await page.mouse.move(720, 380);
    await page.mouse.down();
    await page.mouse.move(820, 380, { steps: 4 });
    await page.mouse.up();
    await page.waitForTimeout(150);
    expect((await place(page))[0]).toBeGreaterThan((up[0] ?? 0) + 40);
    expect(await picture()).not.toBe(before);
    await expect.poll(picture, { timeout: 15_000, interval: 200 }).toBe(before);
  });

  it("grows by plus and by the wheel", async () => {
    const { page } = await open(still);
    await untilSlot(page);
    await untilStill(page);
    const looks = () => page.locator("canvas").screenshot();
    const before = await looks();
    await page.locator(".lens").focus();
    await page.keyboard.press("+");
    await page.waitForTimeout(200);
    const nearer = await looks();
    expect(nearer.equals(before)).toBe(false);
    await page.mouse.move(720, 380);
    await page.mouse.wheel(0, -300);
    await page.waitForTimeout(200);
    expect((await looks()).equals(nearer)).toBe(false);
  });

  it("grows between two fingers", async () => {
    const { page, context } = await open({ ...still, hasTouch: true });
    await untilSlot(page);
    await untilStill(page);
    const apart = async () => {
      const [one, other] = await Promise.all(
        [".label-first", ".label-second"].map((label) => page.locator(label).boundingBox()),
      );
      return Math.hypot((one?.x ?? 0) - (other?.x ?? 0), (one?.y ?? 0) - (other?.y ?? 0));
    };
    const before = await apart();
    const touch = await context.newCDPSession(page);
    const at = (distance: number) => [-distance, distance].map((dx, id) => ({ x: 640 + dx, y: 380, id }));
    const send = (type: "touchStart" | "touchMove" | "touchEnd", touchPoints: ReturnType<typeof at>) =>
      touch.send("Input.dispatchTouchEvent", { type, touchPoints });
    await send("touchStart", at(100));
    for (const distance of [95, 85, 75]) await send("touchMove", at(distance));
    await expect.poll(apart).toBeLessThan(0.9 * before);
    await send("touchEnd", []);
  });

  it.each([1, 2, 4])("has two pixels of its own for a pixel of the page at most: of %d", async (scale) => {
    const { page } = await open({ ...still, deviceScaleFactor: scale });
    await untilSlot(page);
    await untilStill(page);
    const [own, seen] = await page
      .locator("canvas")
      .evaluate((canvas: HTMLCanvasElement) => [canvas.width, canvas.clientWidth] as const);
    expect(own / seen).toBeCloseTo(Math.min(2, scale), 2);
  });
});
