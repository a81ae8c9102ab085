/**
 * What the visitor is shown. The tour takes them from slot to slot as these start, unless they paused it, or look at a
 * pair of the past, which ends by itself.
 *
 * Pure. Times are in milliseconds: `now` by the server's clock (minus infinity while that is not known: only what the
 * server calls current has then begun), `at` by a clock that never jumps.
 */
import { LONGEST_WAIT } from "./api/schedule";
import type { Latest, Slot } from "./api/types";
import { isRightNow, type Situation } from "./card/status";
import { heldAt, type OnAir, Programme } from "./programme";

/** How long a pair of the past that was chosen is shown. */
export const CHOSEN_FOR = 15_000;

/** What there is to see at an instant. */
export interface Showing {
  readonly slot: Slot;
  /** Whether it is what happens right now. */
  readonly isNow: boolean;
  /** Whether the visitor chose it from the past. */
  readonly isChosen: boolean;
  /** The pairs before the one that is on, newest first. */
  readonly recent: readonly Slot[];
  /** The share of the slot that has passed, while it is right now and something is to follow. */
  readonly passed: number | undefined;
}

export class Tour {
  readonly #programme = new Programme();
  #language: string | undefined;
  #slotMs = 5000;
  #onAir: OnAir | undefined;
  #chosen: { readonly number: number; readonly until: number } | undefined;
  isPaused = false;
  /** Whether the server answers. */
  isConnected = true;

  /** The language that the names are in; undefined before there are any. */
  get language(): string | undefined {
    return this.#language;
  }

  /** How many slots are held. */
  get size(): number {
    return this.#programme.size;
  }

  /**
   * A whole answer, with names in a language. In another one than before, the pair that is shown stays; the newest takes
   * its place when its names are not told of any more.
   */
  learn(latest: Latest, language: string, now: number): void {
    this.#slotMs = latest.slotMs;
    if (language === this.#language) {
      this.#programme.learn(latest);
    } else {
      this.#language = language;
      this.#programme.relearn(latest);
      const onAir = this.#programme.at(now);
      if (onAir && this.#onAir && this.isPaused) this.#onAir = heldAt(this.#onAir.current.number, onAir);
    }
    this.advance(now);
  }

  announce(slot: Slot, now: number): void {
    this.#programme.announce(slot);
    this.advance(now);
  }

  /** Goes on to what is on now. A paused tour only takes up its first pair. */
  advance(now: number): void {
    const onAir = this.#programme.at(now);
    if (!onAir || (this.isPaused && this.#onAir)) return;
    this.#onAir = onAir;
  }

  /** Milliseconds until the next pair starts; undefined while none is known, or wanted. */
  untilNext(now: number): number | undefined {
    const next = this.#onAir?.next;
    if (!next || this.isPaused || !Number.isFinite(now)) return undefined;
    return Math.min(LONGEST_WAIT, Math.max(0, next.startsAt - now));
  }

  /** A pair of the past, by the number of its slot; undefined for what is on. */
  choose(number: number | undefined, at: number): void {
    this.#chosen = number === undefined ? undefined : { number, until: at + CHOSEN_FOR };
  }

  /** Whether the pair that was chosen has had its time. Who holds the globe or paused still looks at it. */
  isOver(at: number, isInHand: boolean): boolean {
    return this.#chosen !== undefined && at > this.#chosen.until && !isInHand && !this.isPaused;
  }

  /** Undefined until the first pair. */
  showing(now: number): Showing | undefined {
    const onAir = this.#onAir;
    if (!onAir) return undefined;
    const { current, recent } = onAir;
    const chosen = this.#chosen && recent.find(({ number }) => number === this.#chosen?.number);
    if (chosen) return { slot: chosen, isNow: false, isChosen: true, recent, passed: undefined };
    this.#chosen = undefined;
    const isNow = isRightNow(now - current.endsAt, this.#situation);
    const passed = (now - current.startsAt) / Math.max(1, current.endsAt - current.startsAt);
    const isCounting = isNow && !this.isPaused && Number.isFinite(now);
    return { slot: current, isNow, isChosen: false, recent, passed: isCounting ? passed : undefined };
  }

  /** What the page waits for, if it does. */
  situation(now: number): Situation {
    const onAir = this.#onAir;
    return { ...this.#situation, overdue: onAir && !onAir.next ? now - onAir.current.endsAt : undefined };
  }

  get #situation(): Omit<Situation, "overdue"> {
    return { isPaused: this.isPaused, isConnected: this.isConnected, slotMs: this.#slotMs };
  }
}
