//! How much an expression can cost at most, told before it runs.

use cel::IdedExpr;
use cel::common::ast::operators::ADD;
use cel::common::ast::{EntryExpr, Expr};

use super::facts::Size;

/// The most that all evaluations over the same facts may cost; what costs that takes some hundredths of a second.
pub(super) const LIMIT: u64 = 1_000_000;

/// The longest text that a sum may make, in bytes.
const LONGEST: u64 = 16 << 20;

/// What a regular expression costs beside the text: it is compiled each time.
const PATTERN: u64 = 20_000;

/// Returns an upper bound of the cost of an expression over values of a size. Each step may copy what it looks at, and a loop
/// goes at most over all there is, as often as its range names it.
pub(super) fn of(expression: &IdedExpr, size: Size) -> u64 {
    let step = 1 + size.values / 16 + size.bytes / 1024;
    Cost { step, values: size.values.max(1), bytes: size.bytes }.of(expression)
}

struct Cost {
    step: u64,
    values: u64,
    bytes: u64,
}

impl Cost {
    fn of(&self, expression: &IdedExpr) -> u64 {
        let inner = match &expression.expr {
            Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => 0,
            Expr::Call(call) => {
                let operands = call.target.iter().map(AsRef::as_ref).chain(&call.args);
                let own = match call.func_name.as_str() {
                    "matches" => PATTERN,
                    ADD => self.added(leaves(expression)),
                    _ => 0,
                };
                self.sum(operands).saturating_add(own)
            }
            Expr::List(list) => self.sum(&list.elements),
            Expr::Select(select) => self.of(&select.operand),
            Expr::Map(map) => self.entries(map.entries.iter().map(|entry| &entry.expr)),
            Expr::Struct(made) => self.entries(made.entries.iter().map(|entry| &entry.expr)),
            Expr::Comprehension(looped) => {
                let rounds = self.values.saturating_mul(leaves(&looped.iter_range));
                let round = self.sum([&looped.loop_cond, &looped.loop_step]).saturating_add(self.step);
                let around = self.sum([&looped.iter_range, &looped.accu_init, &looped.result]);
                around.saturating_add(rounds.saturating_mul(round))
            }
        };
        inner.saturating_add(self.step)
    }

    /// A sum may hold all there is as often as it has parts, and copies it.
    fn added(&self, parts: u64) -> u64 {
        if parts.saturating_mul(self.bytes) > LONGEST {
            return u64::MAX;
        }
        parts.saturating_mul(self.step)
    }

    fn sum<'a>(&self, parts: impl IntoIterator<Item = &'a IdedExpr>) -> u64 {
        parts.into_iter().fold(0, |sum, part| sum.saturating_add(self.of(part)))
    }

    fn entries<'a>(&self, entries: impl Iterator<Item = &'a EntryExpr>) -> u64 {
        entries.fold(0, |sum, entry| {
            let cost = match entry {
                EntryExpr::StructField(field) => self.of(&field.value),
                EntryExpr::MapEntry(entry) => self.sum([&entry.key, &entry.value]),
            };
            sum.saturating_add(cost)
        })
    }
}

/// Counts what a range is made of: so often it can hold everything.
fn leaves(expression: &IdedExpr) -> u64 {
    match &expression.expr {
        Expr::Call(call) => {
            let operands = call.target.iter().map(AsRef::as_ref).chain(&call.args);
            operands.map(leaves).sum::<u64>().max(1)
        }
        Expr::List(list) => list.elements.iter().map(leaves).sum::<u64>().max(1),
        Expr::Select(select) => leaves(&select.operand),
        Expr::Comprehension(looped) => leaves(&looped.iter_range),
        Expr::Map(map) => u64::try_from(map.entries.len()).unwrap_or(u64::MAX).max(1),
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) | Expr::Struct(_) => 1,
    }
}
