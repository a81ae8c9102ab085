/** The languages of the page, and which of them a visitor gets. */
import { de } from "./de";
import { en } from "./en";
import { es } from "./es";
import { fr } from "./fr";
import { ja } from "./ja";
import type { Messages } from "./messages";
import { ptBR } from "./pt-BR";
import { ru } from "./ru";
import { zhCN } from "./zh-CN";

export const LANGUAGES = ["de", "en", "es", "fr", "ja", "pt-BR", "ru", "zh-CN"] as const;

export type Language = (typeof LANGUAGES)[number];

export const MESSAGES: Readonly<Record<Language, Messages>> = {
  de,
  en,
  es,
  fr,
  ja,
  "pt-BR": ptBR,
  ru,
  "zh-CN": zhCN,
};

const DEFAULT: Language = "en";

export function isLanguage(tag: unknown): tag is Language {
  return LANGUAGES.some((language) => language === tag);
}

/**
 * The first of the visitor's languages that there is, by the lookup of RFC 4647: a tag is cut from its end until it is
 * one that there is. A language that there is in one regional form serves its whole family, as it does in the API.
 */
export function chooseLanguage(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const found = lookUp(tag);
    if (found) return found;
  }
  return DEFAULT;
}

function lookUp(tag: string): Language | undefined {
  const parts = tag.toLowerCase().split("-");
  for (let length = parts.length; length > 0; length--) {
    const cut = parts.slice(0, length).join("-");
    const found = LANGUAGES.find((language) => language.toLowerCase() === cut);
    if (found) return found;
  }
  return LANGUAGES.find((language) => familyOf(language) === parts[0]);
}

function familyOf(tag: string): string | undefined {
  return tag.toLowerCase().split("-")[0];
}

/**
 * The locale that numbers, times and distances are written in: the visitor's own form of the language if they have one
 * (`en-GB` for `en`), since that says how they write a time and whether they think in miles.
 */
export function localeFor(language: Language, wanted: readonly string[]): string {
  const own = wanted.find((tag) => familyOf(tag) === familyOf(language) && isValid(tag));
  return own ?? language;
}

function isValid(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
}
