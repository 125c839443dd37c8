//! `${NAME}`, `${env:NAME}`, `${NAME:-default}` and `$$` in scalars (OpenTelemetry configuration, "Environment variable
//! substitution"). What is put in is not looked at again.

/// The text with its references replaced; `Err` says what is wrong with one.
pub(super) fn substitute(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        result.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            result.push('$');
            rest = after;
        } else if let Some(reference) = after.strip_prefix('{') {
            let (reference, after) = reference.split_once('}').ok_or("`${` without `}`")?;
            result.push_str(&value(reference, lookup)?);
            rest = after;
        } else {
            result.push('$');
            rest = after;
        }
    }
    result.push_str(rest);
    Ok(result)
}

fn value(reference: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let (name, default) = reference.split_once(":-").map_or((reference, ""), |(name, default)| (name, default));
    let name = name.strip_prefix("env:").unwrap_or(name);
    let mut characters = name.chars();
    let valid = characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|character| character.is_ascii_alphanumeric() || character == '_');
    if !valid {
        return Err(format!("`${{{reference}}}` is no reference to a variable: write ${{NAME}} or ${{NAME:-default}}"));
    }
    Ok(lookup(name).filter(|value| !value.is_empty()).unwrap_or_else(|| default.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lookup(name: &str) -> Option<String> {
        match name {
            "A" => Some("one".into()),
            "EMPTY" => Some(String::new()),
            "NESTED" => Some("${A}".into()),
            _ => None,
        }
    }

    #[test]
    fn references_are_replaced() {
        for (text, expected) in [
            ("${A}", "one"),
            ("${env:A}-${A:-x}", "one-one"),
            ("${NONE:-http://x:1}", "http://x:1"),
            ("${EMPTY:-x}${NONE}", "x"),
            ("$$A $${A} $A $", "$A ${A} $A $"),
            ("${NESTED}", "${A}"),
            ("${NONE:-}", ""),
        ] {
            assert_eq!(substitute(text, &lookup).as_deref(), Ok(expected), "{text}");
        }
        for wrong in ["${A", "${}", "${1A}", "${A:?x}", "${file:A}"] {
            assert!(substitute(wrong, &lookup).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic(text in "[${}A:a-]{0,20}") {
            let _ = substitute(&text, &lookup);
        }
    }
}
