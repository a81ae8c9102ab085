import { describe, expect, it } from "vitest";
import { heldAt, type OnAir, Programme } from "./programme";
import { latestAt, SLOT_MS, session, slot } from "./testing/slots";

describe("the programme", () => {
  it("is empty until it is told of a slot that has started", () => {
    const programme = new Programme();
    expect(programme.at(1e9)).toBeUndefined();
    programme.announce(slot(100));
    expect(programme.at(100 * SLOT_MS - 1)).toBeUndefined();
    expect(programme.at(100 * SLOT_MS)?.current.number).toBe(100);
  });

  it("switches at the start of the next slot, not a millisecond before", () => {
    const programme = new Programme();
    programme.learn(latestAt(104 * SLOT_MS - 500));
    const start = 104 * SLOT_MS;
    expect(programme.at(start - 1)?.current.number).toBe(103);
    expect(programme.at(start - 1)?.next?.number).toBe(104);
    expect(programme.at(start)?.current.number).toBe(104);
    expect(programme.at(start)?.next).toBeUndefined();
  });

  it("believes the server that a slot is current, whatever the clock says", () => {
    const programme = new Programme();
    programme.learn(latestAt(100 * SLOT_MS));
    expect(programme.at(Number.NEGATIVE_INFINITY)?.current.number).toBe(100);
    expect(programme.at(0)?.current.number).toBe(100);
  });

  it("never goes back: neither with the clock nor with an older answer", () => {
    const programme = new Programme();
    programme.learn(latestAt(100 * SLOT_MS));
    programme.announce(slot(101));
    expect(programme.at(101 * SLOT_MS)?.current.number).toBe(101);
    expect(programme.at(99 * SLOT_MS)?.current.number).toBe(101);
    programme.learn(latestAt(97 * SLOT_MS));
    expect(programme.at(97 * SLOT_MS)?.current.number).toBe(101);
  });

  it("keeps the last slot when no next one comes", () => {
    const programme = new Programme();
    programme.learn(latestAt(100 * SLOT_MS));
    expect(programme.at(200 * SLOT_MS)?.current.number).toBe(100);
  });

  it("goes over a gap in the numbers", () => {
    const programme = new Programme();
    programme.announce(slot(100));
    programme.announce(slot(107));
    expect(programme.at(106.9 * SLOT_MS)?.current.number).toBe(100);
    expect(programme.at(107 * SLOT_MS)?.current.number).toBe(107);
    expect(programme.at(107 * SLOT_MS)?.recent.map(({ number }) => number)).toEqual([100]);
  });

  it("tells of ten slots before the current one, newest first", () => {
    const programme = new Programme();
    programme.learn(latestAt(100 * SLOT_MS));
    for (let number = 101; number < 120; number++) {
      programme.announce(slot(number));
      programme.at(number * SLOT_MS);
    }
    const numbers = programme.at(119 * SLOT_MS)?.recent.map(({ number }) => number);
    expect(numbers).toEqual([118, 117, 116, 115, 114, 113, 112, 111, 110, 109]);
  });

  it("keeps what it knows of a slot when it is told less", () => {
    const programme = new Programme();
    const whole = { ...slot(100), sessions: [session("s100"), session("t")] as const };
    programme.announce(whole);
    programme.learn({ ...latestAt(101 * SLOT_MS) });
    expect(programme.at(101 * SLOT_MS)?.recent[0]?.sessions).toHaveLength(2);
  });

  it("takes the same one of two announcements of a slot, in either order", () => {
    for (const ids of [
      ["a", "b"],
      ["b", "a"],
    ]) {
      const programme = new Programme();
      for (const id of ids) programme.announce(slot(100, id));
      expect(programme.at(100 * SLOT_MS)?.current.sessions[0].id).toBe("a");
    }
  });

  it("forgets names in another language", () => {
    const programme = new Programme();
    programme.learn(latestAt(100 * SLOT_MS));
    programme.relearn({ ...latestAt(101 * SLOT_MS), recent: [] });
    expect(programme.at(0)?.recent).toEqual([]);
    expect(programme.at(0)?.current.number).toBe(101);
  });

  it("recovers from a slot of another century", () => {
    const [number, now] = [100, 100 * SLOT_MS];
    const far = { ...slot(9e9), startsAt: Date.UTC(2099, 0), endsAt: Date.UTC(2099, 0) + SLOT_MS };
    for (const wrong of [
      { ...latestAt(now), next: far },
      { ...latestAt(now), current: far },
    ]) {
      const programme = new Programme();
      programme.learn(wrong);
      programme.at(Number.NEGATIVE_INFINITY);
      programme.at(now);
      programme.learn(latestAt(now));
      expect(programme.at(now)?.current.number).toBe(number);
      expect(programme.at(now)?.next).toBeUndefined();
    }
  });

  it("can be held at a slot, while that is known", () => {
    const programme = new Programme();
    programme.learn(latestAt(100 * SLOT_MS));
    const onAir = programme.at(100 * SLOT_MS) as OnAir;
    const held = heldAt(98, onAir);
    expect([held.next?.number, held.current.number, held.recent[0]?.number]).toEqual([99, 98, 97]);
    expect(heldAt(100, onAir)).toBe(onAir);
    expect(heldAt(12, onAir)).toBe(onAir);
  });

  it("does not grow", () => {
    const programme = new Programme();
    for (let number = 0; number < 20_000; number++) {
      programme.announce(slot(number));
      programme.at(number * SLOT_MS);
    }
    expect(programme.size).toBeLessThan(25);
  });
});
