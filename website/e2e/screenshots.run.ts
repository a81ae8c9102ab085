/** Pictures of the page, for people to look at: `make screenshots` writes them to screenshots/. */
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { BrowserContextOptions, Page } from "playwright-core";
import { expect, it } from "vitest";
import { type Latest, place, recordedTime, type Session, withPair } from "./answers.ts";
import { COUNT_FRAMES, launch, untilSlot, untilStill, visit } from "./browser.ts";
import { FixtureServer } from "./fixture-server.ts";

const FOLDER = fileURLToPath(new URL("../screenshots/", import.meta.url));

interface Picture {
  readonly name: string;
  readonly options: BrowserContextOptions;
  readonly answer?: (language: string) => Latest;
  /** Milliseconds after the pair is shown; without, when all is still. */
  readonly after?: number;
  readonly isWhole?: boolean;
}

const desktop = { viewport: { width: 1280, height: 720 } };
const wall = { viewport: { width: 1920, height: 1080 } };
const largeWall = { viewport: { width: 3840, height: 2160 } };
const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true };
const dark = { colorScheme: "dark" } as const;
const light = { colorScheme: "light" } as const;

const pair =
  (title: string, km: number, first: Session["places"][number], second: Session["places"][number]) =>
  (language: string) =>
    withPair((session) => {
      session.track = { id: title, title, artists: ["Renfitri Raquilya"] };
      session.distance_km = km;
      session.places = [first, second];
    }, language);

const americas = pair(
  "Lantern Street",
  9930,
  place("Lisbon", 38.72, -9.14, "Europe/Lisbon"),
  place("Lima", -12.05, -77.04, "America/Lima"),
);

const antipodes = pair(
  "Paper Moon over Water",
  19_690,
  place("Lima", -12.05, -77.04, "America/Lima"),
  place("Bangkok", 13.75, 100.5, "Asia/Bangkok"),
);

const long = pair(
  "What Was Said on the Last Evening of the Long Summer before Anybody Knew, or the Ballad of the Lighthouse Keeper’s Daughter, in Nine Verses, as Sung in the Harbour",
  16_020,
  place("Santo Domingo de los Tsáchilas", -0.25, -79.17, "America/Guayaquil"),
  place("Thiruvananthapuram", 8.49, 76.95, "Asia/Kolkata"),
);

const PICTURES: readonly Picture[] = [
  { name: "desktop-dark", options: { ...desktop, ...dark } },
  { name: "desktop-light", options: { ...desktop, ...light } },
  { name: "desktop-dark-near", options: { ...desktop, ...dark }, answer: americas },
  { name: "desktop-light-near", options: { ...desktop, ...light }, answer: americas },
  { name: "desktop-flying", options: { ...desktop, ...dark }, answer: americas, after: 1500 },
  { name: "desktop-reduced-motion", options: { ...desktop, ...dark, reducedMotion: "reduce" } },
  // docs/globe.jpg is made of this one.
  { name: "readme", options: { ...desktop, ...dark, deviceScaleFactor: 1.5 }, answer: americas },
  { name: "wall-dark", options: { ...wall, ...dark }, answer: americas },
  { name: "wall-large-light", options: { ...largeWall, ...light } },
  { name: "desktop-long", options: { ...desktop, ...dark }, answer: long },
  { name: "desktop-far", options: { ...desktop, ...dark }, answer: antipodes },
  { name: "desktop-without-javascript", options: { ...desktop, ...dark, javaScriptEnabled: false } },
  { name: "phone-sideways", options: { ...phone, ...dark, viewport: { width: 667, height: 375 } } },
  { name: "phone-dark", options: { ...phone, ...dark }, answer: americas },
  { name: "phone-light", options: { ...phone, ...light } },
  { name: "phone-whole", options: { ...phone, ...dark }, isWhole: true },
  { name: "phone-japanese", options: { ...phone, ...light, locale: "ja-JP" } },
  { name: "phone-portuguese", options: { ...phone, ...dark, locale: "pt-BR" } },
  { name: "desktop-japanese", options: { ...desktop, ...dark, locale: "ja-JP" } },
  { name: "desktop-portuguese", options: { ...desktop, ...light, locale: "pt-BR" } },
  { name: "desktop-russian", options: { ...desktop, ...dark, locale: "ru-RU" } },
  { name: "desktop-chinese", options: { ...desktop, ...light, locale: "zh-CN" } },
  { name: "tablet-light", options: { viewport: { width: 820, height: 1180 }, ...light }, answer: americas },
  { name: "narrow-320", options: { viewport: { width: 320, height: 640 }, ...dark } },
  {
    name: "zoomed-200-percent",
    options: { viewport: { width: 640, height: 360 }, deviceScaleFactor: 2, ...light },
  },
];

/** Waits until the page is as it is to be seen. */
async function untilReady(page: Page, after: number | undefined): Promise<void> {
  await untilSlot(page);
  if (after === undefined) await untilStill(page);
  // What fades in by style has done so as well.
  await page.waitForTimeout(after ?? 700);
}

it("writes the pictures", async () => {
  mkdirSync(FOLDER, { recursive: true });
  const only = process.env.ONLY ?? "";
  const browser = await launch();
  for (const { name, options, answer, after, isWhole } of PICTURES.filter((picture) =>
    picture.name.includes(only),
  )) {
    const latest = (language: string) => (answer ? answer(language) : withPair(() => {}, language));
    const server = await FixtureServer.start(
      () => recordedTime(800),
      (language) => ({ body: latest(language) }),
    );
    const { page, context, complaints } = await visit(browser, server.origin, {
      ...options,
      before: COUNT_FRAMES,
    });
    await page.goto(server.origin);
    if (options.javaScriptEnabled !== false) await untilReady(page, after);
    await page.screenshot({ path: `${FOLDER}${name}.png`, fullPage: isWhole ?? false });
    expect(complaints, name).toEqual([]);
    await context.close();
    await server.stop();
  }
  await browser.close();
}, 300_000);
