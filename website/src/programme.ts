/**
 * What is on, when: a pure function of the slots that the page has been told of and of the server's time.
 *
 * A slot becomes current at its start and stays so until the next one starts, however long that takes. What was shown is
 * never followed by something older, whatever answers come in which order and whatever the clock does.
 */
import type { Latest, Slot } from "./api/types";

/** Slots before the current one that are kept: the list has ten. A whole answer tells of nine. */
export const RECENT = 10;
/** Announced slots that are kept; there is rarely more than one. */
const ANNOUNCED = 12;
/** A start that is further ahead of the server's clock is a mistake: it is neither waited for nor shown. */
const HORIZON = 3_600_000;

export interface OnAir {
  readonly current: Slot;
  readonly next: Slot | undefined;
  /** Newest first. */
  readonly recent: readonly Slot[];
}

export class Programme {
  /** In the order of their starts. */
  #slots: readonly Slot[] = [];
  /** The latest start of which it is known that it has passed. */
  #passed = Number.NEGATIVE_INFINITY;

  /** A whole answer. What the server calls current has started, whatever the clock says. */
  learn(latest: Latest): void {
    this.#passed = Math.max(this.#passed, latest.current.startsAt);
    for (const slot of [...latest.recent, latest.current]) this.#add(slot);
    if (latest.next) this.#add(latest.next);
    this.#forget();
  }

  announce(slot: Slot): void {
    this.#add(slot);
    this.#forget();
  }

  /** The names of what is known are in another language than those to come: only these are wanted. */
  relearn(latest: Latest): void {
    this.#slots = [];
    this.learn(latest);
  }

  /** What is on at `now`, by the server's clock; undefined until the first slot has started. */
  at(now: number): OnAir | undefined {
    this.#disbelieve(now);
    const started = this.#slots.filter((slot) => slot.startsAt <= Math.max(now, this.#passed));
    const current = started[started.length - 1];
    if (!current) return undefined;
    this.#passed = Math.max(this.#passed, current.startsAt);
    return {
      current,
      next: this.#slots[started.length],
      recent: started.slice(0, -1).reverse().slice(0, RECENT),
    };
  }

  /** Without what cannot be, so that the next good answer counts again. A clock that is not known yet refutes nothing. */
  #disbelieve(now: number): void {
    if (!Number.isFinite(now)) return;
    this.#slots = this.#slots.filter(({ startsAt }) => startsAt <= now + HORIZON);
    if (this.#passed > now + HORIZON) this.#passed = Number.NEGATIVE_INFINITY;
  }

  /** How many slots are held. */
  get size(): number {
    return this.#slots.length;
  }

  #add(slot: Slot): void {
    const known = this.#slots.find(({ number }) => number === slot.number);
    const chosen = known ? betterOf(known, slot) : slot;
    const others = this.#slots.filter((other) => other !== known);
    this.#slots = [...others, chosen].sort((a, b) => a.startsAt - b.startsAt || a.number - b.number);
  }

  #forget(): void {
    const started = this.#slots.filter(({ startsAt }) => startsAt <= this.#passed).length;
    const from = Math.max(0, started - RECENT - 1);
    this.#slots = this.#slots.slice(from, started + ANNOUNCED);
  }
}

/** As it is with the slot of a number on air; as it is really when that is no longer known. */
export function heldAt(number: number, onAir: OnAir): OnAir {
  const slots = [onAir.current, ...onAir.recent];
  const index = slots.findIndex((slot) => slot.number === number);
  const current = slots[index];
  if (!current || index === 0) return onAir;
  return { current, next: slots[index - 1], recent: slots.slice(index + 1) };
}

/** Of two announcements of one slot, all replicas keep that whose featured session has the smaller id. */
function betterOf(known: Slot, slot: Slot): Slot {
  const [one, other] = [known.sessions[0].id, slot.sessions[0].id];
  if (one !== other) return one < other ? known : slot;
  // Slots of the past are told of with their featured session only.
  return known.sessions.length > slot.sessions.length ? known : slot;
}
