/** How movements begin and end. Shares of the time in, shares of the way out. */

export function clamp01(share: number): number {
  return Math.max(0, Math.min(1, share));
}

/** Slowly away, slowly there. */
export function easeInOut(share: number): number {
  const t = clamp01(share);
  return t * t * t * (t * (6 * t - 15) + 10);
}

export function easeOut(share: number): number {
  return 1 - (1 - clamp01(share)) ** 3;
}

/** A fall that ends with two small bounces. */
export function bounce(share: number): number {
  const t = clamp01(share);
  if (t < 0.6) return (t / 0.6) ** 2;
  if (t < 0.85) return 1 - 0.16 * (1 - ((t - 0.725) / 0.125) ** 2);
  return 1 - 0.04 * (1 - ((t - 0.925) / 0.075) ** 2);
}

/** The share of the time from `start` for `duration` that has passed at `now`. */
export function shareOf(now: number, start: number, duration: number): number {
  return duration <= 0 ? (now >= start ? 1 : 0) : clamp01((now - start) / duration);
}
