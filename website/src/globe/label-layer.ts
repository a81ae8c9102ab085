/** The names of the two cities, as text over the canvas. */
import { type Box, type Point, placeLabels } from "./labels";

export interface LabelText {
  readonly city: string;
  readonly time: string;
}

interface Shown {
  readonly element: HTMLElement;
  readonly city: HTMLElement;
  readonly time: HTMLElement;
  width: number;
  height: number;
}

export class LabelLayer {
  readonly #labels: readonly [Shown, Shown];
  #sides: readonly number[] = [];

  constructor(layer: HTMLElement) {
    this.#labels = [makeLabel("first"), makeLabel("second")];
    layer.replaceChildren(...this.#labels.map(({ element }) => element));
  }

  set(texts: readonly [LabelText, LabelText] | undefined): void {
    this.#labels.forEach((label, index) => {
      const text = texts?.[index];
      label.element.hidden = !text;
      label.city.textContent = text?.city ?? "";
      label.time.textContent = text?.time ?? "";
    });
    this.measure();
    this.#sides = [];
  }

  /** Again, when the size of the text may have changed. */
  measure(): void {
    for (const label of this.#labels) {
      label.width = label.element.offsetWidth;
      label.height = label.element.offsetHeight;
    }
  }

  /**
   * `anchors` in pixels of the layer; an undefined one is out of sight. `line` is the arc between them, `unit` the size of
   * what is drawn.
   */
  place(
    anchors: readonly (Point | undefined)[],
    alphas: readonly number[],
    bounds: Box,
    line: readonly Point[],
    unit: number,
  ): void {
    const seen = this.#labels.flatMap((label, index) => {
      const anchor = anchors[index];
      return anchor && (alphas[index] ?? 0) > 0 ? [{ label, index, anchor }] : [];
    });
    const boxes = placeLabels(
      seen.map(({ label, anchor }) => ({ width: label.width, height: label.height, anchor })),
      bounds,
      seen.map(({ index }) => this.#sides[index] ?? 0),
      line,
      unit,
    );
    const sides = [...this.#sides];
    this.#labels.forEach(({ element }, index) => {
      const at = seen.findIndex((one) => one.index === index);
      const placed = boxes[at];
      element.style.opacity = placed ? `${alphas[index] ?? 0}` : "0";
      if (!placed) return;
      sides[index] = placed.side;
      element.style.transform = `translate(${Math.round(placed.box.left)}px, ${Math.round(placed.box.top)}px)`;
    });
    this.#sides = sides;
  }
}

function makeLabel(name: string): Shown {
  const element = document.createElement("div");
  element.className = `label label-${name}`;
  element.hidden = true;
  const city = document.createElement("strong");
  const time = document.createElement("span");
  // Each as a whole, in its own direction.
  city.dir = time.dir = "auto";
  element.append(city, time);
  return { element, city, time, width: 0, height: 0 };
}
