/** The sentence that says who shares what with whom. */
import type { Place, Session } from "../api/types";
import type { Format } from "../i18n/format";
import { fill, isolated, type Part, partsOf } from "../i18n/text";

function valuesOf({ track, places: [first, second] }: Session): Record<string, string> {
  return { a: first.city, b: second.city, song: track.title ?? "" };
}

function templateOf({ track }: Session, { messages }: Format): string {
  return track.title === undefined ? messages.sentenceUntitled : messages.sentence;
}

export function sentenceParts(session: Session, format: Format): readonly Part[] {
  return partsOf(templateOf(session, format), valuesOf(session));
}

/** As it is read out: with the distance. */
export function sentenceText(session: Session, format: Format): string {
  const values = Object.entries(valuesOf(session)).map(([name, value]) => [name, isolated(value)]);
  const sentence = fill(templateOf(session, format), Object.fromEntries(values));
  return `${sentence} ${fill(format.messages.apart, { distance: format.distance(session.distanceKm) })}`;
}

/** The two cities, as the list names a pair; no line begins with the dash. */
export function pairText({ places: [first, second] }: Session): string {
  return `${isolated(first.city)}\u00a0– ${isolated(second.city)}`;
}

/** The time of day in the two cities; without a city whose time zone is unknown. */
export function localTimes({ places: [first, second] }: Session, instant: number, format: Format): string {
  const told = ({ city, timeZone }: Place) => {
    const time = format.timeAt(instant, timeZone);
    // A time is not torn from its "pm", nor from its city.
    return time === "" ? [] : [`${isolated(city)}\u00a0${isolated(time.replaceAll(/\s/g, "\u00a0"))}`];
  };
  return [first, second].flatMap(told).join(" · ");
}
