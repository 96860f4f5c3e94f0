//! Comments that silence findings: which finding each is about, and which were of use.
//!
//! A comment is about a *statement*: the innermost one around the code of its line, and those that begin on it. A finding
//! belongs to the innermost statement around its place. So the comment may stand at the end of any line of a statement
//! that has several, and one at the head of a `with`, or of a call that a closure is passed to, says nothing of what stands
//! inside.

use rustc_hash::FxHashMap;

use crate::finding::{Edit, FileId, Finding, Location};
use crate::ir::{Claim, Directive, Extent, Ignore, Language, Nested, Range};
use crate::lints::{Check, LINTS, Lint};
use crate::program::{Fun, Mod, Program};

/// The rule about these comments themselves: only a comment that names it silences it.
const OWN: &str = "unused-ignore";

/// The comments of a program that silence findings.
#[derive(Debug)]
pub struct Ignores<'p> {
    program: &'p Program<'p>,
    /// The rules that are applied.
    lints: &'p [&'static Lint],
    /// In the order of the modules, and in each of the text.
    all: Vec<Placed<'p>>,
    files: FxHashMap<FileId, InFile>,
}

#[derive(Debug)]
struct Placed<'p> {
    module: Mod,
    at: Location,
    ignore: &'p Ignore,
    /// Whether each of its rules silenced a finding; one for all, where it names none.
    used: Vec<bool>,
}

/// The comments of one file, as indices into [`Ignores::all`].
#[derive(Debug, Default)]
struct InFile {
    whole: Vec<usize>,
    /// By the statements they are about.
    statements: FxHashMap<Range, Vec<usize>>,
    /// From the comment to the end of its line, sorted by that end.
    lines: Vec<(Range, usize)>,
    nested: Nested<Range>,
    functions: Nested<Fun>,
    /// Where all comments that direct the tool begin, in order.
    directives: Vec<u32>,
}

/// A comment, or a part of it, that silences nothing.
pub struct Unused<'p> {
    pub at: Location,
    pub symbol: String,
    pub extent: Extent,
    /// Those of its rules that silence nothing; empty where it names none.
    pub rules: Vec<&'p str>,
    /// Whether that is all of them.
    pub all: bool,
    /// What takes it out of the text, where that is all there is to it.
    pub edit: Option<Edit>,
}

impl<'p> Ignores<'p> {
    /// The comments of `program`, in a run that applies `lints`.
    pub fn of(program: &'p Program<'p>, lints: &'p [&'static Lint]) -> Self {
        let mut ignores = Ignores { program, lints, all: Vec::new(), files: FxHashMap::default() };
        for (index, linked) in program.modules.iter().enumerate() {
            let module = Mod(index as u32);
            for directive in &linked.ir.directives {
                if let Claim::Ignore(ignore) = &directive.claim {
                    ignores.add(module, linked.file, directive, ignore);
                }
            }
        }
        for in_file in ignores.files.values_mut() {
            in_file.lines.sort_by_key(|it| (it.0.end, it.1));
        }
        ignores
    }

    fn add(&mut self, module: Mod, file: FileId, directive: &Directive, ignore: &'p Ignore) {
        let index = self.all.len();
        let at = Location { file, range: directive.range };
        self.all.push(Placed { module, at, ignore, used: vec![false; ignore.rules.len().max(1)] });
        let program = self.program;
        let in_file = self.files.entry(file).or_insert_with(|| {
            let mut statements: Vec<Range> =
                program.module(module).ir.functions.iter().flat_map(|it| it.statements.iter().map(|it| it.range)).collect();
            statements.sort_unstable();
            statements.dedup();
            let nested = Nested::new(statements.into_iter().map(|it| (it, it)).collect());
            let mut directives: Vec<u32> = program.module(module).ir.directives.iter().map(|it| it.range.start).collect();
            directives.sort_unstable();
            InFile { nested, functions: program.functions_by_place(module), directives, ..InFile::default() }
        });
        if ignore.extent == Extent::File {
            in_file.whole.push(index);
            return;
        }
        in_file.lines.push((directive.line.join(directive.range), index));
        let code = code_of(program.files.get(file).text(), directive);
        let begun: Vec<Range> = in_file.nested.beginning_in(code).map(|it| it.0).collect();
        // Where one that begins here is all there is on the line, what stands around it is another statement.
        let around = if begun.iter().any(|it| it.contains(code)) { None } else { in_file.nested.around(Range { end: code.start, ..code }) };
        for statement in begun.into_iter().chain(around) {
            let about = in_file.statements.entry(statement).or_default();
            // It may begin where the one around it does.
            if about.last() != Some(&index) {
                about.push(index);
            }
        }
    }

    /// Takes the findings out that a comment silences, and gives them.
    pub fn silence(&mut self, findings: &mut Vec<Finding>) -> Vec<Finding> {
        findings.extract_if(.., |it| self.is_silenced(it)).collect()
    }

    /// Whether a comment silences the finding; each that does has been of use.
    fn is_silenced(&mut self, finding: &Finding) -> bool {
        let Some(in_file) = self.files.get(&finding.location.file) else { return false };
        let range = finding.location.range;
        let mut about = in_file.whole.clone();
        if let Some(indices) = in_file.nested.around(range).and_then(|it| in_file.statements.get(&it)) {
            about.extend(indices);
        }
        let from = in_file.lines.partition_point(|it| it.0.end < range.start);
        about.extend(in_file.lines[from..].iter().take_while(|it| it.0.start <= range.start).map(|it| it.1));
        let mut silenced = false;
        for index in about {
            let Placed { ignore, used, .. } = &mut self.all[index];
            if ignore.rules.is_empty() && finding.rule != OWN {
                used[0] = true;
                silenced = true;
            }
            for (rule, used) in ignore.rules.iter().zip(used) {
                if silences(&rule.name, finding) {
                    *used = true;
                    silenced = true;
                }
            }
        }
        silenced
    }

    /// The comments that silenced nothing, as far as this run can know: it applied the rules that they name.
    pub fn unused(&self) -> impl Iterator<Item = Unused<'_>> {
        self.all.iter().filter_map(|it| {
            let rules: Vec<&str> =
                it.ignore.rules.iter().zip(&it.used).filter(|(rule, used)| !**used && self.applies(&rule.name)).map(|it| &*it.0.name).collect();
            let is_bare = it.ignore.rules.is_empty();
            if if is_bare { it.used[0] || !self.applies("all") } else { rules.is_empty() } {
                return None;
            }
            let around = self.files.get(&it.at.file).and_then(|file| file.functions.around(it.at.range));
            let body = || self.program.fun(it.module, self.program.module(it.module).ir.body);
            let symbol = self.program.symbol(around.unwrap_or_else(body));
            let all = rules.len() == it.ignore.rules.len();
            let edit = if all { self.without_comment(it) } else { self.without_rules(it, &rules) };
            Some(Unused { at: it.at, symbol, extent: it.ignore.extent, all, rules, edit })
        })
    }

    /// The rules that are left, in place of all.
    fn without_rules(&self, placed: &Placed<'_>, unused: &[&str]) -> Option<Edit> {
        let (first, last) = (placed.ignore.rules.first()?, placed.ignore.rules.last()?);
        let text = self.program.files.get(placed.at.file).text();
        let left = placed.ignore.rules.iter().filter(|it| !unused.contains(&&*it.name)).map(|it| text.get(it.range.as_usize()).unwrap_or(""));
        Some(Edit { location: Location { range: first.range.join(last.range), ..placed.at }, replacement: left.collect::<Vec<_>>().join(", ") })
    }

    /// Nothing in place of the comment, from its sign to the end of its line or to another sign on it, with the blanks before
    /// it or the line that is left empty. None where the comment says more than this.
    fn without_comment(&self, placed: &Placed<'_>) -> Option<Edit> {
        let text = self.program.files.get(placed.at.file).text();
        let sign = match self.program.module(placed.module).ir.language {
            Language::Python => "#",
            Language::Rust => "//",
        };
        let at = placed.at.range.as_usize();
        text.get(at.clone())?;
        let line_start = text[..at.start].rfind('\n').map_or(0, |it| it + 1);
        let line_end = text[at.end..].find('\n').map_or(text.len(), |it| at.end + it);
        let before = text[line_start..at.start].trim_end().strip_suffix(sign).filter(|it| it.is_empty() || it.ends_with([' ', '\t']))?;
        let is_sign =
            |(it, _): &(usize, &str)| text[..*it].ends_with([' ', '\t']) && !text[it + sign.len()..].starts_with(|it: char| it.is_ascii_digit());
        let next = text[at.end..line_end].match_indices(sign).map(|(it, sign)| (at.end + it, sign)).find(is_sign).map(|it| it.0);
        let range = match next {
            Some(next) => line_start + before.len()..next,
            None if before.trim().is_empty() => line_start..(line_end + 1).min(text.len()),
            None => line_start + before.trim_end().len()..text[..line_end].trim_end_matches('\r').len(),
        };
        let range = Range::new(range.start, range.end);
        let starts = &self.files.get(&placed.at.file)?.directives;
        let from = starts.partition_point(|it| *it < range.start);
        let is_alone = starts[from..].iter().take_while(|it| **it < range.end).all(|it| *it == placed.at.range.start);
        is_alone.then(|| Edit { location: Location { range, ..placed.at }, replacement: String::new() })
    }

    /// Whether `name` is that of a rule or group, all of whose rules are applied.
    fn applies(&self, name: &str) -> bool {
        let mut named = LINTS.iter().filter(|it| it.is_named(name) && matches!(it.check, Check::Program(_))).peekable();
        named.peek().is_some() && named.all(|it| self.lints.iter().any(|applied| applied.rule.name == it.rule.name))
    }
}

fn silences(name: &str, finding: &Finding) -> bool {
    if finding.rule == OWN { name == OWN } else { name == "all" || name == finding.rule || name == finding.group }
}

/// The code on the line that a comment is about: without blanks, and without the comment.
fn code_of(text: &str, directive: &Directive) -> Range {
    let line = directive.line.as_usize();
    let all = text.get(line.clone()).unwrap_or("");
    let start = line.start + all.len() - all.trim_start().len();
    let end = line.start + all.trim_end().len();
    let comment = directive.range.as_usize();
    if !line.contains(&comment.start) {
        return Range::new(start, end.max(start));
    }
    let sign = |text: &str| text.trim_end_matches(|it: char| it.is_whitespace() || matches!(it, '#' | '/' | '*' | '!')).len();
    let before = line.start + text.get(line.start..comment.start).map_or(0, sign);
    if before > start { Range::new(start, before) } else { Range::new(comment.end.min(end), end) }
}
