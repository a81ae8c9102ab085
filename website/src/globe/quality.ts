/**
 * How much is drawn: less where frames take too long. Levels: 0 everything, 1 coarse land and no graticule while moving,
 * 2 one pixel for each CSS pixel as well.
 */

export type Level = 0 | 1 | 2;

/** Frames over which time is averaged. */
const FRAMES = 24;
/** Milliseconds between frames that are too many: fewer than 42 frames a second. */
const SLOW = 24;
/** A pause longer than this was no slow frame: nothing moved, or the tab was hidden. */
const PAUSE = 250;
/** Milliseconds of frames in time after which more is tried again. */
const RECOVERY = 60_000;

export class Quality {
  #level: Level = 0;
  #last: number | undefined;
  #sum = 0;
  #count = 0;
  /** Milliseconds of frames in time since the level changed or a frame was late. */
  #good = 0;

  get level(): Level {
    return this.#level;
  }

  /** A frame is drawn at `now` (milliseconds). */
  observe(now: number): void {
    const passed = this.#last === undefined ? PAUSE : now - this.#last;
    this.#last = now;
    if (passed >= PAUSE) {
      this.#forget();
      return;
    }
    this.#sum += passed;
    this.#count += 1;
    if (this.#count < FRAMES) return;
    if (this.#sum / this.#count > SLOW) {
      if (this.#level < 2) this.#level = (this.#level + 1) as Level;
      this.#good = 0;
    } else {
      this.#good += this.#sum;
      if (this.#good >= RECOVERY) this.#improve();
    }
    this.#forget();
  }

  /** The stage has another size: what was too much may be possible now. */
  reset(): void {
    this.#level = 0;
    this.#good = 0;
    this.#last = undefined;
    this.#forget();
  }

  #improve(): void {
    if (this.#level > 0) this.#level = (this.#level - 1) as Level;
    this.#good = 0;
  }

  #forget(): void {
    this.#sum = 0;
    this.#count = 0;
  }
}
