//! The sources as text: without comments and strings, every path is followed, through groups and `super`.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// `src/a/b.rs` is `[a, b]`, `src/a/mod.rs` is `[a]`.
pub fn module_of(file: &Path) -> Vec<String> {
    let path = file.strip_prefix("src").unwrap_or(file).with_extension("");
    let parts = path.iter().map(|part| part.to_string_lossy().into_owned());
    parts.filter(|part| part != "mod").collect()
}

pub fn rust_files(folder: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.expect("a readable folder").path();
            match path.extension() {
                None if path.is_dir() => folders.push(path),
                Some(extension) if extension == "rs" => files.push(path),
                _ => {}
            }
        }
    }
    files.sort();
    files
}

pub fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// All paths in a source, each with its line; `super` and `self` are resolved to `crate`.
pub fn paths(text: &str, file: &Path) -> Vec<(usize, String)> {
    let tokens = tokens(text);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        at = follow(&tokens, at, &[], &mut found);
    }
    let module = module_of(file);
    let resolved = found
        .into_iter()
        .map(|(line, path)| (line, resolve(&path, &module)));
    resolved.collect()
}

/// Reads the path, or group of paths, that begins at a token; returns where to go on.
fn follow(
    tokens: &[(usize, &str)],
    mut at: usize,
    prefix: &[String],
    found: &mut Vec<(usize, Vec<String>)>,
) -> usize {
    let token = |at: usize| tokens.get(at).map_or("", |(_, token)| *token);
    if !is_name(token(at)) {
        return at + 1;
    }
    let line = tokens[at].0;
    let mut path = prefix.to_vec();
    path.push(token(at).to_owned());
    at += 1;
    while token(at) == "::" && is_name(token(at + 1)) {
        path.push(token(at + 1).to_owned());
        at += 2;
    }
    if token(at) != "::" || token(at + 1) != "{" {
        found.push((line, path));
        return at;
    }
    at += 2;
    while !matches!(token(at), "}" | "") {
        at = match token(at) {
            "as" => at + 2,
            _ => follow(tokens, at, &path, found),
        };
    }
    at + 1
}

fn resolve(path: &[String], module: &[String]) -> String {
    let supers = path.iter().take_while(|part| *part == "super").count();
    let parent = &module[..module.len().saturating_sub(supers)];
    let root = "crate".to_owned();
    let full = match path[0].as_str() {
        "super" => [&[root], parent, &path[supers..]].concat(),
        "self" => [&[root], module, &path[1..]].concat(),
        _ => path.to_vec(),
    };
    let named = full.iter().filter(|part| *part != "self");
    named.map(String::as_str).collect::<Vec<_>>().join("::")
}

fn is_name(token: &str) -> bool {
    token.starts_with(|first: char| first.is_alphanumeric() || matches!(first, '_' | '*'))
}

/// Names, `::` and braces, each with its line; comments, literals and everything else are left out.
fn tokens(text: &str) -> Vec<(usize, &str)> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let name = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
        let (length, kept) = if rest.starts_with("//") {
            (rest.find('\n').unwrap_or(rest.len()), false)
        } else if first == '"' {
            (literal(rest, "\"", true), false)
        } else if let Some(hashes) = raw_string(rest) {
            (
                literal(rest, &format!("\"{}", "#".repeat(hashes)), false),
                false,
            )
        } else if is_char(rest) {
            (literal(rest, "'", true), false)
        } else if first.is_alphanumeric() || first == '_' {
            (name.unwrap_or(rest.len()), true)
        } else if rest.starts_with("::") {
            (2, true)
        } else {
            (first.len_utf8(), matches!(first, '{' | '}' | '*'))
        };
        let (token, after) = rest.split_at(length);
        if kept {
            tokens.push((line, token));
        }
        line += token.matches('\n').count();
        rest = after;
    }
    tokens
}

/// How many `#` a raw string that begins here has.
fn raw_string(text: &str) -> Option<usize> {
    let hashes = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let quote = hashes.trim_start_matches('#');
    quote.starts_with('"').then(|| hashes.len() - quote.len())
}

/// Whether a character literal begins here, and no lifetime.
fn is_char(text: &str) -> bool {
    let nth = |n| text.chars().nth(n);
    nth(0) == Some('\'') && (nth(1) == Some('\\') || nth(2) == Some('\''))
}

/// The length of a literal, its end included.
fn literal(text: &str, end: &str, escapes: bool) -> usize {
    let mut at = text.find(['"', '\'']).unwrap_or(0) + 1;
    while at < text.len() && !text[at..].starts_with(end) {
        let escaped = escapes && text[at..].starts_with('\\');
        let skipped = text[at..].chars().take(1 + usize::from(escaped));
        at += skipped.map(char::len_utf8).sum::<usize>();
    }
    (at + end.len()).min(text.len())
}

#[test]
fn paths_are_followed_however_they_are_written() {
    let source = r##"
        //! crate::comment is none
        use crate::{api::{self, Customer as C}, plan::Key};
        use super::super::ops::clock;
        fn f<'a>(x: &'a str) -> char { "crate::text \" crate::b"; r#"crate::"raw"#; '"'; '\''; kube::Api::<K>::all(crate::a::b()) }
        async move { self::x(x * crate::y) }
    "##;
    let found = paths(source, Path::new("src/domain/names.rs"));
    let found: Vec<&str> = found.iter().map(|(_, path)| path.as_str()).collect();
    let of_interest = found
        .iter()
        .filter(|path| path.contains("::") || **path == "async");
    let expected = [
        "crate::api",
        "crate::api::Customer",
        "crate::plan::Key",
        "crate::ops::clock",
        "kube::Api::K::all",
        "crate::a::b",
        "async",
        "crate::domain::names::x",
        "crate::y",
    ];
    assert_eq!(of_interest.copied().collect::<Vec<_>>(), expected);
}
