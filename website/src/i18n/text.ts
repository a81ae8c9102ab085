/** Texts with something put in. */

export type Part = { readonly text: string } | { readonly name: string; readonly value: string };

/** What a text consists of: its own words, and what is put in, each by its name. */
export function partsOf(template: string, values: Readonly<Record<string, string>>): readonly Part[] {
  return template.split(/(\{\w+\})/).flatMap((piece): Part[] => {
    const name = /^\{(\w+)\}$/.exec(piece)?.[1];
    if (name !== undefined) return [{ name, value: values[name] ?? "" }];
    return piece === "" ? [] : [{ text: piece }];
  });
}

/** A name that may run the other way than the text around it: as a whole, and without turning that text. */
export function isolated(name: string): string {
  return `\u2068${name}\u2069`;
}

export function fill(template: string, values: Readonly<Record<string, string>>): string {
  return partsOf(template, values)
    .map((part) => ("text" in part ? part.text : part.value))
    .join("");
}
