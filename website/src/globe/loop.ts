/**
 * Draws when something moves, and never otherwise: a frame is asked for with `wake`, and goes on for as long as drawing
 * says so. While the page or the globe is out of sight nothing is drawn.
 */

export interface LoopHost {
  requestFrame(callback: (now: number) => void): number;
  cancelFrame(handle: number): void;
  setTimer(callback: () => void, milliseconds: number): number;
  clearTimer(handle: number): void;
}

/** Draws a frame. Returns true to go on at once, or the milliseconds after which to go on, or false to rest. */
export type Draw = (now: number) => boolean | number;

export class Loop {
  #frame: number | undefined;
  #timer: number | undefined;
  #isVisible = true;
  #isWanted = false;

  constructor(
    private readonly draw: Draw,
    private readonly host: LoopHost,
  ) {}

  wake(): void {
    this.#isWanted = true;
    this.#schedule();
  }

  setVisible(isVisible: boolean): void {
    this.#isVisible = isVisible;
    if (isVisible) this.wake();
    else this.#cancel();
  }

  #schedule(): void {
    if (!this.#isVisible || this.#frame !== undefined) return;
    this.#clearTimer();
    this.#frame = this.host.requestFrame((now) => {
      this.#frame = undefined;
      this.#isWanted = false;
      const next = this.draw(now);
      if (next === true || this.#isWanted) this.wake();
      else if (typeof next === "number") this.#timer = this.host.setTimer(() => this.#due(), next);
    });
  }

  #due(): void {
    this.#timer = undefined;
    this.wake();
  }

  #cancel(): void {
    if (this.#frame !== undefined) this.host.cancelFrame(this.#frame);
    this.#frame = undefined;
    this.#clearTimer();
  }

  #clearTimer(): void {
    if (this.#timer !== undefined) this.host.clearTimer(this.#timer);
    this.#timer = undefined;
  }
}

/** The browser's. */
export const browserLoopHost: LoopHost = {
  requestFrame: (callback) => requestAnimationFrame(callback),
  cancelFrame: (handle) => cancelAnimationFrame(handle),
  setTimer: (callback, milliseconds) => window.setTimeout(callback, milliseconds),
  clearTimer: (handle) => window.clearTimeout(handle),
};
