/** How the page looks and reads: in every language and theme, on every screen, with any names. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LANGUAGES, type Latest, place, recorded, recordedTime, withPair } from "./answers.ts";
import { COUNT_FRAMES, launch, untilSlot, untilStill, type Visit, visit } from "./browser.ts";
import { FixtureServer } from "./fixture-server.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const SCREENS = {
  desktop: { viewport: { width: 1280, height: 720 } },
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
  narrow: { viewport: { width: 320, height: 568 } },
  "phone on its side": { viewport: { width: 667, height: 375 }, isMobile: true, hasTouch: true },
  "at 200 per cent": { viewport: { width: 640, height: 360 } },
} as const satisfies Readonly<Record<string, BrowserContextOptions>>;

let browser: Browser;
let server: FixtureServer;
/** The recorded pair, which nothing follows. */
const onePair = (language: string): Latest => withPair(() => {}, language);
let answer = onePair;

beforeAll(async () => {
  browser = await launch();
  server = await FixtureServer.start(
    () => recordedTime(),
    (language) => ({ body: answer(language) }),
  );
});

afterAll(async () => {
  await server.stop();
  await browser.close();
});

async function open(options: BrowserContextOptions): Promise<Visit> {
  const opened = await visit(browser, server.origin, {
    reducedMotion: "reduce",
    before: COUNT_FRAMES,
    ...options,
  });
  await opened.page.goto(server.origin);
  await untilSlot(opened.page);
  await untilStill(opened.page, 250);
  return opened;
}

/** Waits until a city is the first of the pair. */
const until = (page: Page, city: string) =>
  page.waitForFunction((name) => document.querySelector(".city-first")?.textContent === name, city);

/** What sticks out to the side, or lies on something else. */
const problemsOf = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const problems: string[] = [];
    const root = document.documentElement;
    if (root.scrollWidth > root.clientWidth) problems.push(`the page is ${root.scrollWidth} wide`);
    const box = (element: Element) => element.getBoundingClientRect();
    const seen = [
      ...document.querySelectorAll(
        ".sentence, .facts p, .recent button, .controls > *, .wordmark, .footer p",
      ),
    ];
    for (const element of seen.filter((one) => one.checkVisibility())) {
      const { left, right } = box(element);
      if (left < -0.5 || right > root.clientWidth + 0.5) problems.push(`${element.className} sticks out`);
    }
    for (const name of document.querySelectorAll<HTMLElement>(".recent .names")) {
      if (name.scrollHeight > name.clientHeight + 1) problems.push(`${name.textContent} is cut`);
    }
    const labels = [...document.querySelectorAll<HTMLElement>(".label")].filter(
      ({ style }) => style.opacity !== "0",
    );
    const lens = box(document.querySelector(".lens") as Element);
    for (const label of labels) {
      const { left, right, top, bottom } = box(label);
      if (left < lens.left || right > lens.right || top < lens.top || bottom > lens.bottom) {
        problems.push(`the label ${label.textContent} sticks out`);
      }
    }
    const overlap = (one: DOMRect, other: DOMRect) =>
      one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;
    const [one, other] = labels;
    if (one && other && overlap(box(one), box(other))) problems.push("the labels lie on one another");
    if (labels.length !== 2) problems.push(`${labels.length} labels are seen`);
    return problems;
  });

describe("any pair", () => {
  const cases: Readonly<Record<string, readonly [ReturnType<typeof place>, ReturnType<typeof place>]>> = {
    "over the antimeridian": [
      place("Auckland", -36.85, 174.76, "Pacific/Auckland"),
      place("Honolulu", 21.31, -157.86, "Pacific/Honolulu"),
    ],
    "of the poles": [place("North Pole", 90, 0), place("South Pole", -90, 0)],
    "near a pole": [
      place("Longyearbyen", 78.22, 15.65, "Arctic/Longyearbyen"),
      place("Utqiagvik", 71.29, -156.79, "America/Anchorage"),
    ],
    "of one hemisphere": [place("Ushuaia", -54.8, -68.3), place("Hobart", -42.88, 147.33)],
    "of opposite places": [place("Madrid", 40.42, -3.7), place("Weber", -40.42, 176.3)],
    "of neighbours": [place("Berlin", 52.52, 13.4), place("Potsdam", 52.4, 13.06)],
    "of one place": [place("Here", 10, 10), place("There", 10, 10)],
    "with very long names": [
      place("Thiruvananthapuram", 8.49, 76.95, "Asia/Kolkata"),
      place("Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch", 53.22, -4.2, "Europe/London"),
    ],
    "with German compounds": [
      place("Donaudampfschifffahrtselektrizitätenhauptbetriebswerk", 48.2, 16.37),
      place("Hamburgische-Bürgerschafts-Verwaltungsgemeinschaft", -12, -77),
    ],
  };
  it.each(Object.entries(SCREENS))("fits on a screen: %s", async (_, options) => {
    answer = onePair;
    const { page, context, complaints } = await open(options);
    for (const [name, places] of Object.entries(cases)) {
      answer = (language) =>
        withPair((session) => {
          session.places = [...places];
        }, language);
      await page.reload();
      await untilSlot(page);
      await untilStill(page, 250);
      expect(await problemsOf(page), name).toEqual([]);
    }
    expect(complaints).toEqual([]);
    await context.close();
  });
});

describe("every language", () => {
  it.each(["dark", "light"] as const)(
    "is accessible in the %s theme, and fits on a narrow screen",
    async (colorScheme) => {
      answer = onePair;
      const { page, context, complaints } = await open({ ...SCREENS.desktop, colorScheme });
      await page.evaluate(AXE);
      for (const language of LANGUAGES) {
        await page.setViewportSize(SCREENS.desktop.viewport);
        await page.selectOption(".language select", language);
        const city = recorded(language).current.sessions[0]?.places[0]?.city ?? "";
        await until(page, city);
        await page.waitForTimeout(600);
        const found = await page.evaluate(() =>
          (window as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
        );
        const violations = found.violations.map(
          ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`,
        );
        expect(violations, language).toEqual([]);
        expect(await page.getAttribute("html", "lang")).toBe(language);
        await page.setViewportSize(SCREENS.narrow.viewport);
        await untilStill(page, 250);
        expect(await problemsOf(page), language).toEqual([]);
      }
      expect(complaints).toEqual([]);
      await context.close();
    },
  );

  it.each(["ja-JP", "zh-CN"])("breaks lines where it may: %s", async (locale) => {
    answer = onePair;
    for (const screen of [SCREENS.desktop, SCREENS.phone, SCREENS.narrow]) {
      const { page, context } = await open({ ...screen, locale });
      const starts = await page.evaluate(() => {
        const walker = document.createTreeWalker(
          document.querySelector(".sentence") as Element,
          NodeFilter.SHOW_TEXT,
        );
        const found: string[] = [];
        let line = -1;
        for (let node = walker.nextNode(); node; node = walker.nextNode()) {
          [...(node.textContent ?? "")].forEach((sign, i) => {
            const range = document.createRange();
            range.setStart(node, i);
            range.setEnd(node, i + 1);
            const { bottom, height } = range.getBoundingClientRect();
            if (height > 0 && bottom > line + height / 2) {
              found.push(sign);
              line = bottom;
            }
          });
        }
        return found;
      });
      expect(starts.length).toBeGreaterThan(1);
      for (const sign of starts) expect("。、，」》！？）").not.toContain(sign);
      await context.close();
    }
  });

  it("has all that is told of a pair in sight on a phone on its side", async () => {
    // None of the shortest.
    answer = (language) =>
      withPair((session) => {
        session.track.title = "Ventana sin Espejo";
        session.places = [
          place(`Ponta Delgada ${language}`, 37.74, -25.67, "Atlantic/Azores"),
          place("Petropavlovsk-Kamchatsky", 53.04, 158.65, "Asia/Kamchatka"),
        ];
      }, language);
    const { page, context } = await open(SCREENS["phone on its side"]);
    for (const language of LANGUAGES) {
      await page.selectOption(".language select", language);
      await until(page, `Ponta Delgada ${language}`);
      const bottom = await page.evaluate(
        () => document.querySelector(".facts")?.getBoundingClientRect().bottom ?? Number.NaN,
      );
      expect(bottom, language).toBeLessThanOrEqual(375);
    }
    await context.close();
  });

  const turned = (page: Page) =>
    page.evaluate(() => {
      document.documentElement.dir = "rtl";
    });
  const wrapped = (page: Page) =>
    page.evaluate(() => {
      (document.querySelector(".wordmark") as HTMLElement).style.inlineSize = "100%";
    });

  it.each([
    ["would run from right to left as well", turned],
    ["has the globe in its place when what is above it wraps", wrapped],
  ])("%s", async (_, change) => {
    answer = onePair;
    for (const [name, screen] of Object.entries(SCREENS)) {
      const { page, context } = await open(screen);
      // The globe's place in the lens, as far as it is seen from outside.
      const places = () =>
        page.evaluate(() => {
          const [lens, ...labels] = [".lens", ".label-first", ".label-second"].map((selector) =>
            document.querySelector(selector)?.getBoundingClientRect(),
          );
          return labels.flatMap((label) => [
            (label?.left ?? 0) - (lens?.left ?? 0),
            (label?.top ?? 0) - (lens?.top ?? 0),
          ]);
        });
      const before = await places();
      await change(page);
      await untilStill(page, 250);
      const moved = (await places()).map((at, i) => Math.abs(at - (before[i] ?? Number.NaN)));
      // Labels stand on whole pixels, the lens need not.
      expect(Math.max(...moved), name).toBeLessThan(1.1);
      expect(await problemsOf(page), name).toEqual([]);
      await context.close();
    }
  });

  it("keeps a city's name whole that is written the other way", async () => {
    answer = (language) =>
      withPair(({ places: [first, second] }) => {
        Object.assign(first ?? {}, { city: "תל אביב (יפו)" });
        Object.assign(second ?? {}, { city: "Lima" });
      }, language);
    const { page, context } = await open(SCREENS.desktop);
    const styles = await page.evaluate(() =>
      [...document.querySelectorAll(".label strong")].map((name) => {
        const { direction, unicodeBidi } = getComputedStyle(name);
        return [direction, unicodeBidi];
      }),
    );
    expect(styles).toEqual([
      ["rtl", "isolate"],
      ["ltr", "isolate"],
    ]);
    await context.close();
  });
});

describe("a title of any length", () => {
  const words = "What Was Said on the Last Evening of the Long Summer before Anybody Knew ";
  it.each([
    ["long", words],
    ["very long", words.repeat(5)],
    ["very long, in one word", "Donaudampfschifffahrt".repeat(16)],
    ["very long, in Japanese", "長い夏の最後の夜に誰も知らなかったこと".repeat(12)],
  ])("is read whole: %s", async (_, title) => {
    answer = (language) =>
      withPair(({ track }) => {
        track.title = title.trim();
      }, language);
    for (const [name, screen] of Object.entries(SCREENS)) {
      const { page, context } = await open(screen);
      expect(await problemsOf(page), name).toEqual([]);
      expect(await page.locator(".song").textContent(), name).toBe(title.trim());
      // What does not fit on the screen can be scrolled to.
      const [top, bottom, height] = await page.evaluate(() => {
        const [sentence, facts] = [".sentence", ".facts"].map((selector) =>
          document.querySelector(selector)?.getBoundingClientRect(),
        );
        return [sentence?.top ?? -1, facts?.bottom ?? 0, document.documentElement.scrollHeight];
      });
      expect(top, name).toBeGreaterThanOrEqual(0);
      expect(bottom, name).toBeLessThanOrEqual(height ?? 0);
      await context.close();
    }
  });
});

describe("everything", () => {
  it("can be reached by keyboard, and shows that it was", async () => {
    answer = onePair;
    const { page, context } = await open(SCREENS.desktop);
    const reached: string[] = [];
    for (let step = 0; step < 15; step++) {
      await page.keyboard.press("Tab");
      const [name, outline] = await page.evaluate(() => {
        const element = document.activeElement as HTMLElement;
        const holder = element.tagName === "SELECT" ? (element.parentElement as HTMLElement) : element;
        return [element.className || element.tagName, getComputedStyle(holder).outlineStyle] as const;
      });
      reached.push(name);
      if (name !== "skip" && name !== "BODY") expect(outline, name).toBe("solid");
    }
    expect(reached.slice(0, 4)).toEqual(["skip", "motion", "SELECT", "lens"]);
    expect(reached.filter((name) => name === "BUTTON")).toHaveLength(9);
    await context.close();
  });
});
