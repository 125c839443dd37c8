//! Values with wildcards: `*` stands for any characters, `/` among them, or none; `?` for one character.

/// Whether a value has wildcards.
#[must_use]
pub(in crate::process) fn is_pattern(value: &str) -> bool {
    value.contains(['*', '?'])
}

/// Whether a text is a value, or is what its wildcards stand for. Time grows with the product of the lengths at worst, both of
/// which are limited.
#[must_use]
pub fn matches(value: &str, text: &str) -> bool {
    if !is_pattern(value) {
        return value == text;
    }
    let (mut value, mut text) = (value.chars(), text.chars());
    // After the last `*`, and where in the text what it stands for ends.
    let mut last = None;
    loop {
        let (wanted, there) = (value.clone().next(), text.clone().next());
        match (wanted, there) {
            (Some('*'), _) => {
                value.next();
                last = Some((value.clone(), text.clone()));
            }
            (None, None) => return true,
            (Some('?'), Some(_)) => {
                value.next();
                text.next();
            }
            (Some(wanted), Some(there)) if wanted == there => {
                value.next();
                text.next();
            }
            _ => {
                // One character more for the last `*`.
                let Some((after, end)) = &mut last else { return false };
                if end.next().is_none() {
                    return false;
                }
                (value, text) = (after.clone(), end.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn wildcards() {
        for (value, text) in [
            ("nginx", "nginx"),
            ("*", ""),
            ("*", "anything/at all"),
            ("/srv/*", "/srv/shop/bin/app"),
            ("*shop*", "/srv/shop"),
            ("*ab", "aab"),
            ("a*b*c", "axxbyybzc"),
            ("web-?", "web-é"),
            ("**", "x"),
            ("a*", "a*"),
        ] {
            assert!(matches(value, text), "{value} {text}");
        }
        for (value, text) in [("", "x"), ("?", ""), ("/srv/*", "/srv"), ("a*b", "ac"), ("web-?", "web-10"), ("*x", "")]
        {
            assert!(!matches(value, text), "{value} {text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_text_is_what_its_parts_with_wildcards_between_say(parts in proptest::collection::vec("[ab*?]{0,4}", 1..5)) {
            let pattern = parts.join("*");
            let text = parts.join("xy");
            proptest::prop_assert!(matches(&pattern, &text));
        }
    }
}
