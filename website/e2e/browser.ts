/** Debian's Chromium, driven by playwright-core, drawing without a GPU. */
import { existsSync } from "node:fs";
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from "playwright-core";

const CANDIDATES = [
  process.env.CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];

export async function launch(): Promise<Browser> {
  const executablePath = CANDIDATES.find((path) => path !== undefined && existsSync(path));
  if (!executablePath)
    throw new Error("no Chromium was found; install it (Debian: chromium) or set CHROMIUM to its path");
  return chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

export interface Visit {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors of the console, exceptions, failed loads, and requests to other hosts. */
  readonly complaints: string[];
}

/** A new visitor. `origin` is where the site is: whatever else is asked for is complained of. */
export async function visit(
  browser: Browser,
  origin: string,
  options: BrowserContextOptions & { readonly before?: string } = {},
): Promise<Visit> {
  const { before, ...contextOptions } = options;
  const context = await browser.newContext({
    locale: "en-AU",
    viewport: { width: 1280, height: 720 },
    timezoneId: "UTC",
    ...contextOptions,
  });
  if (before) await context.addInitScript(before);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(`${error}`));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.origin !== origin && url.protocol !== "data:") complaints.push(`asked another host: ${url}`);
  });
  return { page, context, complaints };
}

/** Waits until the pair of a slot is shown, or that of a later one: on a busy machine one may pass unseen. */
export async function untilSlot(page: Page, number = 0, timeout = 15_000): Promise<void> {
  await page.waitForFunction(
    (least) => Number(document.querySelector<HTMLElement>("#pair")?.dataset.slot ?? -1) >= least,
    number,
    { polling: 50, timeout },
  );
}

/** Waits until nothing moves: no frame has been asked for in `quiet` milliseconds. Needs COUNT_FRAMES. */
export async function untilStill(page: Page, quiet = 1000): Promise<void> {
  // What was just asked for is noticed in the next frame.
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  const isStill = (least: number) => performance.now() - window.lastFrameAsked > least;
  await page.waitForFunction(isStill, quiet, { polling: 50, timeout: 20_000 });
}

/** Counts the frames that the page asks for. */
export const COUNT_FRAMES = `
  window.framesAsked = 0;
  window.lastFrameAsked = 0;
  const ask = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (callback) => {
    window.framesAsked += 1;
    window.lastFrameAsked = performance.now();
    return ask(callback);
  };
`;

declare global {
  interface Window {
    framesAsked: number;
    lastFrameAsked: number;
  }
}
