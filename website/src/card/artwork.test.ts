import { expect, test } from "vitest";
import { ownArtwork } from "./artwork";

test.each([
  ["a path of the site", "/art/1.jpg", "https://site.example/art/1.jpg"],
  ["another host", "https://other.example/1.jpg", undefined],
  ["a blob of the same origin", "blob:https://site.example/1234", undefined],
  ["data", "data:image/png;base64,AA", undefined],
])("%s", (_, url, expected) => {
  expect(ownArtwork(url, "https://site.example")).toBe(expected);
});
