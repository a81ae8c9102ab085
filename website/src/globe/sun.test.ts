import { describe, expect, it } from "vitest";
import { toLonLat } from "./sphere";
import { subsolarPoint } from "./sun";

describe("the sun", () => {
  // Declination and equation of time from the Astronomical Almanac, to a tenth of a degree.
  it.each([
    ["the equinox of March 2026", "2026-03-20T14:46:00Z", -39.6, 0],
    ["the solstice of June 2026", "2026-06-21T08:25:00Z", 54.2, 23.44],
    ["the solstice of December 2026", "2026-12-21T20:50:00Z", -133.0, -23.44],
    ["noon in Greenwich in early November", "2026-11-03T11:43:34Z", 0, -15.1],
  ])("stands overhead at %s", (_, instant, longitude, latitude) => {
    const [lon, lat] = toLonLat(subsolarPoint(Date.parse(instant)));
    expect(Math.abs(lon - longitude)).toBeLessThan(0.5);
    expect(Math.abs(lat - latitude)).toBeLessThan(0.1);
  });

  it("goes west by a degree in four minutes", () => {
    const start = Date.parse("2026-05-01T00:00:00Z");
    const [before] = toLonLat(subsolarPoint(start));
    const [after] = toLonLat(subsolarPoint(start + 240_000));
    expect((before - after + 360) % 360).toBeCloseTo(1, 2);
  });
});
