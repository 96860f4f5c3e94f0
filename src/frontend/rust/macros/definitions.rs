//! The `macro_rules!` of a file, found without parsing it: other files may call them.

use ra_ap_rustc_lexer::{FrontmatterAllowed, Token, TokenKind, tokenize};
use serde::Serialize;

/// A macro that a file defines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MacroDefinition {
    pub name: String,
    /// Its rules: what stands between its outer brackets.
    pub rules: String,
    /// Seen by other crates (`#[macro_export]`).
    pub exported: bool,
    /// Named by a `use` of its file, and so seen by others (`pub(crate) use lock;`).
    pub used: bool,
}

/// The modules that a file declares under `#[macro_use]`: their macros are seen by what follows.
pub fn macro_use_modules(source: &str) -> Vec<String> {
    if !source.contains("macro_use") {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut tokens = Tokens::of(source);
    let mut is_used = false;
    while let Some((kind, text, _)) = tokens.next() {
        match (kind, text) {
            (TokenKind::Ident, "macro_use") => is_used = true,
            (TokenKind::Ident, "mod") if is_used => {
                found.extend(tokens.next().map(|it| it.1.to_string()));
                is_used = false;
            }
            (TokenKind::Ident, "extern" | "fn" | "use") => is_used = false,
            _ => {}
        }
    }
    found
}

/// The macros that `source` defines by `macro_rules!`, in order.
pub fn macro_definitions(source: &str) -> Vec<MacroDefinition> {
    if !source.contains("macro_rules!") {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut tokens = Tokens::of(source);
    let mut exported = false;
    let mut used = Vec::new();
    let mut is_use = false;
    while let Some((kind, text, _)) = tokens.next() {
        match (kind, text) {
            (TokenKind::Ident, "use") => (exported, is_use) = (false, true),
            (TokenKind::Semi, _) => is_use = false,
            (TokenKind::Ident, name) if is_use => used.push(name),
            (TokenKind::Ident, "macro_export") => exported = true,
            (TokenKind::Ident, "macro_rules") => {
                if let Some(definition) = tokens.definition(exported) {
                    found.push(definition);
                }
                exported = false;
            }
            // Another item.
            (TokenKind::Ident, "fn" | "struct" | "enum" | "mod" | "impl" | "trait") => exported = false,
            _ => {}
        }
    }
    for definition in &mut found {
        definition.used = used.contains(&definition.name.as_str());
    }
    found
}

/// A file's tokens, what says nothing left out.
struct Tokens<'s, I> {
    source: &'s str,
    at: usize,
    tokens: I,
}

impl<'s> Tokens<'s, ()> {
    fn of(source: &'s str) -> Tokens<'s, impl Iterator<Item = Token>> {
        Tokens { source, at: 0, tokens: tokenize(source, FrontmatterAllowed::No) }
    }
}

impl<'s, I: Iterator<Item = Token>> Tokens<'s, I> {
    /// The kind of the next one, its text, and where it ends.
    fn next(&mut self) -> Option<(TokenKind, &'s str, usize)> {
        loop {
            let token = self.tokens.next()?;
            let start = self.at;
            self.at += token.len as usize;
            if !matches!(token.kind, TokenKind::Whitespace | TokenKind::LineComment { .. } | TokenKind::BlockComment { .. }) {
                return Some((token.kind, self.source.get(start..self.at)?, self.at));
            }
        }
    }

    /// What follows `macro_rules`: `! name { rules }`.
    fn definition(&mut self, exported: bool) -> Option<MacroDefinition> {
        let (TokenKind::Bang, ..) = self.next()? else { return None };
        let (TokenKind::Ident, name, _) = self.next()? else { return None };
        let mut open = 0_usize;
        let mut start = None;
        loop {
            let (kind, text, end) = self.next()?;
            match kind {
                TokenKind::OpenBrace | TokenKind::OpenParen | TokenKind::OpenBracket => {
                    open += 1;
                    start.get_or_insert(end);
                }
                TokenKind::CloseBrace | TokenKind::CloseParen | TokenKind::CloseBracket => open = open.checked_sub(1)?,
                _ => {}
            }
            if open == 0 {
                let rules = self.source.get(start?..end - text.len())?.to_string();
                return Some(MacroDefinition { name: name.to_string(), rules, exported, used: false });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_are_found_where_they_are_code() {
        let source = r##"
// macro_rules! comment { () => {} }
const TEXT: &str = "macro_rules! text { () => {} }";
#[macro_export]
macro_rules! lock { ($m:expr) => { $m.lock().unwrap() /* } */ }; () => ("}") }
pub fn f() { macro_rules! inner( () => { 1 }; ); }
pub(crate) use {inner, other as another};
macro_rules! broken { (
"##;
        let found: Vec<_> = macro_definitions(source).into_iter().map(|it| (it.name, it.exported, it.used, it.rules.trim().to_string())).collect();
        let expected = [("lock", true, false, r#"($m:expr) => { $m.lock().unwrap() /* } */ }; () => ("}")"#), ("inner", false, true, "() => { 1 };")];
        assert_eq!(macro_use_modules("#[macro_use] extern crate a;\nmod b;\n#[macro_use]\npub mod c;\nmod d;"), ["c"]);
        assert_eq!(found, expected.map(|(name, exported, used, rules)| (name.to_string(), exported, used, rules.to_string())));
    }
}
