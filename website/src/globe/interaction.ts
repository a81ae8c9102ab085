/** Hands on the globe: drag, wheel, pinch and keys become turns (degrees) and zooms (factors). */

export interface Hands {
  /** Something touches the globe, until `release`. */
  hold(): void;
  release(): void;
  turn(east: number, north: number): void;
  zoom(factor: number): void;
}

/** Degrees that an arrow key turns by. */
const KEY_TURN = 12;
const KEY_ZOOM = 1.2;
/** Wheel deltas (pixels) are halved in effect by so many. */
const WHEEL = 500;

const KEYS: Readonly<Record<string, readonly [east: number, north: number] | number>> = {
  ArrowLeft: [-KEY_TURN, 0],
  ArrowRight: [KEY_TURN, 0],
  ArrowUp: [0, KEY_TURN],
  ArrowDown: [0, -KEY_TURN],
  "+": KEY_ZOOM,
  "=": KEY_ZOOM,
  "-": 1 / KEY_ZOOM,
  _: 1 / KEY_ZOOM,
};

/** Listens on `element`; `radius` is the globe's on the screen, so that what is dragged stays under the finger. */
export function listen(element: HTMLElement, hands: Hands, radius: () => number): void {
  const fingers = new Map<number, { x: number; y: number }>();
  const span = () => {
    const [a, b] = [...fingers.values()];
    return a && b ? Math.hypot(a.x - b.x, a.y - b.y) : 0;
  };
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    element.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    element.dataset.held = "";
    hands.hold();
  });
  element.addEventListener("pointermove", (event) => {
    const last = fingers.get(event.pointerId);
    if (!last) return;
    const before = span();
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (fingers.size === 2 && before > 0) hands.zoom(span() / before);
    if (fingers.size > 1) return;
    const degrees = 180 / (Math.PI * radius());
    hands.turn((last.x - event.clientX) * degrees, (event.clientY - last.y) * degrees);
  });
  const lift = (event: PointerEvent) => {
    if (!fingers.delete(event.pointerId) || fingers.size > 0) return;
    delete element.dataset.held;
    hands.release();
  };
  element.addEventListener("pointerup", lift);
  element.addEventListener("pointercancel", lift);
  element.addEventListener(
    "wheel",
    (event) => {
      // Where the page scrolls, the wheel scrolls it; a pinch on a touchpad comes as a wheel with Ctrl.
      const scrolls = document.documentElement.scrollHeight > window.innerHeight + 1;
      if (scrolls && !event.ctrlKey) return;
      event.preventDefault();
      const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
      hands.zoom(2 ** (-(event.deltaY * lines) / WHEEL));
    },
    { passive: false },
  );
  element.addEventListener("keydown", (event) => {
    const meaning = event.altKey || event.ctrlKey || event.metaKey ? undefined : KEYS[event.key];
    if (meaning === undefined) return;
    event.preventDefault();
    if (typeof meaning === "number") hands.zoom(meaning);
    else hands.turn(...meaning);
  });
}
