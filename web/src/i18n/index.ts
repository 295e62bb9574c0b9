import i18next, { type i18n } from "i18next";
import { initReactI18next, useTranslation } from "react-i18next";
import { keep, kept } from "../state/kept";
import { en } from "./en";

export const LANGUAGES = { en: "English", ru: "Русский" } as const;
export type Language = keyof typeof LANGUAGES;
const KEPT = "sluice_language";

const load: Record<Language, () => Promise<object>> = {
  en: () => Promise.resolve(en),
  ru: () => import("./ru").then((texts) => texts.ru),
};

function chosen(): Language {
  const wanted = kept(KEPT) ?? navigator.language.slice(0, 2);
  return wanted === "ru" ? "ru" : "en";
}

/** The texts of the reader's language, the other languages' are not loaded. */
export async function startTexts(language: Language = chosen()): Promise<i18n> {
  const instance = i18next.createInstance();
  await instance.use(initReactI18next).init({
    lng: language,
    fallbackLng: "en",
    resources: { en: { translation: en }, [language]: { translation: await load[language]() } },
    interpolation: { escapeValue: false }, // React escapes
  });
  document.documentElement.lang = language;
  return instance;
}

export async function changeLanguage(instance: i18n, language: Language): Promise<void> {
  if (!instance.hasResourceBundle(language, "translation"))
    instance.addResourceBundle(language, "translation", await load[language]());
  keep(KEPT, language);
  document.documentElement.lang = language;
  await instance.changeLanguage(language);
}

export function useTexts() {
  const { t, i18n: instance } = useTranslation();
  return { t, chosen: instance.language as Language, language: localeOf(instance.language), instance };
}

/** The reader's own region of the chosen language: the same words, but their clock and their order of a date. */
export function localeOf(language: string): string {
  return navigator.languages.find((one) => one.split("-")[0] === language) ?? language;
}
