/** A world for tests: its clocks move only when told to, and its network is a function. */
import type { Events, World } from "../api/world";

interface Timer {
  readonly id: number;
  readonly at: number;
  readonly callback: () => void;
}

export type Network = (url: string, options: RequestInit) => Promise<Response> | Response;

export class FakeEvents implements Events {
  onopen: (() => unknown) | null = null;
  onerror: (() => unknown) | null = null;
  readyState = 0;
  isClosed = false;
  readonly #listeners = new Map<string, (event: MessageEvent<string>) => void>();

  constructor(readonly url: string) {}

  addEventListener(name: string, listener: (event: MessageEvent<string>) => void): void {
    this.#listeners.set(name, listener);
  }

  close(): void {
    this.isClosed = true;
    this.readyState = 2;
  }

  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }

  push(name: string, data: string): void {
    this.#listeners.get(name)?.({ data } as MessageEvent<string>);
  }

  /** The connection is lost: the browser tries again by itself, or not. */
  fail(isFinal: boolean): void {
    this.readyState = isFinal ? 2 : 0;
    this.onerror?.();
  }
}

export class FakeWorld implements World {
  time = 0;
  /** What the system's clock shows when `time` is 0. */
  wallStart = 0;
  hasEvents = false;
  readonly streams: FakeEvents[] = [];
  readonly asked: string[] = [];
  #timers: Timer[] = [];
  #lastId = 0;
  #seed = 1;

  constructor(public network: Network) {}

  monotonic(): number {
    return this.time;
  }

  wallClock(): number {
    return this.wallStart + this.time;
  }

  setTimer(callback: () => void, milliseconds: number): unknown {
    this.#lastId += 1;
    this.#timers.push({ id: this.#lastId, at: this.time + Math.max(0, milliseconds), callback });
    return this.#lastId;
  }

  clearTimer(handle: unknown): void {
    this.#timers = this.#timers.filter(({ id }) => id !== handle);
  }

  random(): number {
    this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#seed / 2 ** 32;
  }

  async fetch(url: string, options: RequestInit): Promise<Response> {
    this.asked.push(url);
    if (this.asked.length > 1000) this.asked.splice(0, 500);
    return this.network(url, options);
  }

  openEvents(url: string): Events | undefined {
    if (!this.hasEvents) return undefined;
    const events = new FakeEvents(url);
    this.streams.push(events);
    return events;
  }

  get timers(): number {
    return this.#timers.length;
  }

  /** Lets time pass, and all happen that is due in it. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.time + milliseconds;
    await settle();
    for (;;) {
      const due = this.#timers.reduce<Timer | undefined>(
        (first, timer) =>
          first && (first.at < timer.at || (first.at === timer.at && first.id < timer.id)) ? first : timer,
        undefined,
      );
      if (!due || due.at > end) break;
      this.clearTimer(due.id);
      this.time = Math.max(this.time, due.at);
      due.callback();
      await settle();
    }
    this.time = end;
  }
}

/** Lets promises that are kept by now run on. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 12; turn++) await null;
}
