import { describe, expect, it } from "vitest";
import { centreOf, lookAt } from "./orientation";
import { IDLE, Steering, ZOOMS } from "./steering";

const tour = { orientation: lookAt([100, 0]), zoom: 1 };
const here = { orientation: lookAt([0, 0]), zoom: 1 };
const longitude = (view: { orientation: ReturnType<typeof lookAt> }) =>
  Math.round(centreOf(view.orientation)[0]);

describe("steering", () => {
  it("shows the tour until someone turns the globe, and again some seconds after", () => {
    const steering = new Steering();
    expect(steering.view(tour, 0, false)).toBe(tour);
    steering.turn(here, 20, 10, 1000);
    expect(longitude(steering.view(tour, 1000 + IDLE, false))).toBe(20);
    const between = longitude(steering.view(tour, 1000 + IDLE + 600, false));
    expect(between).toBeGreaterThan(20);
    expect(between).toBeLessThan(100);
    expect(steering.view(tour, 1000 + IDLE + 2000, false)).toBe(tour);
    expect(steering.nextChange(9000)).toBeUndefined();
  });

  it("waits while a finger is down", () => {
    const steering = new Steering();
    steering.hold(here, 0);
    expect(longitude(steering.view(tour, 1e6, false))).toBe(0);
    expect(steering.nextChange(1e6)).toBeUndefined();
    expect(steering.isInHand(1e6)).toBe(true);
    steering.release(1e6);
    expect(steering.nextChange(1e6)).toBe(1e6 + IDLE);
    expect([1e6, 1e6 + IDLE - 1, 1e6 + IDLE].map((now) => steering.isInHand(now))).toEqual([
      true,
      true,
      false,
    ]);
    expect(steering.view(tour, 1e6 + IDLE + 5000, false)).toBe(tour);
  });

  it("goes back at once where motion is not wanted", () => {
    const steering = new Steering();
    steering.turn(here, 20, 0, 0);
    expect(steering.view(tour, IDLE, true)).toBe(tour);
  });

  it("turns no farther than the poles, and zooms within limits", () => {
    const steering = new Steering();
    steering.turn(here, 0, 500, 0);
    expect(centreOf(steering.view(tour, 0, false).orientation)[1]).toBeCloseTo(85, 6);
    steering.zoom(here, 1000, 0);
    expect(steering.view(tour, 0, false).zoom).toBe(ZOOMS.most);
    steering.zoom(here, 0.001, 0);
    expect(steering.view(tour, 0, false).zoom).toBe(ZOOMS.least);
  });

  it("lets go when asked to", () => {
    const steering = new Steering();
    steering.turn(here, 20, 0, 0);
    steering.letGo();
    expect(steering.view(tour, 1, false)).toBe(tour);
  });
});
