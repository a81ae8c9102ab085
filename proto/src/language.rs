//! The eight languages that city databases name places in.

use std::collections::BTreeMap;

/// A language that names of places are known in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the tags say it: see `Language::tag`")]
pub enum Language {
    De,
    En,
    Es,
    Fr,
    Ja,
    PtBr,
    Ru,
    ZhCn,
}

impl Language {
    /// All of them, in the order of their tags.
    pub const ALL: [Self; 8] =
        [Self::De, Self::En, Self::Es, Self::Fr, Self::Ja, Self::PtBr, Self::Ru, Self::ZhCn];

    /// The BCP 47 tag, as the databases and `Content-Language` write it.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::De => "de",
            Self::En => "en",
            Self::Es => "es",
            Self::Fr => "fr",
            Self::Ja => "ja",
            Self::PtBr => "pt-BR",
            Self::Ru => "ru",
            Self::ZhCn => "zh-CN",
        }
    }

    /// The language with exactly this tag.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.tag() == tag)
    }
}

/// One name in as many of the languages as are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names([Option<Box<str>>; Language::ALL.len()]);

impl Names {
    /// Adds or replaces the name in one language.
    pub fn insert(&mut self, language: Language, name: &str) {
        self.0[language as usize] = Some(name.into());
    }

    /// The name in `language`, else in English, else in the first language that has one.
    #[must_use]
    pub fn get(&self, language: Language) -> Option<&str> {
        let [first, second] = [language, Language::En].map(|l| self.0[l as usize].as_deref());
        first.or(second).or_else(|| self.0.iter().flatten().next().map(AsRef::as_ref))
    }
}

impl From<&BTreeMap<String, String>> for Names {
    /// Languages other than [`Language::ALL`] and empty names are left out.
    fn from(map: &BTreeMap<String, String>) -> Self {
        let mut names = Self::default();
        for (tag, name) in map.iter().filter(|(_, name)| !name.is_empty()) {
            if let Some(language) = Language::from_tag(tag) {
                names.insert(language, name);
            }
        }
        names
    }
}

impl From<&Names> for BTreeMap<String, String> {
    fn from(names: &Names) -> Self {
        let known = Language::ALL.into_iter().zip(&names.0);
        known.filter_map(|(language, name)| Some((language.tag().into(), name.as_deref()?.into()))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_name_falls_back_to_english_then_to_any() {
        let mut names = Names::default();
        assert_eq!(names.get(Language::Ja), None);
        names.insert(Language::Ru, "Берлин");
        assert_eq!(names.get(Language::Ja), Some("Берлин"));
        names.insert(Language::En, "Berlin");
        assert_eq!(names.get(Language::Ja), Some("Berlin"));
        names.insert(Language::Ja, "ベルリン");
        assert_eq!(names.get(Language::Ja), Some("ベルリン"));
    }

    #[test]
    fn tags_and_indexes_agree() {
        for (index, language) in Language::ALL.into_iter().enumerate() {
            assert_eq!(language as usize, index);
            assert_eq!(Language::from_tag(language.tag()), Some(language));
        }
    }

    #[test]
    fn unknown_languages_and_empty_names_are_left_out() {
        let wire = BTreeMap::from(
            [("en", "Berlin"), ("de", ""), ("tlh", "berlIn")].map(|(k, v)| (k.into(), v.into())),
        );
        let back = BTreeMap::from(&Names::from(&wire));
        assert_eq!(back, BTreeMap::from([("en".to_owned(), "Berlin".to_owned())]));
    }
}
