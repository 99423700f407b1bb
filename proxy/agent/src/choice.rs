//! Which tools a turn may or must call, by the names that the model sees.

use crate::model::ModelChoice;
use crate::names::Names;

/// The choice of a whole turn; [`ModelChoice`] is that of one generation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// As the model likes.
    #[default]
    Auto,
    /// No call at all.
    None,
    /// The turn begins with at least one call.
    Required,
    /// The turn begins with a call of one of these: a named function, a hosted tool, or the tools of an MCP server.
    Tool(Vec<Pick>),
    /// Nothing but these in the whole turn.
    Allowed {
        /// The set.
        names: Vec<Pick>,
        /// Whether the turn begins with at least one call.
        required: bool,
    },
}

/// One or several tools of a choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pick {
    /// By the name that the model sees.
    Name(String),
    /// Of an MCP server; known by name once the server was listed.
    Remote {
        /// The server.
        server_label: String,
        /// One tool by its own name, or all.
        tool: Option<String>,
    },
}

impl Choice {
    /// Replaces the tools of servers by their names.
    ///
    /// Errors: the pick of which nothing is on offer, if the turn must begin with it.
    pub(crate) fn resolve(&mut self, names: &Names) -> Result<(), Pick> {
        let (picks, binds) = match self {
            Self::Tool(picks) => (picks, true),
            Self::Allowed { names, .. } => (names, false),
            Self::Auto | Self::None | Self::Required => return Ok(()),
        };
        let first = picks.first().cloned();
        *picks = std::mem::take(picks).into_iter().flat_map(|pick| pick.resolved(names)).collect();
        match first {
            Some(pick) if binds && picks.is_empty() => Err(pick),
            _ => Ok(()),
        }
    }

    /// True if the turn begins with a call.
    pub(crate) fn forces(&self) -> bool {
        match self {
            Self::Required | Self::Tool(_) => true,
            Self::Allowed { required, .. } => *required,
            Self::Auto | Self::None => false,
        }
    }

    /// What the model is told; a choice is forced until the model has obeyed it.
    pub(crate) fn of_generation(&self, forced: bool) -> ModelChoice {
        match self {
            Self::None => ModelChoice::None,
            Self::Tool(picks) if forced && picks.len() == 1 => picks[0].of_generation(),
            Self::Auto | Self::Required | Self::Tool(_) | Self::Allowed { .. } => {
                if forced {
                    ModelChoice::Required
                } else {
                    ModelChoice::Auto
                }
            }
        }
    }

    /// True if a call of this name is within the choice.
    pub(crate) fn permits(&self, name: &str, forced: bool) -> bool {
        match self {
            Self::Auto | Self::Required => true,
            Self::None => false,
            Self::Tool(picks) => !forced || picks.iter().any(|pick| pick.is(name)),
            Self::Allowed { names, .. } => names.iter().any(|pick| pick.is(name)),
        }
    }
}

impl Pick {
    fn resolved(self, names: &Names) -> Vec<Self> {
        match self {
            Self::Name(_) => vec![self],
            Self::Remote { server_label, tool } => {
                names.of(&server_label, tool.as_deref()).into_iter().map(Self::Name).collect()
            }
        }
    }

    fn of_generation(&self) -> ModelChoice {
        match self {
            Self::Name(name) => ModelChoice::Tool(name.clone()),
            Self::Remote { .. } => ModelChoice::Required,
        }
    }

    fn is(&self, name: &str) -> bool {
        matches!(self, Self::Name(own) if own == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pick(name: &str) -> Pick {
        Pick::Name(name.to_owned())
    }

    fn remote(server: &str, tool: Option<&str>) -> Pick {
        Pick::Remote { server_label: server.to_owned(), tool: tool.map(str::to_owned) }
    }

    #[test]
    fn a_server_stands_for_the_names_of_its_tools() {
        let mut names = Names::default();
        let (read, write) = (names.add("docs", "read"), names.add("docs", "write"));
        let mut one = Choice::Tool(vec![remote("docs", Some("read"))]);
        assert_eq!(one.resolve(&names), Ok(()));
        assert_eq!(one.of_generation(true), ModelChoice::Tool(read.clone()));
        let mut all = Choice::Allowed { names: vec![pick("f"), remote("docs", None)], required: false };
        assert_eq!(all.resolve(&names), Ok(()));
        assert!(all.permits("f", false) && all.permits(&read, false) && all.permits(&write, false));
        let mut none = Choice::Tool(vec![remote("docs", Some("gone"))]);
        assert_eq!(none.resolve(&names), Err(remote("docs", Some("gone"))));
    }

    #[test]
    fn a_forced_choice_is_told_until_it_was_obeyed() {
        let tool = |names: &[&str]| Choice::Tool(names.iter().map(|name| pick(name)).collect());
        let allowed = Choice::Allowed { names: vec![pick("a")], required: true };
        assert_eq!(tool(&["a"]).of_generation(true), ModelChoice::Tool("a".to_owned()));
        assert_eq!(tool(&["a", "b"]).of_generation(true), ModelChoice::Required);
        assert_eq!(tool(&["a"]).of_generation(false), ModelChoice::Auto);
        assert_eq!(Choice::Required.of_generation(true), ModelChoice::Required);
        assert_eq!(allowed.of_generation(true), ModelChoice::Required);
        assert_eq!(allowed.of_generation(false), ModelChoice::Auto);
        assert_eq!(Choice::None.of_generation(false), ModelChoice::None);
    }

    #[test]
    fn a_named_tool_binds_only_while_it_is_forced() {
        let choice = Choice::Tool(vec![pick("a")]);
        assert!(choice.permits("a", true) && !choice.permits("b", true) && choice.permits("b", false));
        let allowed = Choice::Allowed { names: vec![pick("a")], required: true };
        assert!(allowed.permits("a", false) && !allowed.permits("b", false));
    }
}
