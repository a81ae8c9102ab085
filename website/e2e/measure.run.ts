/** What the page costs, beside what it may cost: `npm run measure`. Say how busy the machine was beside the figures. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { place, recordedTime, running, withPair } from "./answers.ts";
import { COUNT_FRAMES, launch, untilSlot, untilStill, visit } from "./browser.ts";
import { DIST, FixtureServer } from "./fixture-server.ts";

const report = (name: string, value: string, limit: string) =>
  console.log(`${name.padEnd(58)} ${value.padStart(12)}   ${limit}`);

it("sizes", () => {
  const files = readdirSync(join(DIST, "assets")).filter((name) => /\.(js|css|json)$/.test(name));
  const size = (pattern: RegExp) =>
    files
      .filter((name) => pattern.test(name))
      .reduce(
        (sum, name) => sum + gzipSync(readFileSync(join(DIST, "assets", name)), { level: 9 }).length,
        0,
      );
  report("JavaScript and CSS, gzip", `${(size(/\.(js|css)$/) / 1024).toFixed(1)} KiB`, "at most 80");
  report("land, gzip", `${(size(/\.json$/) / 1024).toFixed(1)} KiB`, "at most 60");
  report("page, plain", `${(statSync(join(DIST, "index.html")).size / 1024).toFixed(1)} KiB`, "");
  expect(size(/\.(js|css)$/)).toBeLessThan(80 * 1024);
  expect(size(/\.json$/)).toBeLessThan(60 * 1024);
});

it("the first pair", async () => {
  const browser = await launch();
  const times: number[] = [];
  for (let turn = 0; turn < 5; turn++) {
    const server = await FixtureServer.start(Date.now, () => ({ body: running(Date.now(), 5000, 2000) }));
    const { page, context } = await visit(browser, server.origin);
    const start = performance.now();
    await page.goto(server.origin, { waitUntil: "commit" });
    await untilSlot(page);
    // The frame that shows it has been drawn.
    await page.evaluate(
      () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
    );
    times.push(performance.now() - start);
    await context.close();
    await server.stop();
  }
  await browser.close();
  report("first pair drawn, cold cache, worst of 5", `${Math.round(Math.max(...times))} ms`, "at most 1500");
  expect(Math.max(...times)).toBeLessThan(1500);
});

it.each([
  ["1280x720", { viewport: { width: 1280, height: 720 } }, "at least 50", "at most 20"],
  ["1920x1080", { viewport: { width: 1920, height: 1080 } }, "", ""],
  ["390x844, 4 pixels for 1", { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 }, "", ""],
] as const)("flying at %s", async (name, screen, leastFrames, mostCpu) => {
  const browser = await launch();
  // A flight in every slot of two seconds, so that it flies all the time.
  const cities = [
    place("Lima", -12, -77),
    place("Osaka", 34.7, 135.5),
    place("Lagos", 6.5, 3.4),
    place("Perth", -32, 116),
  ];
  const server = await FixtureServer.start(Date.now, () => {
    const latest = running(Date.now(), 1500, 1000);
    for (const slot of [latest.current, ...(latest.next ? [latest.next] : [])]) {
      for (const session of slot.sessions) {
        session.places = [cities[slot.slot % 4], cities[(slot.slot + 1) % 4]] as typeof session.places;
      }
    }
    return { body: latest };
  });
  const { page, context } = await visit(browser, server.origin, { ...screen, before: COUNT_FRAMES });
  await page.goto(server.origin);
  await untilSlot(page);
  await page.waitForTimeout(2000);
  const before = {
    cpu: cpuOfChromium(),
    frames: await page.evaluate(() => window.framesAsked),
    at: performance.now(),
  };
  await page.waitForTimeout(10_000);
  const frames = (await page.evaluate(() => window.framesAsked)) - before.frames;
  const cpu = cpuOfChromium() - before.cpu;
  const seconds = (performance.now() - before.at) / 1000;
  report(`frames a second while flying, ${name}`, (frames / seconds).toFixed(1), leastFrames);
  report(`CPU of the whole browser a frame, ${name}`, `${(cpu / frames).toFixed(1)} ms`, mostCpu);
  await context.close();
  await server.stop();
  await browser.close();
});

it("resting", async () => {
  const browser = await launch();
  const server = await FixtureServer.start(
    () => recordedTime(),
    () => ({ body: withPair(() => {}) }),
  );
  const { page, context } = await visit(browser, server.origin, { before: COUNT_FRAMES });
  await page.goto(server.origin);
  await untilSlot(page);
  await untilStill(page);
  const before = { cpu: cpuOfChromium(), frames: await page.evaluate(() => window.framesAsked) };
  await page.waitForTimeout(5000);
  const frames = (await page.evaluate(() => window.framesAsked)) - before.frames;
  report("frames in 5 s of rest", `${frames}`, "0");
  report("CPU of the whole browser at rest", `${((cpuOfChromium() - before.cpu) / 50).toFixed(1)} %`, "");
  expect(frames).toBe(0);
  await context.close();
  await server.stop();
  await browser.close();
});

it("load", () => report("load average beside these", loadavg()[0]?.toFixed(2) ?? "", ""));

/** Milliseconds of CPU that all of Chromium's processes that this program started have used. */
function cpuOfChromium(): number {
  const processes = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const stats = processes.flatMap((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return [{ pid, parent: fields[1] ?? "", ticks: Number(fields[11]) + Number(fields[12]) }];
    } catch {
      return [];
    }
  });
  const isOurs = (pid: string): boolean => {
    if (pid === `${process.pid}`) return true;
    const found = stats.find((stat) => stat.pid === pid);
    return found !== undefined && found.parent !== "0" && isOurs(found.parent);
  };
  const ours = stats.filter(({ pid }) => pid !== `${process.pid}` && isOurs(pid));
  return ours.reduce((sum, { ticks }) => sum + ticks * 10, 0);
}
