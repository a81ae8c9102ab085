/** Where on the stage the globe is: in the middle of the lens, as large as fits. Lengths are in CSS pixels. */
import type { Room } from "./camera";
import type { Box } from "./labels";
import type { Disc } from "./projection";

/** Radius of the globe, as shares of the lens: a little wider than it, which on a phone is the whole screen. */
const OF_WIDTH = 0.52;
const OF_HEIGHT = 0.47;
const SMALLEST = 40;
/** How far labels and pins keep away from the edge of the lens. */
const LABEL_MARGIN = 6;
const PIN_MARGIN = 14;

export interface Placement {
  readonly width: number;
  readonly height: number;
  /** At the usual zoom. */
  readonly disc: Disc;
  /** Where labels may be. */
  readonly bounds: Box;
  /** Where pins may be. */
  readonly room: Room;
}

/** Of a stage and the lens through which it is seen, both as the page has them. */
export function placementOf(stage: Box, lens: Box): Placement {
  const [left, top] = [lens.left - stage.left, lens.top - stage.top];
  const radius = Math.max(SMALLEST, Math.min(lens.width * OF_WIDTH, lens.height * OF_HEIGHT));
  return {
    width: Math.max(1, stage.width),
    height: Math.max(1, stage.height),
    disc: { x: left + lens.width / 2, y: top + lens.height / 2, radius },
    bounds: {
      left: left + LABEL_MARGIN,
      top: top + LABEL_MARGIN,
      width: lens.width - 2 * LABEL_MARGIN,
      height: lens.height - 2 * LABEL_MARGIN,
    },
    room: { x: room(lens.width, radius), y: room(lens.height, radius) },
  };
}

function room(size: number, radius: number): number {
  return Math.max(0.1, (size / 2 - PIN_MARGIN) / radius);
}
