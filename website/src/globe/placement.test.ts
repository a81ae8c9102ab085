import { describe, expect, it } from "vitest";
import { placementOf } from "./placement";

const box = (left: number, top: number, width: number, height: number) => ({ left, top, width, height });

describe("the globe's place", () => {
  it("is the middle of the lens, between the texts", () => {
    const { disc, room } = placementOf(box(0, 0, 1280, 720), box(430, 68, 570, 608));
    expect(disc).toMatchObject({ x: 715, y: 372 });
    expect(disc.radius).toBeCloseTo(285.76, 2);
    expect(room.x).toBeLessThan(1);
  });

  it("is as wide as a phone, and more", () => {
    const { disc } = placementOf(box(0, 0, 390, 600), box(0, 68, 390, 456));
    expect(2 * disc.radius).toBeGreaterThan(390);
    expect(disc.radius).toBeLessThan(456 / 2);
  });

  it("follows the lens when the page is scrolled", () => {
    const still = placementOf(box(0, 0, 390, 600), box(0, 68, 390, 456));
    expect(placementOf(box(0, -200, 390, 600), box(0, -132, 390, 456))).toEqual(still);
  });

  it("exists where there is no room at all", () => {
    const { disc, room, width } = placementOf(box(0, 0, 0, 0), box(0, 0, 0, 0));
    expect([disc.radius, room.x, width]).toEqual([40, 0.1, 1]);
  });
});
