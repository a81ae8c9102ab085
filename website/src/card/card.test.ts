import { describe, expect, it } from "vitest";
import { formatFor } from "../i18n/format";
import { Preferences } from "../preferences";
import { session } from "../testing/slots";
import { ownArtwork } from "./artwork";
import { patternFor } from "./pattern";
import { localTimes, pairText, sentenceText } from "./sentence";
import { isRightNow, statusOf } from "./status";

const english = formatFor("en", ["en-AU"]);

describe("a pattern", () => {
  it("is the same for the same track, and another for another", () => {
    expect(patternFor("track-1")).toEqual(patternFor("track-1"));
    const patterns = new Set(Array.from({ length: 500 }, (_, i) => JSON.stringify(patternFor(`track-${i}`))));
    expect(patterns.size).toBeGreaterThan(300);
  });

  it("is drawn inside its square, in colours", () => {
    for (let i = 0; i < 500; i++) {
      const { background, shapes } = patternFor(`${i}`);
      expect(background).toMatch(/^#[0-9a-f]{6}$/);
      expect(shapes.length).toBeGreaterThan(3);
      for (const { path, fill } of shapes) {
        expect(fill).toMatch(/^#[0-9a-f]{6}$/);
        expect(path).toMatch(/^M[-\d. aAhHvVlLzZ]+$/);
        expect(path).not.toContain("NaN");
      }
    }
  });

  it("exists for any id", () => {
    for (const id of ["", "曲", "\u0000", "x".repeat(10_000)])
      expect(patternFor(id).shapes.length).toBeGreaterThan(0);
  });
});

describe("artwork", () => {
  it.each([
    [undefined, undefined],
    ["https://elsewhere.example/cover.jpg", undefined],
    ["//elsewhere.example/cover.jpg", undefined],
    ["data:image/png;base64,AAAA", undefined],
    ["javascript:alert(1)", undefined],
    ["http://[", undefined],
    ["/covers/1.jpg", "https://here.example/covers/1.jpg"],
    ["https://here.example/covers/1.jpg", "https://here.example/covers/1.jpg"],
  ])("of %s is shown only if it is the site's own", (url, expected) => {
    expect(ownArtwork(url, "https://here.example")).toBe(expected);
  });
});

describe("the sentence", () => {
  it("says who shares what with whom, and how far apart", () => {
    expect(sentenceText(session("1", "Harbour Lights"), english)).toBe(
      "Someone in \u2068Lima\u2069 and someone in \u2068Osaka\u2069 pressed play on “\u2068Harbour Lights\u2069” in the same second. 9,877 km apart",
    );
  });

  it("does without a title", () => {
    const untitled = session("1");
    const text = sentenceText({ ...untitled, track: { ...untitled.track, title: undefined } }, english);
    expect(text).toContain("pressed play on the same song in the same second");
  });

  it("names a pair shortly", () => {
    expect(pairText(session("1"))).toBe("\u2068Lima\u2069\u00a0– \u2068Osaka\u2069");
  });

  it("has the time of day in both cities, as the visitor writes it", () => {
    const instant = Date.UTC(2026, 10, 24, 9, 30);
    const plain = (text: string) => text.replace(/[\u2068\u2069]/g, "").replace(/\s/g, " ");
    expect(plain(localTimes(session("1"), instant, formatFor("de", ["de"])))).toBe(
      "Lima 04:30 · Osaka 18:30",
    );
    expect(plain(localTimes(session("1"), instant, formatFor("en", ["en-US"])))).toBe(
      "Lima 4:30 AM · Osaka 6:30 PM",
    );
    const { places, ...rest } = session("1");
    const nowhere = { ...rest, places: [{ ...places[0], timeZone: "" }, places[1]] as const };
    expect(plain(localTimes(nowhere, instant, formatFor("ja", ["ja"])))).toBe("Osaka 18:30");
  });
});

describe("the quiet line", () => {
  const usual = { isPaused: false, isConnected: true, overdue: -3000, slotMs: 5000 };
  it.each([
    ["all is well", {}, ""],
    ["nothing is on yet", { overdue: undefined }, ""],
    ["the next pair is a little late", { overdue: 7000 }, ""],
    ["the next pair is late", { overdue: 8000 }, "Waiting for the next pair …"],
    ["nobody answers", { isConnected: false, overdue: 8000 }, "No connection at the moment. Trying again …"],
    ["the visitor wants no motion", { isPaused: true, isConnected: false }, "Paused"],
  ])("when %s", (_, change, expected) => {
    expect(statusOf({ ...usual, ...change }, english.messages)).toBe(expected);
  });
});

describe("a pair is of right now", () => {
  const usual = { isPaused: false, isConnected: true, slotMs: 5000 };
  it.each([
    ["while its slot lasts", -1, {}, true],
    ["while the next one is a little late", 7000, {}, true],
    ["not when the page waits for another", 8000, {}, false],
    ["while its slot lasts, though nobody answers", -1, { isConnected: false }, true],
    ["not when it is over and nobody answers", 1, { isConnected: false }, false],
    ["while its slot lasts, though the page is paused", -1, { isPaused: true }, true],
    ["not when it is over and the page is paused", 1, { isPaused: true }, false],
    ["while the server's time is not known", Number.NEGATIVE_INFINITY, { isPaused: true }, true],
  ])("%s", (_, over, change, expected) => {
    expect(isRightNow(over, { ...usual, ...change })).toBe(expected);
  });
});

describe("preferences", () => {
  it("last for a visit where nothing may be stored", () => {
    for (const storage of [
      () => undefined,
      () => {
        throw new DOMException("denied", "SecurityError");
      },
    ]) {
      const preferences = new Preferences(storage);
      expect(preferences.language).toBeUndefined();
      preferences.language = "ja";
      preferences.isPaused = true;
      expect([preferences.language, preferences.isPaused]).toEqual(["ja", true]);
    }
  });

  it("last longer where it may", () => {
    const kept = new Map<string, string>();
    const storage = {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
    };
    new Preferences(() => storage).language = "ru";
    expect(new Preferences(() => storage).language).toBe("ru");
  });
});
