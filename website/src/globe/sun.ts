/** Where the sun stands: day on one half of the globe, night on the other. */
import { toVector, type Vec3 } from "./sphere";

const RADIANS = Math.PI / 180;
const DAY_MS = 86_400_000;
/** Noon of 1 January 2000, from which astronomers count. */
const J2000_MS = Date.UTC(2000, 0, 1, 12);

/**
 * The place that has the sun overhead at an instant (milliseconds since 1970), by the Astronomical Almanac's formula of
 * low precision: good to a hundredth of a degree in this century, and a pixel is a fifth of a degree.
 */
export function subsolarPoint(instant: number): Vec3 {
  const days = (instant - J2000_MS) / DAY_MS;
  const meanLongitude = 280.46 + 0.985_647_4 * days;
  const meanAnomaly = (357.528 + 0.985_600_3 * days) * RADIANS;
  const ecliptic =
    (meanLongitude + 1.915 * Math.sin(meanAnomaly) + 0.02 * Math.sin(2 * meanAnomaly)) * RADIANS;
  const obliquity = (23.439 - 4e-7 * days) * RADIANS;
  const declination = Math.asin(Math.sin(obliquity) * Math.sin(ecliptic));
  const rightAscension = Math.atan2(Math.cos(obliquity) * Math.sin(ecliptic), Math.cos(ecliptic));
  const greenwichAngle = 280.460_618_37 + 360.985_647_366_29 * days;
  return toVector([wrap(rightAscension / RADIANS - greenwichAngle), declination / RADIANS]);
}

/** Into -180..180. */
function wrap(degrees: number): number {
  return ((((degrees + 180) % 360) + 360) % 360) - 180;
}
