//! CEL expressions over what is known of a call.

mod check;
mod cost;
mod facts;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use cel::{ExecutionError, Program, Value};
use thiserror::Error;

pub use facts::Facts;

/// The longest expression, in characters.
const LONGEST: usize = 1024;

/// How deep an expression may be nested, so that its evaluation stays within any stack.
const DEEPEST: usize = 24;

/// The stack for reading an expression of any form, in bytes. Only what is used of it takes memory.
const STACK_BYTES: usize = 256 * 1024 * 1024;

/// A variable that expressions may name, and its members where they are fixed.
pub type Variable = (&'static str, Option<&'static [&'static str]>);

/// What expressions about tool calls may name.
pub const OF_TOOL_CALLS: &[Variable] = &[
    ("args", None),
    ("tool", Some(&["name", "server", "type", "annotations"])),
    ("tenant", None),
    ("subject", Some(&["kind", "name", "claims"])),
    ("request", Some(&["headers"])),
    ("context", Some(&["untrusted"])),
];

/// A CEL expression that was checked: it names only what there is, and its cost can be told beforehand.
pub struct Expression {
    text: String,
    program: Program,
}

/// Why an expression has no answer. It never holds what the expression was asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Failure {
    /// It asks for a member that is not there.
    #[error("it asks for a member that is not there")]
    NoSuchKey,
    /// An operation does not go with the types that it found.
    #[error("an operation does not go with the types that it found")]
    Type,
    /// Its answer is neither true nor false.
    #[error("its answer is neither true nor false")]
    NotBoolean,
    /// What it is asked about is too large for it.
    #[error("what it is asked about is too large for it")]
    TooCostly,
    /// Anything else: a division by zero, an overflow.
    #[error("it cannot be evaluated")]
    Other,
}

impl Expression {
    /// Reads an expression that names nothing but `variables`.
    ///
    /// Errors: it is no CEL, or names what there is not, or could not be bounded; in words.
    pub fn parse(text: &str, variables: &[Variable]) -> Result<Self, String> {
        if text.chars().count() > LONGEST {
            return Err(format!("longer than {LONGEST} characters"));
        }
        let program = with_room(|| compile(text, variables))?;
        Ok(Self { text: text.to_owned(), program })
    }

    /// Returns the expression as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Tells whether the expression holds.
    ///
    /// Errors: it has no answer, or one that is neither true nor false, or would take too long, together with what these facts
    /// were asked before.
    pub fn holds(&self, facts: &Facts) -> Result<bool, Failure> {
        if !facts.spend(cost::of(self.program.expression(), facts.size())) {
            return Err(Failure::TooCostly);
        }
        // The interpreter is not ours: whatever it does, the answer is that there is none.
        let outcome = catch_unwind(AssertUnwindSafe(|| self.program.execute(facts.context())));
        match outcome.map_err(|_| Failure::Other)? {
            Ok(Value::Bool(holds)) => Ok(holds),
            Ok(_) => Err(Failure::NotBoolean),
            Err(error) => Err(failure(&error)),
        }
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Runs a computation on a stack of its own: the parser is recursive, and each level takes it many kilobytes.
fn with_room<T: Send>(compute: impl FnOnce() -> Result<T, String> + Send) -> Result<T, String> {
    let broken = || Err("not a CEL expression".to_owned());
    thread::scope(|scope| match thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, compute) {
        Ok(running) => running.join().unwrap_or_else(|_| broken()),
        Err(error) => Err(format!("cannot be read at the moment: {error}")),
    })
}

fn compile(text: &str, variables: &[Variable]) -> Result<Program, String> {
    if nesting(text) > DEEPEST {
        return Err(format!("nested more than {DEEPEST} deep"));
    }
    let program = Program::compile(text).map_err(|errors| {
        let first = errors.errors.first().map(|error| error.msg.clone());
        format!("not a CEL expression: {}", first.unwrap_or_default())
    })?;
    check::check(program.expression(), variables)?;
    Ok(program)
}

/// Counts how deep brackets are nested, those in texts included.
fn nesting(text: &str) -> usize {
    let step = |(now, most): (usize, usize), letter| match letter {
        '(' | '[' | '{' => (now + 1, most.max(now + 1)),
        ')' | ']' | '}' => (now.saturating_sub(1), most),
        _ => (now, most),
    };
    text.chars().fold((0, 0), step).1
}

/// Names the class of an error; its own words hold values.
fn failure(error: &ExecutionError) -> Failure {
    if matches!(error, ExecutionError::NoSuchKey(_) | ExecutionError::IndexOutOfBounds(_)) {
        return Failure::NoSuchKey;
    }
    let is_type = matches!(
        error,
        ExecutionError::NoSuchOverload
            | ExecutionError::UnexpectedType { .. }
            | ExecutionError::UnsupportedTargetType { .. }
            | ExecutionError::NotSupportedAsMethod { .. }
            | ExecutionError::ValuesNotComparable(..)
            | ExecutionError::UnsupportedUnaryOperator(..)
            | ExecutionError::UnsupportedBinaryOperator(..)
            | ExecutionError::UnsupportedMapIndex(_)
            | ExecutionError::UnsupportedListIndex(_)
            | ExecutionError::UnsupportedIndex(..)
            | ExecutionError::UnsupportedKeyType(_)
    );
    if is_type { Failure::Type } else { Failure::Other }
}
