//! The nearest right spelling of something that a person wrote.

/// The candidate that `word` was probably meant to be: the nearest by edits (a swap of neighbours is one), if it is
/// near enough to be meant.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Long nonsense costs the product of the lengths; nobody means a key by it.
    if word.len() > 64 {
        return None;
    }
    let lower = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len().max(lower.len()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `; did you mean "x"?` or nothing.
#[must_use]
pub fn suggestion<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, candidates).map_or_else(String::new, |candidate| format!("; did you mean `{candidate}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let keys = ["exe", "comm", "pid", "port", "user"];
        assert_eq!(nearest("prot", keys), Some("port"));
        assert_eq!(nearest("Port", keys), Some("port"));
        assert_eq!(nearest("users", keys), Some("user"));
        assert_eq!(nearest("command", keys), None);
        assert_eq!(nearest("namespace", keys), None);
        assert_eq!(suggestion("ex", keys), "; did you mean `exe`?");
    }
}
