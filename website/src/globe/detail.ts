/** How much of what is fine is drawn: it comes and goes softly, so that nothing pops. Pure: times in milliseconds. */
import { clamp01 } from "./easing";

/** How long it takes to come or go. */
const FADE = 300;

export class Detail {
  #share = 1;
  /** The frame before, while it comes or goes. */
  #last: number | undefined;

  /** The share that is drawn at `now`. */
  at(now: number, isWanted: boolean): number {
    const step = (now - (this.#last ?? now)) / FADE;
    this.#share = clamp01(this.#share + (isWanted ? step : -step));
    this.#last = this.isChanging(isWanted) ? now : undefined;
    return this.#share;
  }

  isChanging(isWanted: boolean): boolean {
    return this.#share !== (isWanted ? 1 : 0);
  }
}
