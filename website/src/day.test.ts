import { describe, expect, it } from "vitest";
import { Feed } from "./api/feed";
import { ServerClock } from "./clock";
import { Programme } from "./programme";
import { FakeWorld } from "./testing/fake-world";
import { latestAt, SLOT_MS, toJson } from "./testing/slots";

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

describe("a whole day", () => {
  it("is shown without a step back, and what is held stays as it was", async () => {
    const world: FakeWorld = new FakeWorld((url) => answer(world, url));
    const clock = new ServerClock(world);
    const programme = new Programme();
    const feed = new Feed(
      world,
      () => clock.now(),
      {
        latest: (latest) => programme.learn(latest),
        slot: (announced) => programme.announce(announced),
        isConnected: () => {},
      },
      "en",
    );
    clock.start();
    feed.start();
    await world.pass(SLOT_MS);
    let [last, shown, missed] = [0, 0, 0];
    for (let passed = SLOT_MS; passed < DAY; passed += SLOT_MS) {
      await world.pass(SLOT_MS);
      const number = programme.at(clock.now())?.current.number ?? 0;
      expect(number).toBeGreaterThanOrEqual(last);
      shown += number > last ? 1 : 0;
      missed += number < Math.floor((START + world.time) / SLOT_MS) ? 1 : 0;
      last = number;
      expect(world.timers).toBeLessThanOrEqual(4);
    }
    expect(programme.size).toBeLessThan(25);
    expect(clock.size).toBeLessThanOrEqual(16);
    // 24 minutes without a network, a few slots that were not announced in time.
    expect(missed).toBeLessThan((24 * 75 * 1000) / SLOT_MS + 17_280 / 50);
    expect(shown).toBeGreaterThan(16_500);
  }, 60_000);
});
