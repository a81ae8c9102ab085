import { describe, expect, it } from "vitest";
import { type Situation, untilNextQuestion } from "./schedule";

const usual: Situation = {
  now: 1_000_000,
  knownUntil: 1_005_000,
  slotMs: 5000,
  failures: 0,
  retryAfter: undefined,
  isStreaming: false,
  random: 0.5,
};

/** The shortest and the longest that chance makes of it. */
const range = (change: Partial<Situation>) =>
  [0, 0.999_999].map((random) => Math.round(untilNextQuestion({ ...usual, ...change, random })));

describe("the next question", () => {
  it.each<[string, Partial<Situation>, [number, number]]>([
    ["comes a little before the next slot, spread", {}, [3600, 4500]],
    ["comes after the slot when it was too early", { now: 1_004_500 }, [600, 1050]],
    ["comes once a slot when the next one is overdue", { now: 1_030_000 }, [2500, 5000]],
    ["leaves it to the stream", { isStreaming: true }, [6500, 7400]],
    ["helps a stream that is silent", { isStreaming: true, now: 1_020_000 }, [2500, 5000]],
    ["comes soon after a failure", { failures: 1 }, [500, 1000]],
    ["comes later after more", { failures: 4 }, [4000, 8000]],
    ["comes at least twice a minute", { failures: 50 }, [15_000, 30_000]],
    ["waits as long as the server wants", { failures: 1, retryAfter: 5000 }, [5000, 5000]],
    ["but not for ever", { failures: 1, retryAfter: 9e9 }, [30_000, 30_000]],
    ["comes soon while nothing is known", { knownUntil: undefined }, [500, 1500]],
    ["keeps up with short slots", { slotMs: 1000, knownUntil: 1_001_000 }, [600, 850]],
    ["keeps a distance when slots are said to be tiny", { slotMs: 0.001, now: 1_030_000 }, [1000, 1000]],
    [
      "comes once a minute when slots are said to be huge",
      { slotMs: 1e12, now: 1_030_000 },
      [60_000, 60_000],
    ],
    ["does not wait for a slot of far ahead", { knownUntil: 4_000_000 }, [60_000, 60_000]],
    ["does not believe in a slot of another year", { knownUntil: 4e12 }, [2500, 5000]],
  ])("%s", (_, change, expected) => {
    expect(range(change)).toEqual(expected);
  });
});
