/**
 * The visitor's hand on the globe. Whoever turns it keeps it turned; a few seconds after the last touch the tour takes it
 * back, gently. Pure: the time, in milliseconds, is an argument.
 */
import type { Shot } from "./camera";
import { easeInOut, shareOf } from "./easing";
import { between } from "./journey";
import { centreOf, lookAt, rollOf } from "./orientation";

/** How long after the last touch the tour goes on. */
export const IDLE = 5000;
/** How long the way back takes. */
const RETURN = 1200;
/** As near to a pole as one may turn, in degrees. */
const STEEPEST = 85;
export const ZOOMS = { least: 0.75, most: 3 } as const;

export class Steering {
  #hand: { view: Shot; touched: number; held: boolean } | undefined;

  /** Turns the view by degrees to the east and north, from where it is seen now. */
  turn(from: Shot, east: number, north: number, now: number): void {
    const [longitude, latitude] = centreOf(from.orientation);
    const clamped = Math.max(-STEEPEST, Math.min(STEEPEST, latitude + north));
    // What a flight left of roll is lost little by little, so that nothing jumps under the hand.
    const orientation = lookAt([longitude + east, clamped], rollOf(from.orientation) * 0.9);
    this.#touch({ orientation, zoom: from.zoom }, now);
  }

  zoom(from: Shot, factor: number, now: number): void {
    const zoom = Math.max(ZOOMS.least, Math.min(ZOOMS.most, from.zoom * factor));
    this.#touch({ orientation: from.orientation, zoom }, now);
  }

  /** A finger or button is down: the tour waits for as long as it is. */
  hold(from: Shot, now: number): void {
    this.#touch(from, now);
    if (this.#hand) this.#hand.held = true;
  }

  release(now: number): void {
    if (!this.#hand?.held) return;
    this.#hand.held = false;
    this.#hand.touched = now;
  }

  /** Whether the globe is held, or was turned a moment ago. */
  isInHand(now: number): boolean {
    return this.#hand !== undefined && (this.#hand.held || now < this.#hand.touched + IDLE);
  }

  /** The tour takes over at once. */
  letGo(): void {
    this.#hand = undefined;
  }

  /** What is seen where the tour would show `tour`. Without motion, the tour is back at once. */
  view(tour: Shot, now: number, isStill: boolean): Shot {
    const hand = this.#hand;
    if (!hand || hand.held) return hand?.view ?? tour;
    const back = shareOf(now, hand.touched + IDLE, isStill ? 0 : RETURN);
    if (back >= 1) {
      this.#hand = undefined;
      return tour;
    }
    return back > 0 ? between(hand.view, tour, easeInOut(back)) : hand.view;
  }

  /** When the view next changes by itself: `now` while it is on its way back, undefined when it does not. */
  nextChange(now: number): number | undefined {
    if (!this.#hand || this.#hand.held) return undefined;
    return Math.max(now, this.#hand.touched + IDLE);
  }

  #touch(view: Shot, now: number): void {
    this.#hand = { view, touched: now, held: this.#hand?.held ?? false };
  }
}
