import { describe, expect, it } from "vitest";
import { bounce, easeInOut } from "./easing";
import { frameAt, journeyTo, refitted, type Scene, stillOf } from "./journey";
import { lookAt, toMatrix, turnBetween } from "./orientation";
import { isInSight } from "./pins";
import { at, type City } from "./places.fixture";

const scene = (a: City, b: City): Scene => ({ first: at(a), second: at(b), places: [], others: [] });
const from = { orientation: lookAt([0, 0]), zoom: 1 };
const room = { x: 0.95, y: 1.1 };
const disc = { x: 0, y: 0, radius: 300 };
/** A slot is five seconds: everything has come to rest for a good while before the next one. */
const REST = 3800;

describe("a journey", () => {
  it.each<[City, City]>([
    ["berlin", "lima"],
    ["auckland", "honolulu"],
    ["suva", "apia"],
    ["madrid", "weber"],
    ["northPole", "southPole"],
    ["lima", "bangkok"],
    ["berlin", "berlin"],
  ])("from %s to %s is smooth and over before the next slot", (a, b) => {
    const journey = journeyTo(scene(a, b), from, room, 1000);
    let last = frameAt(journey, 1000);
    expect(turnBetween(last.shot.orientation, from.orientation)).toBeLessThan(1e-6);
    for (let now = 1008; now <= journey.end + 100; now += 8) {
      const frame = frameAt(journey, now);
      // Never more than five degrees a frame, forwards only.
      expect(turnBetween(last.shot.orientation, frame.shot.orientation)).toBeLessThan(0.09);
      expect(frame.arc).toBeGreaterThanOrEqual(last.arc);
      last = frame;
    }
    expect(journey.end - 1000).toBeLessThan(REST);
    expect(last).toMatchObject({ pins: [0, 0], arc: 1, labels: [1, 1], before: 0, isMoving: false });
    expect(last.ripples).toEqual([undefined, undefined]);
  });

  it("shows each pin on the near side when it falls, also of opposite places", () => {
    for (const [a, b] of [
      ["madrid", "weber"],
      ["lima", "bangkok"],
      ["berlin", "osaka"],
    ] as const) {
      const journey = journeyTo(scene(a, b), from, room, 0);
      const seen = [a, b].map((city, index) => {
        const { shot } = frameAt(journey, (journey.falls[index] ?? 0) + 420);
        return isInSight(toMatrix(shot.orientation), disc, at(city));
      });
      expect(seen, `${a}-${b}`).toEqual([true, true]);
    }
  });

  it("that is over shows the same in a room of another size, from farther away", () => {
    for (const pair of [scene("berlin", "lima"), scene("madrid", "weber"), scene("berlin", "potsdam")]) {
      for (const journey of [journeyTo(pair, from, room, 0), stillOf(pair, room, 0)]) {
        const before = frameAt(journey, journey.end);
        const after = frameAt(refitted(journey, { x: 0.1, y: 0.1 }), journey.end);
        expect(turnBetween(before.shot.orientation, after.shot.orientation)).toBeLessThan(1e-6);
        expect(after.shot.zoom).toBeLessThan(before.shot.zoom);
        expect({ ...after, shot: undefined }).toEqual({ ...before, shot: undefined });
      }
    }
  });

  it("is a cross-fade without motion", () => {
    const journey = stillOf(scene("berlin", "lima"), room, 1000);
    const [start, end] = [frameAt(journey, 1000), frameAt(journey, 2000)];
    expect(start.shot).toEqual(end.shot);
    expect(start).toMatchObject({ pins: [0, 0], arc: 1, labels: [1, 1], before: 1, isMoving: true });
    expect(end).toMatchObject({ pins: [0, 0], arc: 1, before: 0, isMoving: false });
    expect(start.ripples).toEqual([undefined, undefined]);
  });
});

describe("movements", () => {
  it("begin and end where they should", () => {
    for (const ease of [bounce, easeInOut]) {
      expect([ease(-1), ease(0), ease(1), ease(2)].map((value) => Math.round(value * 1e9) / 1e9 + 0)).toEqual(
        [0, 0, 1, 1],
      );
    }
    expect(bounce(0.725)).toBeLessThan(0.9);
  });
});
