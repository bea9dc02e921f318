//! One CEL expression of an offering: checked when the offering is, evaluated for each customer.
//!
//! Parsing and evaluating is the `cel` crate's. It has no limit on cost, its debug builds need a lot of stack, and it goes
//! through maps in random order, so three things are done to an expression here before it may run:
//!
//! 1. It must be short, flat, and name nothing but the five roots, its own loop variables and the [`FUNCTIONS`]. There is
//!    no clock, no chance and no other object to ask, so the same input always gives the same output.
//! 2. Its tree is rewritten so that every value that is made, compared or looped over passes `@meter`, which takes its
//!    size off a budget, every turn of a loop takes off its length, and loops over maps go through sorted keys (`@range`).
//!    The `@` keeps these names out of reach of whoever writes expressions.
//! 3. `replace`, `join` and `matches`, which could make or do much in one call, are replaced by our own: the result is
//!    measured before it is made, and a pattern is a literal that was compiled beforehand.

use std::collections::{BTreeMap, BTreeSet};

use cel::IdedExpr;
use cel::common::ast::{CallExpr, EntryExpr, Expr, LiteralValue, operators as op};
use regex::{Regex, RegexBuilder};

use super::fields;
use super::roots::{ROOTS, Shapes};
use super::source::{NAMESPACE, nesting, respelled};
use super::tree::{call, charge_step, metered, number, size, with_id};

/// Most bytes of an expression.
pub const MAX_LENGTH: usize = 1024;
/// Most brackets within each other.
const MAX_BRACKETS: usize = 16;
/// Deepest tree: a sum of so many terms, for example.
const MAX_DEPTH: usize = 64;
/// Most loops (`map`, `filter`, `all`, `exists`, `exists_one`) within each other.
const MAX_LOOPS: usize = 3;
/// Largest program of a regular expression, in bytes.
const MAX_PATTERN: usize = 256 << 10;

/// The functions there are: name, whether it is called on a value, and how many arguments it takes at least and at most.
const FUNCTIONS: &[(&str, bool, usize, usize)] = &[
    ("bool", false, 1, 1),
    ("contains", true, 1, 1),
    ("double", false, 1, 1),
    ("endsWith", true, 1, 1),
    ("int", false, 1, 1),
    ("join", true, 0, 1),
    ("lowerAscii", true, 0, 0),
    ("matches", true, 1, 1),
    ("replace", true, 2, 2),
    ("size", false, 1, 1),
    ("size", true, 0, 0),
    ("split", true, 1, 1),
    ("startsWith", true, 1, 1),
    ("string", false, 1, 1),
    ("substring", true, 1, 2),
    ("trim", true, 0, 0),
    ("upperAscii", true, 0, 0),
];

/// Operators, with what of their operands costs as much as it is large.
const OPERATORS: &[(&str, Cost)] = &[
    (op::CONDITIONAL, Cost::Nothing),
    (op::LOGICAL_AND, Cost::Nothing),
    (op::LOGICAL_OR, Cost::Nothing),
    (op::LOGICAL_NOT, Cost::Nothing),
    (op::NOT_STRICTLY_FALSE, Cost::Nothing),
    (op::SUBSTRACT, Cost::Nothing),
    (op::MULTIPLY, Cost::Nothing),
    (op::DIVIDE, Cost::Nothing),
    (op::MODULO, Cost::Nothing),
    (op::NEGATE, Cost::Nothing),
    (op::INDEX, Cost::Nothing),
    (op::ADD, Cost::Result),
    (op::EQUALS, Cost::First),
    (op::NOT_EQUALS, Cost::First),
    (op::LESS, Cost::First),
    (op::LESS_EQUALS, Cost::First),
    (op::GREATER, Cost::First),
    (op::GREATER_EQUALS, Cost::First),
    (op::IN, Cost::Second),
];

/// Whose size an operator costs.
#[derive(Clone, Copy, PartialEq)]
enum Cost {
    Nothing,
    First,
    Second,
    Result,
}

/// Takes the size of its argument, and a number, off the budget; gives the argument.
pub(super) const METER: &str = "@meter";
/// Takes a number off the budget; says whether there is any left.
pub(super) const ALIVE: &str = "@alive";
/// What a loop goes through: a list as it is, a map by its keys in order.
pub(super) const RANGE: &str = "@range";
/// Ours for `replace`, `join` and `matches`.
pub(super) const REPLACE: &str = "@replace";
pub(super) const JOIN: &str = "@join";
pub(super) const MATCHES: &str = "@matches";

/// Regular expressions by their text.
pub type Patterns = BTreeMap<String, Regex>;

/// An expression that may run.
#[derive(Clone, Debug)]
pub struct Expression {
    source: String,
    pub(super) tree: IdedExpr,
}

impl Expression {
    /// Parses and checks an expression. The regular expressions in it are added to `patterns`.
    ///
    /// # Errors
    /// What is wrong with it, and what to do.
    pub fn compile(source: &str, patterns: &mut Patterns) -> Result<Self, String> {
        if source.len() > MAX_LENGTH {
            return Err(format!("longer than {MAX_LENGTH} bytes: split it up"));
        }
        if nesting(source) > MAX_BRACKETS {
            return Err(format!(
                "more than {MAX_BRACKETS} brackets within each other: simplify it"
            ));
        }
        let depth = u16::try_from(MAX_DEPTH).unwrap_or(u16::MAX);
        let parser = cel::parser::Parser::new().max_recursion_depth(depth);
        let tree = parser.parse(&respelled(source)).map_err(|errors| {
            let first = errors.errors.first().map(|error| error.msg.as_str());
            let message = first.unwrap_or("cannot be parsed").replace('\n', " ");
            format!("not an expression: {message}")
        })?;
        let mut checker = Checker {
            patterns,
            bound: Vec::new(),
            loops: 0,
        };
        let tree = checker.expr(tree, 0)?;
        Ok(Self {
            source: source.to_owned(),
            tree,
        })
    }

    /// The expression as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What is wrong with the fields that it names, by what is known of the roots.
    pub fn misnamed(&self, roots: &Shapes<'_>) -> BTreeSet<String> {
        fields::misnamed(&self.tree.expr, roots)
    }
}

struct Checker<'a> {
    patterns: &'a mut Patterns,
    /// Variables of the loops around.
    bound: Vec<String>,
    loops: usize,
}

impl Checker<'_> {
    /// The expression as it may run.
    fn expr(&mut self, node: IdedExpr, depth: usize) -> Result<IdedExpr, String> {
        if depth > MAX_DEPTH {
            return Err(format!(
                "more than {MAX_DEPTH} operations within each other: simplify it"
            ));
        }
        let next = depth + 1;
        let id = node.id;
        let expr = match node.expr {
            Expr::Unspecified | Expr::Struct(_) => {
                return Err(
                    "objects with a type cannot be made here: write a map, {'a': 1}".into(),
                );
            }
            Expr::Literal(LiteralValue::Bytes(_)) => {
                return Err("bytes cannot be put into an object: write a string".into());
            }
            Expr::Literal(literal) => Expr::Literal(literal),
            Expr::Ident(name) => {
                let is_root = name == NAMESPACE || ROOTS.contains(&name.as_str());
                if !is_root && !self.bound.contains(&name) {
                    return Err(format!(
                        "there is no {name}: begin with one of {}",
                        ROOTS.join(", ")
                    ));
                }
                Expr::Ident(name)
            }
            Expr::Select(mut select) => {
                select.operand = Box::new(self.expr(*select.operand, next)?);
                Expr::Select(select)
            }
            Expr::List(mut list) => {
                let elements = std::mem::take(&mut list.elements);
                for element in elements {
                    list.elements.push(metered(self.expr(element, next)?, 1));
                }
                Expr::List(list)
            }
            Expr::Map(mut map) => {
                for entry in &mut map.entries {
                    let EntryExpr::MapEntry(entry) = &mut entry.expr else {
                        return Err("a map is written {'a': 1}".into());
                    };
                    entry.key = self.expr(std::mem::take(&mut entry.key), next)?;
                    let value = self.expr(std::mem::take(&mut entry.value), next)?;
                    entry.value = metered(value, 1);
                }
                Expr::Map(map)
            }
            Expr::Call(call) => return self.call(id, call, next),
            Expr::Comprehension(comprehension) => {
                let mut it = *comprehension;
                if self.loops == MAX_LOOPS {
                    return Err(format!(
                        "more than {MAX_LOOPS} loops within each other: simplify it"
                    ));
                }
                let range = self.expr(it.iter_range, next)?;
                it.iter_range = call(RANGE, vec![range]);
                // What the parser made of a macro; only the loop's own parts are the writer's.
                let outer = self.bound.len();
                let named = [
                    Some(it.iter_var.clone()),
                    it.iter_var2.clone(),
                    Some(it.accu_var.clone()),
                ];
                self.bound.extend(named.into_iter().flatten());
                self.loops += 1;
                let turn = 8 * size(&it.loop_step.expr);
                let appends = matches!(&it.accu_init.expr, Expr::List(_));
                it.loop_step = self.expr(it.loop_step, next)?;
                it.loop_cond = self.expr(it.loop_cond, next)?;
                if appends {
                    // The library adds to such a list in place, if the step keeps its form.
                    it.loop_step = charge_step(it.loop_step, turn);
                } else {
                    let alive = call(ALIVE, vec![number(turn)]);
                    it.loop_cond = call(op::LOGICAL_AND, vec![alive, it.loop_cond]);
                }
                self.loops -= 1;
                self.bound.truncate(outer);
                // Only the accumulator is in sight of the result.
                self.bound.push(it.accu_var.clone());
                it.result = self.expr(it.result, next)?;
                self.bound.truncate(outer);
                Expr::Comprehension(Box::new(it))
            }
        };
        Ok(IdedExpr { id, expr })
    }

    fn call(&mut self, id: u64, written: CallExpr, next: usize) -> Result<IdedExpr, String> {
        let name = written.func_name;
        let mut args = Vec::with_capacity(written.args.len());
        for arg in written.args {
            args.push(self.expr(arg, next)?);
        }
        let operator = OPERATORS.iter().find(|(operator, _)| *operator == name);
        if let (Some((_, cost)), None) = (operator, &written.target) {
            let position = match cost {
                Cost::First => Some(0),
                Cost::Second => Some(1),
                Cost::Nothing | Cost::Result => None,
            };
            if let Some(operand) = position.and_then(|position| args.get_mut(position)) {
                *operand = metered(std::mem::take(operand), 1);
            }
            let whole = with_id(id, &name, None, args);
            // The step of a loop must keep its form; it is charged by its turn.
            let step = matches!(&whole.expr, Expr::Call(CallExpr { args, .. })
                if matches!(args.first().map(|arg| &arg.expr), Some(Expr::Ident(it)) if it.starts_with('@')));
            return Ok(if *cost == Cost::Result && !step {
                metered(whole, 1)
            } else {
                whole
            });
        }
        let member = written.target.is_some();
        let takes = args.len();
        let known = |(function, on, least, most): &(&str, bool, usize, usize)| {
            *function == name && *on == member && (*least..=*most).contains(&takes)
        };
        if !FUNCTIONS.iter().any(known) {
            return Err(no_such_function(&name, member, takes));
        }
        let target = match written.target {
            Some(target) => Some(metered(self.expr(*target, next)?, 1)),
            None => None,
        };
        if name == "matches" {
            self.pattern(args.first())?;
        }
        let mut args: Vec<_> = args.into_iter().map(|arg| metered(arg, 1)).collect();
        let ours = match name.as_str() {
            "replace" => REPLACE,
            "join" => JOIN,
            "matches" => MATCHES,
            _ => return Ok(with_id(id, &name, target, args)),
        };
        args.splice(0..0, target);
        Ok(with_id(id, ours, None, args))
    }

    fn pattern(&mut self, argument: Option<&IdedExpr>) -> Result<(), String> {
        let Some(Expr::Literal(LiteralValue::String(text))) = argument.map(|it| &it.expr) else {
            return Err("matches takes a pattern that is written out: matches('^[a-z]+$')".into());
        };
        let text = text.inner();
        let regex = bounded_regex(text).map_err(|error| format!("the pattern {text}: {error}"))?;
        self.patterns.insert(text.to_owned(), regex);
        Ok(())
    }
}

/// A regular expression of bounded size; matching it takes time in proportion to the text.
pub(super) fn bounded_regex(text: &str) -> Result<Regex, String> {
    let builder = RegexBuilder::new(text).size_limit(MAX_PATTERN).build();
    builder.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => {
            "too large: count less often, or use [a-z] for \\w".to_owned()
        }
        _ => "not a regular expression (RE2 syntax, without look-around and back-references)"
            .to_owned(),
    })
}

fn no_such_function(name: &str, member: bool, takes: usize) -> String {
    let mut forms: Vec<&str> = FUNCTIONS.iter().map(|(function, ..)| *function).collect();
    forms.dedup();
    let written = if member { "x." } else { "" };
    let alike = if forms.contains(&name) {
        ", or not in this form"
    } else {
        ""
    };
    format!(
        "there is no function {written}{name} with {takes} arguments{alike}: there are {}, and has, all, exists, exists_one, map, filter",
        forms.join(", ")
    )
}
