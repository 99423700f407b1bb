//! Refuses expressions that could not be evaluated, or not within bounds.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, LiteralValue, SelectExpr, operators};

use super::{DEEPEST, Variable};
use crate::redaction;

/// Functions beside the operators.
const FUNCTIONS: [&str; 11] = [
    "contains",
    "double",
    "endsWith",
    "int",
    "matches",
    "max",
    "min",
    "size",
    "startsWith",
    "string",
    "uint",
];

const OPERATORS: [&str; 19] = [
    operators::ADD,
    operators::CONDITIONAL,
    operators::DIVIDE,
    operators::EQUALS,
    operators::GREATER,
    operators::GREATER_EQUALS,
    operators::IN,
    operators::INDEX,
    operators::LESS,
    operators::LESS_EQUALS,
    operators::LOGICAL_AND,
    operators::LOGICAL_NOT,
    operators::LOGICAL_OR,
    operators::MODULO,
    operators::MULTIPLY,
    operators::NEGATE,
    operators::NOT_EQUALS,
    operators::NOT_STRICTLY_FALSE,
    operators::SUBSTRACT,
];

/// Refuses an expression that names variables or functions that there are not, makes lists in loops, or matches patterns that
/// are not written down in it.
pub(super) fn check(expression: &IdedExpr, variables: &[Variable]) -> Result<(), String> {
    Check { variables, bound: Vec::new(), depth: 0 }.expression(expression)
}

struct Check<'a> {
    variables: &'a [Variable],
    /// Variables of the loops around.
    bound: Vec<&'a str>,
    depth: usize,
}

impl<'a> Check<'a> {
    fn expression(&mut self, expression: &'a IdedExpr) -> Result<(), String> {
        if self.depth > DEEPEST {
            return Err(format!("nested more than {DEEPEST} deep"));
        }
        self.depth += 1;
        let checked = self.parts(expression);
        self.depth -= 1;
        checked
    }

    fn parts(&mut self, expression: &'a IdedExpr) -> Result<(), String> {
        match &expression.expr {
            Expr::Literal(_) => Ok(()),
            Expr::Ident(name) => self.variable(name).map(drop),
            Expr::Select(select) => self.select(select),
            Expr::Call(call) => self.call(call),
            Expr::List(list) => self.all(&list.elements),
            Expr::Map(map) => map.entries.iter().try_for_each(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => self.all([&entry.key, &entry.value]),
                EntryExpr::StructField(field) => self.expression(&field.value),
            }),
            Expr::Comprehension(looped) => self.looped(looped),
            Expr::Struct(made) => Err(format!("unknown type `{}`", made.type_name)),
            Expr::Unspecified => Err("an empty expression".to_owned()),
        }
    }

    fn all(&mut self, expressions: impl IntoIterator<Item = &'a IdedExpr>) -> Result<(), String> {
        expressions.into_iter().try_for_each(|expression| self.expression(expression))
    }

    /// Finds the members of a variable, where they are fixed.
    fn variable(&self, name: &str) -> Result<Option<&'static [&'static str]>, String> {
        if self.bound.contains(&name) {
            return Ok(None);
        }
        let known = self.variables.iter().find(|(known, _)| *known == name);
        known.map(|(_, members)| *members).ok_or_else(|| format!("unknown variable `{name}`"))
    }

    fn select(&mut self, select: &'a SelectExpr) -> Result<(), String> {
        let Expr::Ident(name) = &select.operand.expr else { return self.expression(&select.operand) };
        let members = self.variable(name)?;
        if members.is_some_and(|members| !members.contains(&select.field.as_str())) {
            return Err(format!("unknown member `{name}.{}`", select.field));
        }
        Ok(())
    }

    fn call(&mut self, call: &'a CallExpr) -> Result<(), String> {
        let name = call.func_name.as_str();
        if !FUNCTIONS.contains(&name) && !OPERATORS.contains(&name) {
            return Err(format!("unknown function `{name}`"));
        }
        if name == "matches" {
            pattern(call)?;
        }
        self.all(call.target.iter().map(AsRef::as_ref).chain(&call.args))
    }

    fn looped(&mut self, looped: &'a ComprehensionExpr) -> Result<(), String> {
        if makes_list(looped, &looped.loop_step) {
            return Err("map() is not available: use all(), exists() or filter()".to_owned());
        }
        self.all([&looped.iter_range, &looped.accu_init])?;
        let depth = self.bound.len();
        self.bound.extend(looped.iter_var2.as_deref());
        self.bound.extend([looped.iter_var.as_str(), looped.accu_var.as_str()]);
        let inner = self.all([&looped.loop_cond, &looped.loop_step, &looped.result]);
        self.bound.truncate(depth);
        inner
    }
}

/// Tells whether a loop gathers anything but members of its range. What is gathered would grow with each loop around it.
fn makes_list(looped: &ComprehensionExpr, step: &IdedExpr) -> bool {
    let is =
        |expression: &IdedExpr, name: &str| matches!(&expression.expr, Expr::Ident(found) if found == name);
    let Expr::Call(call) = &step.expr else { return false };
    match (call.func_name.as_str(), call.args.as_slice()) {
        (operators::CONDITIONAL, [_, one, other]) => makes_list(looped, one) || makes_list(looped, other),
        (operators::ADD, [gathered, more]) if is(gathered, &looped.accu_var) => {
            if let Expr::List(list) = &more.expr {
                return list.elements.iter().any(|element| !is(element, &looped.iter_var));
            }
            !matches!(more.expr, Expr::Literal(_))
        }
        _ => false,
    }
}

/// Checks the pattern of `matches`, which has to stand there.
fn pattern(call: &CallExpr) -> Result<(), String> {
    let written = |last: &IdedExpr| {
        let Expr::Literal(LiteralValue::String(text)) = &last.expr else { return None };
        Some(text.inner().to_owned())
    };
    let text = call.args.last().and_then(written);
    let text =
        text.ok_or_else(|| "the pattern of matches() must be written down in the expression".to_owned())?;
    redaction::compile(&text).map(drop)
}
