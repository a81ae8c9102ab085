import { describe, expect, it } from "vitest";
import { latestAt, SLOT_MS, toJson } from "../testing/slots";
import { parseLatest, parseSlot, parseTime } from "./parse";

type Json = Record<string, unknown>;

/** An answer with something about it changed. */
function changed(
  change: (body: { current: Json; next?: Json; recent: Json[]; [name: string]: unknown }) => void,
): string {
  const body = JSON.parse(toJson(latestAt(100 * SLOT_MS + 4000)));
  change(body);
  return JSON.stringify(body);
}

const sessionOf = (slot: Json): Json => (slot.sessions as Json[])[0] as Json;
const placeOf = (slot: Json): Json => (sessionOf(slot).places as Json[])[0] as Json;

describe("an answer of /api/latest", () => {
  it("is read as it was meant", () => {
    const latest = latestAt(100 * SLOT_MS + 4000);
    expect(parseLatest(toJson(latest))).toEqual(latest);
  });

  it.each([
    ["no JSON", "<html>"],
    ["an empty text", ""],
    ["null", "null"],
    ["a list", "[]"],
    ["nothing current", changed((body) => Reflect.deleteProperty(body, "current"))],
    ["a current slot without a session", changed(({ current }) => Object.assign(current, { sessions: [] }))],
    ["a start that is no time", changed(({ current }) => Object.assign(current, { starts_at: "soon" }))],
    [
      "an end of another century",
      changed(({ current }) => Object.assign(current, { ends_at: "2099-01-01T00:00:00Z" })),
    ],
    ["sessions that are no list", changed(({ current }) => Object.assign(current, { sessions: {} }))],
  ])("is nothing when it is %s", (_, text) => {
    expect(parseLatest(text)).toBeUndefined();
  });

  it("may have no next slot, no recent ones, and fields that nobody knows", () => {
    const text = changed((body) => {
      body.next = undefined as never;
      body.recent = "none" as never;
      body.colour = "blue";
    });
    expect(parseLatest(text)).toMatchObject({ next: undefined, recent: [] });
  });

  it.each([
    ["a missing title", (s: Json) => Reflect.deleteProperty(s.track as Json, "title"), { title: undefined }],
    ["an empty title", (s: Json) => Object.assign(s.track as Json, { title: "  " }), { title: undefined }],
    [
      "a title that is a number",
      (s: Json) => Object.assign(s.track as Json, { title: 7 }),
      { title: undefined },
    ],
    ["missing artists", (s: Json) => Reflect.deleteProperty(s.track as Json, "artists"), { artists: [] }],
    [
      "an artist that is null",
      (s: Json) => Object.assign(s.track as Json, { artists: [null, "A"] }),
      { artists: ["A"] },
    ],
  ])("stands %s", (_, change, expected) => {
    const latest = parseLatest(changed(({ current }) => void change(sessionOf(current))));
    expect(latest?.current.sessions[0].track).toMatchObject(expected);
  });

  it("leaves out what cannot be drawn", () => {
    const cases = [{ latitude: "north" }, { latitude: 91 }, { longitude: 181 }, { latitude: null }];
    for (const wrong of cases) {
      const text = changed(({ recent }) => Object.assign(placeOf(recent[0] as Json), wrong));
      expect(parseLatest(text)?.recent, JSON.stringify(wrong)).toHaveLength(8);
    }
  });

  it("calls a city without a name by its country, else by its coordinates", () => {
    const named = (fields: Json) =>
      parseLatest(changed(({ current }) => Object.assign(placeOf(current), fields)))?.current.sessions[0]
        .places[0].city;
    expect(named({ city: "", country: "Peru" })).toBe("Peru");
    expect(named({ city: undefined, country: "" })).toBe("12.1°S 77.0°W");
  });

  it.each([[0.001], [499], [1e12], [-5], ["5000"], [null]])(
    "does not believe in slots of %s ms",
    (slot_ms) => {
      expect(parseLatest(changed((body) => Object.assign(body, { slot_ms })))?.slotMs).toBe(SLOT_MS);
    },
  );

  it("takes odd numbers for none", () => {
    const text = changed(({ current }) =>
      Object.assign(sessionOf(current), { listeners: -3, distance_km: "far" }),
    );
    expect(parseLatest(text)?.current.sessions[0]).toMatchObject({ listeners: 0, distanceKm: 0 });
  });
});

describe("other answers", () => {
  it("are read or passed over", () => {
    expect(parseTime('{"now_ms":1795510805000}')).toBe(1795510805000);
    expect(parseTime('{"now_ms":-1}')).toBeUndefined();
    expect(parseSlot("{}")).toBeUndefined();
    expect(parseSlot(JSON.stringify(JSON.parse(toJson(latestAt(5e5))).current))?.number).toBe(100);
  });
});
