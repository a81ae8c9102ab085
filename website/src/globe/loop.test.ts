import { describe, expect, it } from "vitest";
import { type Draw, Loop, type LoopHost } from "./loop";
import { Quality } from "./quality";

class Host implements LoopHost {
  frames = new Map<number, (now: number) => void>();
  timers = new Map<number, () => void>();
  #last = 0;

  requestFrame(callback: (now: number) => void): number {
    this.frames.set(++this.#last, callback);
    return this.#last;
  }

  cancelFrame(handle: number): void {
    this.frames.delete(handle);
  }

  setTimer(callback: () => void): number {
    this.timers.set(++this.#last, callback);
    return this.#last;
  }

  clearTimer(handle: number): void {
    this.timers.delete(handle);
  }

  /** Runs what waits for a frame; returns how many there were. */
  frame(): number {
    const due = [...this.frames.values()];
    this.frames.clear();
    for (const callback of due) callback(0);
    return due.length;
  }
}

function loopWith(draw: Draw) {
  const host = new Host();
  return { host, loop: new Loop(draw, host) };
}

describe("the loop", () => {
  it("draws once when woken, however often, and then rests", () => {
    const { host, loop } = loopWith(() => false);
    loop.wake();
    loop.wake();
    expect(host.frame()).toBe(1);
    expect(host.frame()).toBe(0);
    expect(host.timers.size).toBe(0);
  });

  it("goes on while something moves", () => {
    let left = 3;
    const { host, loop } = loopWith(() => --left > 0);
    loop.wake();
    expect([host.frame(), host.frame(), host.frame(), host.frame()]).toEqual([1, 1, 1, 0]);
  });

  it("comes back when told to, once", () => {
    const { host, loop } = loopWith(() => 500);
    loop.wake();
    host.frame();
    expect([host.frames.size, host.timers.size]).toEqual([0, 1]);
    loop.wake();
    expect(host.timers.size).toBe(0);
  });

  it("rests out of sight, and draws when it is seen again", () => {
    const { host, loop } = loopWith(() => true);
    loop.wake();
    loop.setVisible(false);
    expect(host.frame()).toBe(0);
    loop.wake();
    expect(host.frame()).toBe(0);
    loop.setVisible(true);
    expect(host.frame()).toBe(1);
  });
});

describe("quality", () => {
  const levelAfter = (interval: number, frames: number, quality = new Quality()) => {
    for (let i = 0; i < frames; i++) quality.observe(i * interval);
    return quality.level;
  };

  it("is lowered step by step when frames take too long", () => {
    expect(levelAfter(16.7, 500)).toBe(0);
    expect(levelAfter(40, 26)).toBe(1);
    expect(levelAfter(40, 500)).toBe(2);
  });

  it("does not take a pause for a slow frame", () => {
    expect(levelAfter(1000, 500)).toBe(0);
  });

  it("starts anew with another size", () => {
    const quality = new Quality();
    levelAfter(40, 500, quality);
    quality.reset();
    expect(quality.level).toBe(0);
  });
});
