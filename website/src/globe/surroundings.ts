/** What happens around the globe that it has to know of: its place on the page, the theme, whether anyone sees it. */

/** The elements of the page that have to do with the globe. */
export interface Elements {
  /** What the canvas fills. */
  readonly stage: HTMLElement;
  readonly canvas: HTMLCanvasElement;
  /** What takes part in pointing and typing, and shows where the globe is to be. */
  readonly lens: HTMLElement;
  readonly labels: HTMLElement;
  /** What stands over the lens, and moves it when its size changes. */
  readonly above: HTMLElement;
}

export interface Watcher {
  /** The stage or the lens may be elsewhere, or of another size. */
  placed(): void;
  /** The colours may be others. */
  coloured(): void;
  seen(isSeen: boolean): void;
}

/** Media features that the style sheet's colours depend on. */
const THEMES = ["(prefers-color-scheme: dark)", "(forced-colors: active)", "(prefers-contrast: more)"];

export function watchSurroundings({ stage, lens, above }: Elements, watcher: Watcher): void {
  const sizes = new ResizeObserver(() => watcher.placed());
  for (const element of [stage, lens, above]) sizes.observe(element);
  // Where text runs the other way, the lens is as large and elsewhere.
  const direction = new MutationObserver(() => watcher.placed());
  direction.observe(document.documentElement, { attributeFilter: ["dir"] });
  for (const theme of THEMES) matchMedia(theme).addEventListener("change", () => watcher.coloured());
  let isInSight = true;
  const look = () => watcher.seen(isInSight && !document.hidden);
  document.addEventListener("visibilitychange", look);
  new IntersectionObserver((entries) => {
    isInSight = entries[entries.length - 1]?.isIntersecting === true;
    look();
  }).observe(lens);
}
