//! The places in a Markdown file where tables stand.

use std::path::Path;

use anyhow::{Context, Result, anyhow};

/// Puts `table` between the marks of `name` in the file.
pub(crate) fn replace(file: &Path, name: &str, table: &str) -> Result<()> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let text = splice(&text, name, table)?;
    std::fs::write(file, text).with_context(|| format!("writing {}", file.display()))
}

fn splice(text: &str, name: &str, table: &str) -> Result<String> {
    const END: &str = "<!-- /figures -->";
    let begin = format!("<!-- figures {name} -->");
    let (before, rest) =
        text.split_once(&begin).ok_or_else(|| anyhow!("the file has no line {begin}"))?;
    let (_, after) = rest.split_once(END).ok_or_else(|| anyhow!("no {END} follows {begin}"))?;
    Ok(format!("{before}{begin}\n{table}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_replaces_the_one_before_and_nothing_else() {
        let text = "a\n<!-- figures speed -->\nold\n<!-- /figures -->\nb\n<!-- /figures -->\n";
        let expected = "a\n<!-- figures speed -->\nnew\n<!-- /figures -->\nb\n<!-- /figures -->\n";
        assert_eq!(splice(text, "speed", "new\n").unwrap(), expected);
    }

    #[test]
    fn a_missing_mark_is_named() {
        let error = splice("<!-- figures speed -->", "sizes", "").unwrap_err();
        assert!(error.to_string().contains("figures sizes"));
        assert!(splice("<!-- figures speed -->", "speed", "").is_err());
    }
}
