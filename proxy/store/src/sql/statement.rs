//! Statements whose text depends on which filters are given. Values are always parameters.

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::QueryAs;
use sqlx::{Any, AssertSqlSafe, FromRow};

/// A statement in the making; parameters are `$1`, `$2`, …, which both databases know.
#[derive(Default)]
pub(crate) struct Statement {
    sql: String,
    values: Vec<Value>,
}

/// A parameter.
pub(crate) enum Value {
    Text(String),
    Number(i64),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl Statement {
    /// Appends text of the program.
    pub(crate) fn text(&mut self, text: &'static str) -> &mut Self {
        self.sql.push_str(text);
        self
    }

    /// Appends a parameter.
    pub(crate) fn value(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        self.sql.push('$');
        self.sql.push_str(&self.values.len().to_string());
        self
    }

    /// The statement.
    pub(crate) fn finish<'q, Row>(self) -> QueryAs<'q, Any, Row, AnyArguments>
    where
        Row: for<'r> FromRow<'r, AnyRow>,
    {
        let query = sqlx::query_as(AssertSqlSafe(self.sql));
        self.values.into_iter().fold(query, |query, value| match value {
            Value::Text(text) => query.bind(text),
            Value::Number(number) => query.bind(number),
        })
    }
}
