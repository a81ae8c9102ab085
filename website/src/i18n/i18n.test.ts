import { describe, expect, it } from "vitest";
import { formatFor } from "./format";
import { chooseLanguage, LANGUAGES, type Language, localeFor, MESSAGES } from "./languages";
import { fill, partsOf } from "./text";

describe("the choice of language", () => {
  it.each<[readonly string[], Language]>([
    [["de"], "de"],
    [["de-AT", "en"], "de"],
    [["pt-BR"], "pt-BR"],
    [["pt-PT"], "pt-BR"],
    [["pt"], "pt-BR"],
    [["zh-TW"], "zh-CN"],
    [["zh-Hant-HK"], "zh-CN"],
    [["ZH-cn"], "zh-CN"],
    [["sr-Latn-RS", "ru"], "ru"],
    [["tlh", "x-klingon", "ja-JP-u-ca-japanese"], "ja"],
    [["nl"], "en"],
    [[], "en"],
    [["", "*", "-"], "en"],
    [["es-419"], "es"],
    [["fro", "fr-CA"], "fr"],
  ])("of %j is %s", (wanted, expected) => {
    expect(chooseLanguage(wanted)).toBe(expected);
  });

  it("keeps how the visitor writes their own form of it", () => {
    expect(localeFor("en", ["fr", "en-GB"])).toBe("en-GB");
    expect(localeFor("pt-BR", ["pt-PT"])).toBe("pt-PT");
    expect(localeFor("ja", ["en-US"])).toBe("ja");
    expect(localeFor("en", ["en-!!"])).toBe("en");
  });
});

describe("the messages", () => {
  it.each([...LANGUAGES])("of %s have all that is put in", (language) => {
    const messages = MESSAGES[language];
    const names = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();
    expect(names(messages.sentence)).toEqual(["a", "b", "song"]);
    expect(names(messages.sentenceUntitled)).toEqual(["a", "b"]);
    expect(names(messages.apart)).toEqual(["distance"]);
    expect(names(messages.earlier)).toEqual(["time"]);
    for (const text of Object.values(messages.listeners)) expect(names(text ?? "")).toEqual(["n"]);
    for (const [name, text] of Object.entries(messages)) expect(text, name).not.toBe("");
  });

  it.each([...LANGUAGES])("of %s have a form for every count", (language) => {
    const { messages } = formatFor(language, []);
    const rules = new Intl.PluralRules(language);
    for (const count of [0, 1, 2, 5, 11, 21, 22, 101, 1_000_000]) {
      const category = rules.select(count);
      // Spanish, French and Portuguese have a form for millions that is written like the others here.
      if (category !== "many" || language === "ru") expect(messages.listeners).toHaveProperty(category);
    }
  });
});

describe("what is put in", () => {
  it("keeps its place and is told apart", () => {
    expect(partsOf("{a} and {b}.", { a: "X", b: "Y" })).toEqual([
      { name: "a", value: "X" },
      { text: " and " },
      { name: "b", value: "Y" },
      { text: "." },
    ]);
    expect(fill("{a}{b}{c}", { a: "{b}", b: "$&" })).toBe("{b}$&");
  });
});

describe("numbers, times and distances", () => {
  it.each<[Language, readonly string[], string]>([
    ["en", ["en-US"], "6,137 miles"],
    ["en", ["en-GB"], "6,137 miles"],
    ["en", ["en-AU"], "9,876 km"],
    ["de", ["de-DE"], "9.876 km"],
    ["pt-BR", ["pt-BR"], "9.876 km"],
    ["es", ["es-US"], "6,137 millas"],
  ])("in %s for %j: %s", (language, wanted, expected) => {
    expect(formatFor(language, wanted).distance(9876.4)).toBe(expected);
  });

  it("follow the grammar of counting", () => {
    const russian = formatFor("ru", []);
    expect([1, 2, 5, 11, 21].map((n) => russian.listeners(n))).toEqual([
      "Слушает 1 человек",
      "Слушают 2 человека",
      "Слушают 5 человек",
      "Слушают 11 человек",
      "Слушает 21 человек",
    ]);
    expect(formatFor("en", ["en-GB"]).listeners(1266)).toBe("1,266 people listening");
    expect(formatFor("ja", []).listeners(1)).toBe("1人が再生中");
    expect(formatFor("fr", []).listeners(2_000_000)).toContain("personnes");
  });

  it("tell the time where someone is, unless it is not known where that is", () => {
    const noon = Date.UTC(2026, 10, 24, 12);
    const german = formatFor("de", ["de-DE"]);
    expect(german.timeAt(noon, "Asia/Tokyo")).toBe("21:00");
    expect(german.timeAt(noon, "America/Lima")).toBe("07:00");
    expect(german.timeAt(noon, "")).toBe("");
    expect(german.timeAt(noon, "Mars/Olympus")).toBe("");
    expect(formatFor("en", ["en-US"]).timeAt(noon, "Asia/Kolkata")).toMatch(/^5:30\sPM$/);
  });
});
