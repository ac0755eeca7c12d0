//! What is needed of XML, which is next to nothing: the text between two tags.
//!
//! No tree is built, no entity and no document type looked at, and no more held than what came: there is nothing to blow up.

/// The text of the first element of this name, without what follows its end.
pub(super) fn text<'x>(xml: &'x str, name: &str) -> Option<&'x str> {
    elements(xml, name).next().map(str::trim)
}

/// The contents of all elements of this name, one after the other. Those inside others of the same name are not looked for.
pub(super) fn elements<'x>(xml: &'x str, name: &str) -> impl Iterator<Item = &'x str> {
    let mut rest = xml;
    let (open, close) = (format!("<{name}"), format!("</{name}>"));
    std::iter::from_fn(move || {
        loop {
            let (_, after) = rest.split_once(open.as_str())?;
            let (attributes, inside) = after.split_once('>')?;
            // Not the beginning of a longer name.
            if !attributes.is_empty()
                && !attributes.starts_with(|it: char| it.is_ascii_whitespace())
            {
                rest = after;
                continue;
            }
            let (inside, after) = inside.split_once(close.as_str())?;
            rest = after;
            return Some(inside);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_between_tags_is_found() {
        let xml = "<a><bc>no</bc><b>1</b><b x='2'> 2 </b></a>";
        assert_eq!(elements(xml, "b").collect::<Vec<_>>(), ["1", " 2 "]);
        assert_eq!(text(xml, "b"), Some("1"));
        for broken in ["", "<b", "<b>", "<b>1", "<b>1</c>", "b>1</b>"] {
            assert_eq!(text(broken, "b"), None, "{broken}");
        }
    }
}
