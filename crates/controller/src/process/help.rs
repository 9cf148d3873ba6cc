//! What `--help` shows, and the table of flags in `docs/controller.md`: both from the command line's own types.

use clap::Arg;

use super::flags::command;

/// One flag.
struct Row {
    /// `-n, --namespace string`.
    names: String,
    /// `"alb"`; empty for nothing, zero and false.
    default: String,
    about: String,
}

/// What `--help` shows.
pub(crate) fn text() -> String {
    let rows = rows();
    let width = rows.iter().map(|row| row.names.len()).max().unwrap_or(0) + 3;
    let mut text = format!(
        "{}\n\nUsage:\n  {} [flags]\n\nFlags:\n",
        command().get_about().map(ToString::to_string).unwrap_or_default(),
        super::NAME
    );
    for Row { names, default, about } in rows {
        let default = if default.is_empty() { default } else { format!(" (default {default})") };
        text.push_str(&format!("  {names:<width$}{about}{default}\n"));
    }
    text
}

/// The table of flags, in Markdown.
#[must_use]
pub fn reference() -> String {
    let mut text = "| flag | default | meaning |\n| --- | --- | --- |\n".to_owned();
    for Row { names, default, about } in rows() {
        let default = if default.is_empty() { default } else { format!("`{default}`") };
        text.push_str(&format!("| `{}` | {default} | {about} |\n", names.trim_start()));
    }
    text
}

fn rows() -> Vec<Row> {
    let command = command();
    let shown = command.get_arguments().filter(|arg| arg.get_long().is_some() && !arg.is_hide_set());
    let mut rows: Vec<(&str, Row)> =
        shown.map(|arg| (arg.get_long().unwrap_or_default(), row(arg))).collect();
    rows.sort_by_key(|(name, _)| name.to_ascii_lowercase());
    rows.into_iter().map(|(_, row)| row).collect()
}

fn row(arg: &Arg) -> Row {
    let short = arg.get_short().map_or_else(|| "    ".to_owned(), |short| format!("-{short}, "));
    let value = arg.get_value_names().and_then(|names| names.first()).map_or("", |name| name.as_str());
    let value = if value == "bool" { "" } else { value };
    let default = arg.get_default_values().first().map(|default| default.to_string_lossy().into_owned());
    Row {
        names: format!("{short}--{} {value}", arg.get_long().unwrap_or_default()).trim_end().to_owned(),
        default: default.filter(|default| !["false", "0"].contains(&default.as_str())).unwrap_or_default(),
        about: arg.get_help().map(ToString::to_string).unwrap_or_default(),
    }
}
