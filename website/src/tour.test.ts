import { describe, expect, it } from "vitest";
import { latestAt, SLOT_MS, slot } from "./testing/slots";
import { CHOSEN_FOR, Tour } from "./tour";

const START = 100 * SLOT_MS;
const UNKNOWN = Number.NEGATIVE_INFINITY;

/** A tour on which slot 100 is on, and 101 announced. */
function tourAt100(): Tour {
  const tour = new Tour();
  tour.learn({ ...latestAt(START), next: slot(101) }, "en", START);
  return tour;
}

const numberAt = (tour: Tour, now: number) => {
  tour.advance(now);
  return tour.showing(now)?.slot.number;
};

describe("the tour", () => {
  it("has nothing to show before the first answer", () => {
    const tour = new Tour();
    tour.advance(START);
    expect(tour.showing(START)).toBeUndefined();
    expect(tour.untilNext(START)).toBeUndefined();
    expect(tour.situation(START).overdue).toBeUndefined();
  });

  it("goes from pair to pair at their starts, and says how far it has come", () => {
    const tour = tourAt100();
    expect(tour.untilNext(START + 1200)).toBe(SLOT_MS - 1200);
    expect(numberAt(tour, START + SLOT_MS - 1)).toBe(100);
    expect(tour.showing(START + 1250)).toMatchObject({ isNow: true, isChosen: false, passed: 0.25 });
    expect(numberAt(tour, START + SLOT_MS)).toBe(101);
    expect(tour.showing(START + SLOT_MS)?.recent.map(({ number }) => number)).toEqual([
      100, 99, 98, 97, 96, 95, 94, 93, 92, 91,
    ]);
  });

  it("shows what the server calls current while its time is not known, and does not switch by guesses", () => {
    const tour = new Tour();
    tour.learn({ ...latestAt(START), next: slot(101) }, "en", UNKNOWN);
    expect(tour.showing(UNKNOWN)).toMatchObject({ slot: { number: 100 }, isNow: true, passed: undefined });
    expect(tour.untilNext(UNKNOWN)).toBeUndefined();
  });

  it("says since when a pair should have been followed by another", () => {
    const tour = tourAt100();
    numberAt(tour, START + SLOT_MS);
    expect(tour.situation(START + 9 * SLOT_MS).overdue).toBe(7 * SLOT_MS);
    expect(tour.showing(START + 9 * SLOT_MS)).toMatchObject({ isNow: false, passed: undefined });
  });
});

describe("a pair that was chosen", () => {
  it("is shown for its time, while the tour goes on behind it", () => {
    const tour = tourAt100();
    tour.choose(97, 0);
    tour.advance(START + SLOT_MS);
    expect(tour.showing(START + SLOT_MS)).toMatchObject({
      slot: { number: 97 },
      isNow: false,
      isChosen: true,
    });
    expect(tour.isOver(CHOSEN_FOR, false)).toBe(false);
    expect(tour.isOver(CHOSEN_FOR + 1, false)).toBe(true);
    tour.choose(undefined, CHOSEN_FOR + 1);
    expect(tour.showing(START + SLOT_MS)).toMatchObject({ slot: { number: 101 }, isChosen: false });
  });

  it("stays while the globe is held, or the page is paused", () => {
    const tour = tourAt100();
    tour.choose(97, 0);
    expect(tour.isOver(10 * CHOSEN_FOR, true)).toBe(false);
    tour.isPaused = true;
    expect(tour.isOver(10 * CHOSEN_FOR, false)).toBe(false);
    tour.isPaused = false;
    expect(tour.isOver(10 * CHOSEN_FOR, false)).toBe(true);
  });

  it("goes when it is not told of any more", () => {
    const tour = tourAt100();
    tour.choose(91, 0);
    expect(tour.showing(START)?.isChosen).toBe(true);
    for (const number of [101, 102]) tour.announce(slot(number), number * SLOT_MS);
    expect(tour.showing(102 * SLOT_MS)).toMatchObject({ slot: { number: 102 }, isChosen: false });
  });
});

describe("a tour that is paused", () => {
  it("stays where it is, and goes on to what is on then", () => {
    const tour = tourAt100();
    tour.isPaused = true;
    tour.announce(slot(102), START);
    expect(numberAt(tour, START + 2 * SLOT_MS)).toBe(100);
    expect(tour.untilNext(START + 2 * SLOT_MS)).toBeUndefined();
    tour.isPaused = false;
    expect(numberAt(tour, START + 2 * SLOT_MS)).toBe(102);
  });

  it("still takes up its first pair", () => {
    const tour = new Tour();
    tour.isPaused = true;
    tour.learn(latestAt(START), "en", START);
    expect(tour.showing(START)?.slot.number).toBe(100);
  });

  it("has its pair in another language, or the newest when that one is not told of any more", () => {
    for (const [later, expected] of [
      [103, 100],
      [150, 150],
    ] as const) {
      const tour = tourAt100();
      tour.isPaused = true;
      tour.learn(latestAt(later * SLOT_MS), "ja", later * SLOT_MS);
      expect(tour.language).toBe("ja");
      expect(tour.showing(later * SLOT_MS)?.slot.number).toBe(expected);
    }
  });
});
