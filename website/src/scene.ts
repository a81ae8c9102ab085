/** From a slot to what the globe draws of it. */
import type { Place, Session, Slot } from "./api/types";
import type { Scene } from "./globe/journey";
import type { LabelText } from "./globe/label-layer";
import { toVector, type Vec3 } from "./globe/sphere";
import type { Format } from "./i18n/format";

/** Arcs of other sessions that are drawn at most; more would be a tangle. */
const MOST_OTHERS = 12;

export function sceneOf({ sessions }: Slot): Scene {
  const [featured, ...others] = sessions;
  const [first, second, ...places] = featured.places;
  return {
    first: vectorOf(first),
    second: vectorOf(second),
    places: places.map(vectorOf),
    others: others.slice(0, MOST_OTHERS).map(({ places: [one, other] }) => [vectorOf(one), vectorOf(other)]),
  };
}

/** The cities and the time of day there at the start of the session's slot. */
export function labelsOf(
  { places: [first, second] }: Session,
  instant: number,
  format: Format,
): readonly [LabelText, LabelText] {
  const label = ({ city, timeZone }: Place) => ({ city, time: format.timeAt(instant, timeZone) });
  return [label(first), label(second)];
}

function vectorOf({ longitude, latitude }: Place): Vec3 {
  return toVector([longitude, latitude]);
}
