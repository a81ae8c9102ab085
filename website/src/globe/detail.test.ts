import { expect, test } from "vitest";
import { Detail } from "./detail";

test("what is fine goes and comes softly, however long nothing was drawn before", () => {
  const detail = new Detail();
  expect(detail.at(0, true)).toBe(1);
  const going = [1000, 1100, 1200, 1300, 1400].map((now) => detail.at(now, false));
  expect(going.map((share) => Math.round(share * 3))).toEqual([3, 2, 1, 0, 0]);
  expect(detail.isChanging(false)).toBe(false);
  expect(detail.isChanging(true)).toBe(true);
  const coming = [9000, 9150, 9300].map((now) => detail.at(now, true));
  expect(coming).toEqual([0, 0.5, 1]);
  expect(detail.isChanging(true)).toBe(false);
});
