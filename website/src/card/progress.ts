/** How much of the slot has passed, in ten notches: a quiet sign that something comes next. */
import { find } from "./dom";

export const NOTCHES = 10;

export class Progress {
  readonly #element = find(".progress");
  readonly #notches = Array.from({ length: NOTCHES }, () => document.createElement("i"));
  #passed = -1;

  constructor() {
    this.#element.replaceChildren(...this.#notches);
  }

  /** `share` of the slot; undefined while there is nothing to tell. */
  show(share: number | undefined): void {
    const passed = share === undefined ? -1 : Math.floor(Math.max(0, Math.min(1, share)) * NOTCHES);
    if (passed === this.#passed) return;
    this.#passed = passed;
    this.#element.hidden = passed < 0;
    this.#notches.forEach((notch, index) => {
      notch.className = index < passed ? "passed" : "";
    });
  }
}
