/** What the modules of the page need of the world, so that tests can give them another one. Times in milliseconds. */

export interface World {
  /** A clock that never jumps, whatever is done to the system's. */
  monotonic(): number;
  /** The system's clock: milliseconds since 1970, right or wrong. */
  wallClock(): number;
  setTimer(callback: () => void, milliseconds: number): unknown;
  clearTimer(handle: unknown): void;
  /** From 0 to 1. */
  random(): number;
  fetch(url: string, options: RequestInit): Promise<Response>;
  /** Undefined where there is none. */
  openEvents(url: string): Events | undefined;
}

/** What is used of an EventSource. */
export interface Events {
  onopen: ((event: never) => unknown) | null;
  onerror: ((event: never) => unknown) | null;
  readonly readyState: number;
  addEventListener(name: string, listener: (event: MessageEvent<string>) => void): void;
  close(): void;
}

export const browserWorld: World = {
  monotonic: () => performance.now(),
  wallClock: () => Date.now(),
  setTimer: (callback, milliseconds) => setTimeout(callback, milliseconds),
  clearTimer: (handle) => clearTimeout(handle as number),
  random: () => Math.random(),
  fetch: (url, options) => fetch(url, options),
  openEvents: (url) => (typeof EventSource === "undefined" ? undefined : new EventSource(url)),
};
