//! Whether the fields that an expression names can be there, as far as that is known before there is a customer: below the
//! roots, and below what loops go through. What is made by operators and functions is not looked into.

use std::collections::BTreeSet;

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, LiteralValue, operators as op};

use super::expression::{METER, RANGE};
use super::parameters::{Below, Schema};
use super::roots::Shapes;
use super::source::NAMESPACE;
use super::tree::children;

/// Most names that a message lists.
const MAX_LISTED: usize = 24;

/// What is wrong with the fields that an expression names.
pub(super) fn misnamed(expr: &Expr, roots: &Shapes<'_>) -> BTreeSet<String> {
    let mut walk = Walk {
        roots,
        bound: Vec::new(),
        wrong: BTreeSet::new(),
    };
    walk.value(expr);
    walk.wrong
}

/// A value in an expression, as far as it is known.
#[derive(Clone)]
struct Known<'s> {
    schema: &'s Schema,
    /// As it is written, for messages.
    path: String,
    /// Whether it comes from the parameters, whose schema the offering has written itself.
    is_param: bool,
}

struct Walk<'s> {
    roots: &'s Shapes<'s>,
    /// Variables of the loops around, and what is known of each.
    bound: Vec<(String, Option<Known<'s>>)>,
    wrong: BTreeSet<String>,
}

impl<'s> Walk<'s> {
    fn value(&mut self, expr: &Expr) -> Option<Known<'s>> {
        match expr {
            Expr::Ident(name) => self.named(name),
            Expr::Select(select) => {
                let of = self.value(&select.operand.expr)?;
                self.field(&of, &select.field)
            }
            Expr::Call(call) => self.call(call, expr),
            Expr::Comprehension(it) => {
                self.repeated(it);
                None
            }
            other => {
                children(other, &mut |child| drop(self.value(child)));
                None
            }
        }
    }

    fn named(&self, name: &str) -> Option<Known<'s>> {
        let mut bound = self.bound.iter().rev();
        if let Some((_, known)) = bound.find(|(variable, _)| variable == name) {
            return known.clone();
        }
        let name = if name == NAMESPACE { "namespace" } else { name };
        let Below::Like(schema) = self.roots.of(name) else {
            return None;
        };
        Some(Known {
            schema,
            path: name.to_owned(),
            is_param: name == "params",
        })
    }

    fn call(&mut self, call: &CallExpr, expr: &Expr) -> Option<Known<'s>> {
        let args: Vec<&Expr> = call.args.iter().map(|arg| &arg.expr).collect();
        match (call.func_name.as_str(), args.as_slice()) {
            (METER | RANGE, [inner, ..]) => self.value(inner),
            (op::INDEX, [of, Expr::Literal(LiteralValue::String(name))]) => {
                let of = self.value(of)?;
                self.field(&of, name.inner())
            }
            (op::INDEX, [of, index]) => {
                self.value(index);
                let of = self.value(of)?;
                self.item(of)
            }
            (op::IN, [Expr::Literal(LiteralValue::String(name)), of]) => {
                // Of a list it asks for a value, not a name.
                if let Some(of) = self.value(of).filter(|of| of.schema.item().is_none()) {
                    self.field(&of, name.inner());
                }
                None
            }
            _ => {
                children(expr, &mut |child| drop(self.value(child)));
                None
            }
        }
    }

    fn repeated(&mut self, it: &ComprehensionExpr) {
        let range = self.value(&it.iter_range.expr);
        let item = range.and_then(|range| self.item(range)).map(|item| Known {
            path: it.iter_var.clone(),
            ..item
        });
        let outer = self.bound.len();
        let second = it.iter_var2.clone().map(|name| (name, None));
        let item = item.filter(|_| second.is_none());
        // All else in a loop is the parser's own.
        self.bound.push((it.iter_var.clone(), item));
        self.bound.extend(second);
        self.bound.push((it.accu_var.clone(), None));
        self.value(&it.loop_step.expr);
        self.bound.truncate(outer);
    }

    /// An item of a list, whichever. A map is indexed by names that are not known, and gone through by its keys.
    fn item(&self, of: Known<'s>) -> Option<Known<'s>> {
        let schema = of.schema.item()?;
        Some(Known {
            schema,
            path: format!("{}[…]", of.path),
            ..of
        })
    }

    fn field(&mut self, of: &Known<'s>, name: &str) -> Option<Known<'s>> {
        let path = format!("{}.{name}", of.path);
        match of.schema.below(name) {
            Below::Like(schema) => {
                return Some(Known {
                    schema,
                    path,
                    is_param: of.is_param,
                });
            }
            Below::Anything => {}
            Below::Nothing(what) => {
                let message = format!("there is no {path}: {} is {what}", of.path);
                self.wrong.insert(message);
            }
            Below::Unknown(known) => {
                let meant = nearest(name, &known)
                    .map(|meant| format!(" ({}.{meant}?)", of.path))
                    .unwrap_or_default();
                let there = listed(&known);
                self.wrong.insert(if of.is_param {
                    format!("{path} is not in parameters.schema{meant}: add it there, or correct the name; there {there}")
                } else {
                    format!("there is no {path}{meant}: there {there}")
                });
            }
        }
        None
    }
}

/// The name that was probably meant.
fn nearest<'n>(name: &str, known: &[&'n str]) -> Option<&'n str> {
    let known = known
        .iter()
        .map(|known| (strsim::osa_distance(name, known), *known));
    let (distance, nearest) = known.min()?;
    (distance <= (name.len() / 3).max(1)).then_some(nearest)
}

fn listed(known: &[&str]) -> String {
    let more = known.len().saturating_sub(MAX_LISTED);
    match known {
        [] => "are none".to_owned(),
        [one] => format!("is {one}"),
        all if more > 0 => format!("are {}, and {more} more", all[..MAX_LISTED].join(", ")),
        all => format!("are {}", all.join(", ")),
    }
}
