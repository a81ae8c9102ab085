/**
 * The server's clock, as well as it can be known here: all visitors switch to a slot by it, at the same instant.
 *
 * Each question to `/api/time` bounds the server's clock by when it was sent and when it was answered; the question with
 * the shortest way there and back bounds it best, and of that the middle is taken. Between questions the clock runs by
 * the browser's monotonic clock, so that it does not matter what the system's clock says, or is set to.
 */
import { parseTime } from "./api/parse";
import type { World } from "./api/world";

export interface Sample {
  /** What to add to the monotonic clock. */
  readonly offset: number;
  /** Milliseconds there and back. */
  readonly roundTrip: number;
  /** When it was taken, by the monotonic clock. */
  readonly at: number;
}

/** Questions one after the other, and milliseconds between them. */
const BURST = 5;
const BETWEEN = 120;
const AGAIN = 60_000;
/** Old samples are worth less: crystals differ by some milliseconds in a minute at worst. */
const OLDEST = 10 * 60_000;
const MOST_SAMPLES = 16;
const PATIENCE = 4000;
/** A correction by so much is told of. */
const NOTABLE = 5;
/** When the system's clock has moved on by so much more than the monotonic one, the machine has slept. */
const SLEPT = 2000;

export class ServerClock {
  #samples: readonly Sample[] = [];
  #timer: unknown;
  #isRunning = false;
  /** Counts starts, so that what was begun before a stop ends. */
  #round = 0;
  /** Whether what is known may be wrong; it is still the best that there is until the next answer. */
  #isDoubtful = false;
  #lastSeen: { monotonic: number; wall: number };

  constructor(
    private readonly world: World,
    private readonly changed: () => void = () => {},
  ) {
    this.#lastSeen = this.#look();
  }

  /** Milliseconds since 1970. Before the first answer it is the visitor's own clock. */
  now(): number {
    const best = bestOf(this.#samples);
    return best ? this.world.monotonic() + best.offset : this.world.wallClock();
  }

  get isSynchronised(): boolean {
    return this.#samples.length > 0;
  }

  /** How many samples are held. */
  get size(): number {
    return this.#samples.length;
  }

  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#round += 1;
    void this.#burst(BURST, this.#round);
  }

  stop(): void {
    this.#isRunning = false;
    this.world.clearTimer(this.#timer);
  }

  async #burst(left: number, round: number): Promise<void> {
    this.#doubtAfterSleep();
    const before = bestOf(this.#samples)?.offset;
    await this.#ask();
    if (!this.#isRunning || round !== this.#round) return;
    const after = bestOf(this.#samples)?.offset;
    if (after !== undefined && Math.abs(after - (before ?? Number.NEGATIVE_INFINITY)) > NOTABLE)
      this.changed();
    // The first minute's questions go on as a pair a minute; one that failed is asked again soon.
    const [next, wait] = left > 1 ? [left - 1, BETWEEN] : [2, this.isSynchronised ? AGAIN : BETWEEN * 10];
    this.#timer = this.world.setTimer(() => void this.#burst(next, round), wait);
  }

  async #ask(): Promise<void> {
    const giveUp = new AbortController();
    const timer = this.world.setTimer(() => giveUp.abort(), PATIENCE);
    const sent = this.world.monotonic();
    try {
      const answer = await this.world.fetch("/api/time", {
        signal: giveUp.signal,
        cache: "no-store",
        credentials: "omit",
      });
      const received = this.world.monotonic();
      const time = answer.ok ? parseTime(await answer.text()) : undefined;
      if (time === undefined) return;
      this.#samples = withSample(this.#isDoubtful ? [] : this.#samples, sampleOf(sent, received, time));
      this.#isDoubtful = false;
    } catch {
      // The next question may be answered.
    } finally {
      this.world.clearTimer(timer);
    }
  }

  /** The monotonic clocks of some systems stand still while they sleep. */
  #doubtAfterSleep(): void {
    const seen = this.#look();
    const slept = seen.wall - this.#lastSeen.wall - (seen.monotonic - this.#lastSeen.monotonic);
    if (slept > SLEPT) this.#isDoubtful = true;
    this.#lastSeen = seen;
  }

  #look(): { monotonic: number; wall: number } {
    return { monotonic: this.world.monotonic(), wall: this.world.wallClock() };
  }
}

/** The server tells whole milliseconds, which is half of one too little on average. */
export function sampleOf(sent: number, received: number, time: number): Sample {
  const roundTrip = Math.max(0, received - sent);
  return { offset: time + 0.5 - (sent + received) / 2, roundTrip, at: received };
}

/** With one more, and without those that are too old. */
export function withSample(samples: readonly Sample[], sample: Sample): readonly Sample[] {
  const fresh = samples.filter(({ at }) => sample.at - at <= OLDEST);
  const kept = [...fresh, sample];
  if (kept.length <= MOST_SAMPLES) return kept;
  // The slowest of the old ones tells the least.
  const slowest = fresh.reduce((a, b) => (b.roundTrip > a.roundTrip ? b : a));
  return kept.filter((one) => one !== slowest);
}

export function bestOf(samples: readonly Sample[]): Sample | undefined {
  return samples.reduce<Sample | undefined>(
    (best, sample) => (best && best.roundTrip < sample.roundTrip ? best : sample),
    undefined,
  );
}
