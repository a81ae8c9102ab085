/** When to ask `/api/latest` next: pure. Times in milliseconds, by the server's clock. */

export interface Situation {
  readonly now: number;
  /** End of the newest slot that is known, announced ones included; undefined while none is. */
  readonly knownUntil: number | undefined;
  readonly slotMs: number;
  /** Questions in a row that were not answered. */
  readonly failures: number;
  /** What the server asked to wait. */
  readonly retryAfter: number | undefined;
  /** Whether slots are pushed. */
  readonly isStreaming: boolean;
  /** From 0 to 1. */
  readonly random: number;
}

/** A slot is asked for so long before it starts: it is announced two seconds before. */
const BEFORE = 1400;
/** And once more so long after it should have started, if it was not announced then. */
const AFTER = 100;
/** By how much visitors' questions are spread, so that they do not all come at once. */
const SPREAD = 900;
/** How long after a slot that was pushed should have been followed by another the stream is helped out. */
const STREAM_GRACE = 1500;
const FIRST_BACKOFF = 1000;
const LONGEST_BACKOFF = 30_000;
const SOONEST = 250;
/** Questions about a slot that is overdue are at least so far apart, whatever a slot's length is said to be. */
const SHORTEST_WAIT = 1000;
/** No wait is longer: browsers take one of more than 2^31 ms for none at all. */
export const LONGEST_WAIT = 60_000;
/** What is said to be further in the future than this is not believed. */
export const HORIZON = 3_600_000;

/** Milliseconds until the next question. */
export function untilNextQuestion(situation: Situation): number {
  const { now, knownUntil, slotMs, failures, retryAfter, isStreaming, random } = situation;
  if (failures > 0) {
    const backoff = Math.min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** Math.min(failures - 1, 10));
    return Math.max(Math.min(retryAfter ?? 0, LONGEST_BACKOFF), backoff * (0.5 + 0.5 * random));
  }
  if (knownUntil === undefined) return FIRST_BACKOFF * (0.5 + random);
  const before = Math.min(BEFORE, slotMs * 0.4);
  const spread = Math.min(SPREAD, slotMs * 0.25) * random;
  const instants = isStreaming
    ? [knownUntil + STREAM_GRACE + spread]
    : [knownUntil - before + spread, knownUntil + AFTER + spread / 2];
  const wanted = instants.find((instant) => instant - now >= SOONEST);
  const isBelievable = knownUntil - now <= HORIZON;
  if (wanted !== undefined && isBelievable) return Math.min(LONGEST_WAIT, wanted - now);
  // The next slot is overdue: once a slot is enough.
  return Math.min(LONGEST_WAIT, Math.max(SHORTEST_WAIT, slotMs * (0.5 + 0.5 * random)));
}
