/** Places that pairs in tests are made of. */
import { type LonLat, toVector, type Vec3 } from "./sphere";

export const CITIES = {
  auckland: [174.76, -36.85],
  honolulu: [-157.86, 21.31],
  lima: [-77.04, -12.05],
  bangkok: [100.5, 13.75],
  osaka: [135.5, 34.69],
  berlin: [13.4, 52.5],
  potsdam: [13.06, 52.4],
  reykjavik: [-21.9, 64.15],
  vladivostok: [131.9, 43.1],
  suva: [178.44, -18.14],
  apia: [-171.77, -13.83],
  ushuaia: [-68.3, -54.8],
  hobart: [147.33, -42.88],
  madrid: [-3.7, 40.42],
  weber: [176.3, -40.4],
  northPole: [0, 90],
  southPole: [0, -90],
} as const satisfies Readonly<Record<string, LonLat>>;

export type City = keyof typeof CITIES;

export function at(city: City): Vec3 {
  return toVector(CITIES[city]);
}
