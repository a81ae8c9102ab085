import { expect, test } from "vitest";
import { Quality } from "./quality";

function draw(quality: Quality, from: number, every: number, for_: number): number {
  let now = from;
  for (; now < from + for_; now += every) quality.observe(now);
  return now;
}

test("less is drawn while frames are late, more again after a minute in time", () => {
  const quality = new Quality();
  const slowed = draw(quality, 0, 40, 1000);
  expect(quality.level).toBe(1);
  const waited = draw(quality, slowed, 16, 55_000);
  expect(quality.level).toBe(1);
  draw(quality, waited, 16, 7000);
  expect(quality.level).toBe(0);
});
