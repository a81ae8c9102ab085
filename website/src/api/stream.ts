/** Slots as they are announced, where the browser and the server have a stream. */
import { parseSlot } from "./parse";
import type { Slot } from "./types";
import type { Events, World } from "./world";

export interface StreamListener {
  slot(slot: Slot): void;
  /** Whether slots can be expected from it has changed. */
  isUp(isUp: boolean): void;
}

/** EventSource.CLOSED: the browser will not try again by itself. */
const CLOSED = 2;
/** How long after the server refused a stream it is asked for one again; doubled each time. */
const FIRST_WAIT = 10_000;
const LONGEST_WAIT = 300_000;

export class Stream {
  #events: Events | undefined;
  #timer: unknown;
  #refusals = 0;

  constructor(
    private readonly world: World,
    private readonly listener: StreamListener,
  ) {}

  open(language: string): void {
    this.close();
    const events = this.world.openEvents(`/api/stream?lang=${encodeURIComponent(language)}`);
    if (!events) return;
    this.#events = events;
    events.onopen = () => {
      this.#refusals = 0;
      this.listener.isUp(true);
    };
    events.onerror = () => {
      this.listener.isUp(false);
      if (events.readyState === CLOSED) this.#openLater(language);
    };
    events.addEventListener("slot", ({ data }) => {
      const slot = parseSlot(data);
      if (slot) this.listener.slot(slot);
    });
  }

  close(): void {
    this.#events?.close();
    this.#events = undefined;
    this.world.clearTimer(this.#timer);
    this.#timer = undefined;
  }

  #openLater(language: string): void {
    this.close();
    const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.#refusals);
    this.#refusals = Math.min(this.#refusals + 1, 10);
    this.#timer = this.world.setTimer(() => this.open(language), wait * (0.75 + 0.5 * this.world.random()));
  }
}
