//! What an expression is asked about.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;

use cel::{Context, Value};
use serde_json::Value as Json;

use super::cost::LIMIT;

/// What expressions are asked about: the values of their variables. All that are asked share one budget.
pub struct Facts {
    context: Context<'static>,
    size: Size,
    left: Cell<u64>,
}

/// How much there is to look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Size {
    /// Values, members of lists and maps included.
    pub(super) values: u64,
    /// Bytes of texts, keys included.
    pub(super) bytes: u64,
}

impl Facts {
    /// Gathers the values of variables.
    pub fn new<'a>(variables: impl IntoIterator<Item = (&'a str, &'a Json)>) -> Self {
        let (mut context, mut size) = (Context::default(), Size::default());
        for (name, value) in variables {
            context.add_variable_from_value(name, size.converted(value));
        }
        Self { context, size, left: Cell::new(LIMIT) }
    }

    pub(super) fn context(&self) -> &Context<'static> {
        &self.context
    }

    pub(super) fn size(&self) -> Size {
        self.size
    }

    /// Takes a cost from the budget; false if there is not so much left.
    pub(super) fn spend(&self, cost: u64) -> bool {
        let left = self.left.get().checked_sub(cost);
        self.left.set(left.unwrap_or_default());
        left.is_some()
    }
}

impl Size {
    /// Converts a value, and counts it. Whole numbers are `int`, so that they equal the literals of expressions.
    fn converted(&mut self, value: &Json) -> Value {
        self.values += 1;
        match value {
            Json::Null => Value::Null,
            Json::Bool(truth) => Value::Bool(*truth),
            Json::Number(number) => {
                let whole = number.as_i64().map(Value::Int).or_else(|| number.as_u64().map(Value::UInt));
                whole.unwrap_or_else(|| Value::Float(number.as_f64().unwrap_or_default()))
            }
            Json::String(text) => Value::String(Arc::new(self.text(text))),
            Json::Array(items) => {
                Value::List(Arc::new(items.iter().map(|item| self.converted(item)).collect()))
            }
            Json::Object(members) => {
                let members = members.iter().map(|(name, member)| (self.text(name), self.converted(member)));
                Value::from(members.collect::<HashMap<_, _>>())
            }
        }
    }

    fn text(&mut self, text: &str) -> String {
        self.bytes += u64::try_from(text.len()).unwrap_or(u64::MAX);
        text.to_owned()
    }
}
