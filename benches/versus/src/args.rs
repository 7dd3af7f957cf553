//! What the command line asks for.

/// What to run and how to show it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Args {
    /// One object a line instead of the table.
    pub json: bool,
    /// Fail if a row is over its limit.
    pub check: bool,
    /// Only the rows whose work or peer has this in it.
    pub only: Option<String>,
    /// Only tell what there is.
    pub list: bool,
}

/// What is accepted, for people.
pub const USAGE: &str = "usage: purview-versus [--json] [--check] [--list] [--only PATTERN]

  --json           one object a line instead of the table
  --check          exit with 1 if a row is over its limit or could not be measured
  --list           name the rows, measure nothing
  --only PATTERN   only rows with PATTERN in the work or the peer's name, in any case of letters";

impl Args {
    /// Reads the words after the program's name.
    pub fn parse(words: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut args = Self::default();
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--json" => args.json = true,
                "--check" => args.check = true,
                "--list" => args.list = true,
                "--only" => args.only = Some(words.next().ok_or("--only needs a pattern")?),
                other => return Err(format!("unknown argument {other:?}\n\n{USAGE}")),
            }
        }
        Ok(args)
    }
}

#[cfg(test)]
mod tests {
    use super::Args;

    fn parse(words: &[&str]) -> Result<Args, String> {
        Args::parse(words.iter().map(ToString::to_string))
    }

    #[test]
    fn nothing_asks_for_the_whole_table() {
        assert_eq!(parse(&[]), Ok(Args::default()));
    }

    #[test]
    fn everything_can_be_asked_for_at_once() {
        let args = parse(&["--only", "derive", "--json", "--check", "--list"]).unwrap();
        assert_eq!(args, Args { json: true, check: true, list: true, only: Some("derive".to_owned()) });
    }

    #[test]
    fn a_pattern_that_is_missing_and_a_word_that_nobody_knows_are_told() {
        assert_eq!(parse(&["--only"]).unwrap_err(), "--only needs a pattern");
        assert!(parse(&["--fast"]).unwrap_err().starts_with("unknown argument \"--fast\"\n\nusage: "));
    }
}
