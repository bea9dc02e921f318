//! Looking at, and adding to, the tree of an expression.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, EntryExpr, Expr, LiteralValue, operators as op};

use super::expression::METER;

/// How many nodes a tree has.
pub(super) fn size(expr: &Expr) -> usize {
    let mut nodes = 1;
    children(expr, &mut |child| nodes += size(child));
    nodes
}

/// Shows the expressions directly below one.
pub(super) fn children<'e>(expr: &'e Expr, visit: &mut dyn FnMut(&'e Expr)) {
    match expr {
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => {}
        Expr::Select(select) => visit(&select.operand.expr),
        Expr::List(list) => list.elements.iter().for_each(|it| visit(&it.expr)),
        Expr::Call(call) => {
            let target = call.target.iter().map(|it| &it.expr);
            target
                .chain(call.args.iter().map(|it| &it.expr))
                .for_each(visit);
        }
        Expr::Comprehension(it) => {
            let parts = [
                &it.iter_range,
                &it.accu_init,
                &it.loop_cond,
                &it.loop_step,
                &it.result,
            ];
            parts.into_iter().for_each(|it| visit(&it.expr));
        }
        Expr::Map(map) => map
            .entries
            .iter()
            .for_each(|entry| entry_parts(&entry.expr, visit)),
        Expr::Struct(it) => it
            .entries
            .iter()
            .for_each(|entry| entry_parts(&entry.expr, visit)),
    }
}

pub(super) fn entry_parts<'e>(entry: &'e EntryExpr, visit: &mut dyn FnMut(&'e Expr)) {
    match entry {
        EntryExpr::StructField(field) => visit(&field.value.expr),
        EntryExpr::MapEntry(entry) => {
            visit(&entry.key.expr);
            visit(&entry.value.expr);
        }
    }
}

/// The step of a loop that builds a list, with a turn's cost put on what it appends and on its condition.
pub(super) fn charge_step(mut step: IdedExpr, turn: usize) -> IdedExpr {
    if let Expr::Call(call) = &mut step.expr {
        if call.func_name == op::CONDITIONAL && call.args.len() == 3 {
            call.args[0] = metered(std::mem::take(&mut call.args[0]), turn);
        } else if let Some(Expr::List(list)) = call.args.get_mut(1).map(|it| &mut it.expr) {
            let elements = std::mem::take(&mut list.elements);
            list.elements = elements.into_iter().map(|it| metered(it, turn)).collect();
        }
    }
    step
}

pub(super) fn metered(expr: IdedExpr, cost: usize) -> IdedExpr {
    if cost == 1 && matches!(expr.expr, Expr::Literal(_)) {
        return expr;
    }
    call(METER, vec![expr, number(cost)])
}

pub(super) fn number(number: usize) -> IdedExpr {
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    IdedExpr {
        id: 0,
        expr: Expr::Literal(LiteralValue::Int(number.into())),
    }
}

pub(super) fn call(name: &str, args: Vec<IdedExpr>) -> IdedExpr {
    with_id(0, name, None, args)
}

pub(super) fn with_id(
    id: u64,
    name: &str,
    target: Option<IdedExpr>,
    args: Vec<IdedExpr>,
) -> IdedExpr {
    let call = CallExpr {
        func_name: name.to_owned(),
        target: target.map(Box::new),
        args,
    };
    IdedExpr {
        id,
        expr: Expr::Call(call),
    }
}
