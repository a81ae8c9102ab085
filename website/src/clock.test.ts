import { describe, expect, it, vi } from "vitest";
import { bestOf, ServerClock, sampleOf, withSample } from "./clock";
import { FakeWorld } from "./testing/fake-world";

const TRUE_START = Date.UTC(2026, 10, 24, 9);

/** A world whose server is right and whose answers take `delays` there and back, one after the other. */
function worldWith(delays: readonly (readonly [there: number, back: number])[]): FakeWorld {
  let turn = 0;
  const world: FakeWorld = new FakeWorld(() => {
    const [there, back] = delays[turn++ % delays.length] ?? [0, 0];
    world.time += there;
    const now = Math.floor(TRUE_START + world.time);
    world.time += back;
    return new Response(JSON.stringify({ now_ms: now }));
  });
  return world;
}

const error = (world: FakeWorld, clock: ServerClock) => Math.abs(clock.now() - (TRUE_START + world.time));

describe("the server's clock", () => {
  it("is known within half the shortest way there and back", async () => {
    const world = worldWith([
      [80, 20],
      [5, 300],
      [9, 5],
      [40, 40],
      [200, 1],
    ]);
    const clock = new ServerClock(world);
    clock.start();
    await world.pass(3000);
    expect(error(world, clock)).toBeLessThanOrEqual(7.5);
  });

  it("does not mind a visitor's clock that is 90 s wrong, nor one that is set meanwhile", async () => {
    const world = worldWith([[2, 2]]);
    world.wallStart = TRUE_START + 90_000;
    const clock = new ServerClock(world);
    clock.start();
    await world.pass(3000);
    expect(error(world, clock)).toBeLessThan(3);
    world.wallStart -= 3_600_000;
    expect(error(world, clock)).toBeLessThan(3);
    world.wallStart += 7_200_000;
    expect(error(world, clock)).toBeLessThan(3);
    await world.pass(61_000);
    expect(error(world, clock)).toBeLessThan(3);
  });

  it("is learnt anew when the machine has slept, and is not given up before", async () => {
    const world = worldWith([[2, 2]]);
    world.wallStart = TRUE_START;
    const clock = new ServerClock(world);
    clock.start();
    await world.pass(3000);
    const before = clock.now();
    // An hour passes in which the monotonic clock stood still.
    world.wallStart += 3_600_000;
    const slept = TRUE_START + 3_600_000;
    world.network = () => {
      // The way is longer than before, so that what was known before would seem better.
      world.time += 10;
      const now = Math.floor(slept + world.time);
      world.time += 10;
      return new Response(JSON.stringify({ now_ms: now }));
    };
    expect(clock.now()).toBeCloseTo(before, -1);
    clock.stop();
    clock.start();
    await world.pass(1000);
    expect(Math.abs(clock.now() - (slept + world.time))).toBeLessThan(3);
  });

  it("is the visitor's own until the server answers, and asks until it does", async () => {
    const world = new FakeWorld(() => {
      throw new TypeError("no network");
    });
    world.wallStart = TRUE_START;
    const changed = vi.fn();
    const clock = new ServerClock(world, changed);
    clock.start();
    await world.pass(10_000);
    expect(clock.isSynchronised).toBe(false);
    expect(clock.now()).toBe(TRUE_START + world.time);
    expect(changed).not.toHaveBeenCalled();
    world.network = () => new Response(JSON.stringify({ now_ms: TRUE_START + world.time }));
    await world.pass(2000);
    expect(clock.isSynchronised).toBe(true);
    expect(changed).toHaveBeenCalled();
  });

  it.each([["not json"], ["{}"], ['{"now_ms":"soon"}'], ["[]"]])(
    "passes over the answer %s",
    async (body) => {
      const world = new FakeWorld(() => new Response(body));
      const clock = new ServerClock(world);
      clock.start();
      await world.pass(3000);
      expect(clock.isSynchronised).toBe(false);
    },
  );

  it("keeps the best samples, and not for ever", () => {
    const samples = Array.from({ length: 100 }, (_, i) =>
      sampleOf(i * 1000, i * 1000 + 10 + (i % 7), 0),
    ).reduce<ReturnType<typeof withSample>>(withSample, []);
    expect(samples.length).toBeLessThanOrEqual(16);
    expect(bestOf(samples)?.roundTrip).toBe(10);
    const later = withSample(samples, sampleOf(1e7, 1e7 + 500, 0));
    expect(later).toHaveLength(1);
    expect(bestOf([])).toBeUndefined();
  });

  it("tells of corrections, not of answers that take their time", async () => {
    const world = worldWith([[40, 40]]);
    const changed = vi.fn();
    new ServerClock(world, changed).start();
    await world.pass(3000);
    expect(changed).toHaveBeenCalledTimes(1);
    // A shorter way shows that the clock was wrong.
    world.network = () => new Response(JSON.stringify({ now_ms: TRUE_START + world.time + 30 }));
    await world.pass(60_000);
    expect(changed).toHaveBeenCalledTimes(2);
  });

  it("runs one round of questions after a stop and a start", async () => {
    const world = worldWith([[1, 1]]);
    const clock = new ServerClock(world);
    clock.start();
    clock.stop();
    clock.start();
    await world.pass(3000);
    expect(world.timers).toBe(1);
  });
});
