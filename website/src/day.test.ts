import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { Feed } from "./api/feed";
import { ServerClock } from "./clock";
import { FakeWorld } from "./testing/fake-world";
import { latestAt, SLOT_MS, toJson } from "./testing/slots";
import { Tour } from "./tour";

const START = 352_000 * SLOT_MS;
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** The server of a bad day: away for a minute every hour, without a next slot at times. */
function answer(world: FakeWorld, url: string): Response {
  const now = START + world.time;
  if (world.time % (60 * MINUTE) > 59 * MINUTE) throw new TypeError("no network");
  if (url === "/api/time") return new Response(JSON.stringify({ now_ms: Math.floor(now) }));
  const latest = latestAt(now);
  const hasNext = Math.floor(now / SLOT_MS) % 50 !== 0;
  return new Response(toJson(hasNext ? latest : { ...latest, next: undefined }));
}

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Bytes that are in use. */
function heap(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

describe("a whole day", () => {
  it("is shown without a step back, and what is held stays as it was", async () => {
    const world: FakeWorld = new FakeWorld((url) => answer(world, url));
    const tour = new Tour();
    const clock = new ServerClock(world);
    const feed = new Feed(
      world,
      () => clock.now(),
      {
        latest: (latest, language) => tour.learn(latest, language, clock.now()),
        slot: (announced) => tour.announce(announced, clock.now()),
        isConnected: (isConnected) => {
          tour.isConnected = isConnected;
        },
      },
      "en",
    );
    clock.start();
    feed.start();
    await world.pass(SLOT_MS);
    let [last, shown, missed, early] = [0, 0, 0, 0];
    for (let passed = SLOT_MS; passed < DAY; passed += SLOT_MS) {
      await world.pass(SLOT_MS);
      tour.advance(clock.now());
      const number = tour.showing(clock.now())?.slot.number ?? 0;
      if (number < last) throw new Error(`${number} was shown after ${last}`);
      shown += number > last ? 1 : 0;
      missed += number < Math.floor((START + world.time) / SLOT_MS) ? 1 : 0;
      last = number;
      if (world.timers > 4) throw new Error(`${world.timers} timers are set`);
      if (passed === 60 * MINUTE) early = heap();
    }
    // If every slot were kept, these would be 13 MB.
    expect(heap() - early).toBeLessThan(1_000_000);
    expect(tour.size).toBeLessThan(25);
    expect(clock.size).toBeLessThanOrEqual(16);
    // 24 minutes without a network, a few slots that were not announced in time.
    expect(missed).toBeLessThan((24 * 75 * 1000) / SLOT_MS + 17_280 / 50);
    expect(shown).toBeGreaterThan(16_500);
  }, 60_000);
});
