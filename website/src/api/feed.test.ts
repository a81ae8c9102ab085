import { describe, expect, it } from "vitest";
import { type FakeEvents, FakeWorld, type Network } from "../testing/fake-world";
import { latestAt, SLOT_MS, slot, slotFields, toJson } from "../testing/slots";
import { Feed } from "./feed";

const START = 1000 * SLOT_MS;

/** A feed in a world whose server answers as the real one does. */
function setUp(network?: Network) {
  const answer: Network = (_, options) => {
    const latest = latestAt(START + world.time);
    const tag = `"${latest.current.number}-${latest.next?.number}"`;
    const known = (options.headers as Record<string, string>)["If-None-Match"];
    if (known === tag) return new Response(null, { status: 304 });
    return new Response(toJson(latest), { headers: { ETag: tag } });
  };
  const world = new FakeWorld(network ?? answer);
  const seen = { known: 0, connected: [] as boolean[], languages: [] as string[] };
  const feed = new Feed(
    world,
    () => START + world.time,
    {
      latest: (latest, language) => {
        seen.known = Math.max(seen.known, (latest.next ?? latest.current).number);
        seen.languages.push(language);
      },
      slot: ({ number }) => {
        seen.known = Math.max(seen.known, number);
      },
      isConnected: (isConnected) => seen.connected.push(isConnected),
    },
    "en",
  );
  return { world, feed, seen, answer };
}

const lastStream = (world: FakeWorld) => world.streams[world.streams.length - 1] as FakeEvents;

describe("the feed", () => {
  it("knows each slot before it starts, with about two questions a slot", async () => {
    const { world, feed, seen } = setUp();
    feed.start();
    for (let turn = 1; turn <= 100; turn++) {
      await world.pass(SLOT_MS - 200);
      expect(seen.known).toBe(1000 + turn);
      await world.pass(200);
    }
    expect(world.asked.length).toBeLessThan(205);
  });

  it("asks in the language that is wanted, and does not listen to answers in another", async () => {
    const { world, feed, seen } = setUp();
    feed.start();
    feed.setLanguage("pt-BR");
    await world.pass(100);
    expect(seen.languages).toEqual(["pt-BR"]);
    expect(world.asked).toEqual(["/api/latest?lang=en", "/api/latest?lang=pt-BR"]);
  });

  it.each<[string, (feed: Feed) => void]>([
    ["hidden and shown", (feed) => [feed.stop(), feed.start()]],
    ["switched to a language and back", (feed) => ["ja", "en"].map((tag) => feed.setLanguage(tag))],
  ])("hears again what came when it was %s", async (_, disturb) => {
    const { world, feed, seen } = setUp();
    const answer = () => new Response(toJson(latestAt(START)), { headers: { ETag: '"1"' } });
    let answerFirst = () => {};
    world.network = () => new Promise((resolve) => (answerFirst = () => resolve(answer())));
    feed.start();
    await world.pass(0);
    // What is asked then is lost, and the first answer comes when nobody listens to it any more.
    world.network = () => Promise.reject(new TypeError("gone"));
    disturb(feed);
    answerFirst();
    await world.pass(0);
    world.network = (_, { headers }) =>
      "If-None-Match" in (headers ?? {}) ? new Response(null, { status: 304 }) : answer();
    await world.pass(20_000);
    expect(seen.known).toBe(1000);
  });

  it("waits through a 503 at the start, and a minute without an answer", async () => {
    const { world, feed, seen, answer } = setUp();
    world.network = () => new Response("{}", { status: 503 });
    feed.start();
    await world.pass(20_000);
    expect(seen).toMatchObject({ known: 0, connected: [] });
    world.network = answer;
    await world.pass(17_000);
    expect(seen.connected).toEqual([]);
    const known = seen.known;
    world.network = () => Promise.reject(new TypeError("gone"));
    const before = world.asked.length;
    await world.pass(60_000);
    expect(seen).toMatchObject({ known, connected: [false] });
    expect(world.asked.length - before).toBeLessThan(14);
    world.network = answer;
    await world.pass(31_000);
    expect(seen.connected).toEqual([false, true]);
    expect(seen.known).toBeGreaterThan(known);
  });

  it("gives up a question that nobody answers", async () => {
    const { world, feed, seen, answer } = setUp();
    world.network = (_, { signal }) =>
      new Promise((_, reject) => signal?.addEventListener("abort", () => reject(new Error("aborted"))));
    feed.start();
    await world.pass(9000);
    expect(seen.connected).toEqual([false]);
    world.network = answer;
    await world.pass(10_000);
    expect(seen.known).toBeGreaterThan(0);
  });

  it("stays calm when the server's times are odd, and recovers", async () => {
    const far = { ...slot(9e9), startsAt: Date.UTC(2099, 0), endsAt: Date.UTC(2099, 0) + SLOT_MS };
    for (const odd of [{ current: far }, { next: far }, { slotMs: 0.001 }]) {
      const { world, feed, seen, answer } = setUp();
      world.network = () => new Response(toJson({ ...latestAt(START + world.time), ...odd }));
      feed.start();
      await world.pass(60_000);
      expect(world.asked.length, JSON.stringify(odd)).toBeLessThan(32);
      world.network = answer;
      seen.known = 0;
      await world.pass(20_000);
      expect(seen.known).toBeGreaterThanOrEqual(1015);
      expect(world.asked.length).toBeLessThan(50);
    }
  });

  it("asks at once when told to", async () => {
    const { world, feed, answer, seen } = setUp(() => Promise.reject(new TypeError("gone")));
    feed.start();
    await world.pass(300_000);
    world.network = answer;
    feed.askNow();
    await world.pass(0);
    expect(seen.known).toBeGreaterThan(0);
  });

  it("is silent after it was stopped", async () => {
    const { world, feed } = setUp();
    world.hasEvents = true;
    feed.start();
    await world.pass(7000);
    feed.stop();
    const before = world.asked.length;
    await world.pass(60_000);
    expect(world.asked.length).toBe(before);
    expect(world.timers).toBe(0);
    expect(lastStream(world).isClosed).toBe(true);
  });
});

describe("the stream", () => {
  it("makes questions unnecessary", async () => {
    const { world, feed, seen } = setUp();
    world.hasEvents = true;
    feed.start();
    lastStream(world).open();
    await world.pass(3000);
    for (let number = 1001; number <= 1050; number++) {
      lastStream(world).push("slot", JSON.stringify(slotFields(slot(number))));
      expect(seen.known).toBe(number);
      await world.pass(SLOT_MS);
    }
    expect(world.asked.length).toBeLessThan(5);
  });

  it("is helped out by questions when it is silent, lost or refused", async () => {
    for (const trouble of ["silent", "lost", "refused"]) {
      const { world, feed, seen } = setUp();
      world.hasEvents = true;
      feed.start();
      if (trouble === "silent") lastStream(world).open();
      else lastStream(world).fail(trouble === "refused");
      await world.pass(60_000);
      expect(seen.known, trouble).toBeGreaterThanOrEqual(1011);
      expect(seen.connected, trouble).toEqual([]);
    }
  });

  it("is opened again later when it was refused, and passes over what it cannot read", async () => {
    const { world, feed, seen } = setUp();
    world.hasEvents = true;
    feed.start();
    lastStream(world).fail(true);
    expect(world.streams).toHaveLength(1);
    await world.pass(13_000);
    expect(world.streams).toHaveLength(2);
    lastStream(world).open();
    lastStream(world).push("slot", "{");
    lastStream(world).push("slot", JSON.stringify(slotFields(slot(2000))));
    expect(seen.known).toBe(2000);
  });
});
