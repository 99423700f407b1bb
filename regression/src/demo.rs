//! The demo model: no language model, only fixed rules, so that everything around a model can be tried without one.
//!
//! The first rule that fits is taken:
//! 1. after a tool's answer: says what the tool answered (after `think`, answers the user);
//! 2. a forced `tool_choice`: calls that function;
//! 3. a function whose name begins with `file_search`: calls it with the user's words;
//! 4. `think` is offered and the user says "think": calls it;
//! 5. the user's text names a function, or a word of its name: calls it with arguments made from its schema;
//! 6. a JSON schema is asked for: an object of that form;
//! 7. else says what it is and what the user said, now and before.

mod example;
mod prompt;

use serde_json::Value;

use crate::fakes::model::Say;
use prompt::{Choice, Last, Prompt, Tool};

const GREETING: &str = "I am the demo model: no language model, only fixed rules.";

/// What the demo model says to the body of a request of Chat Completions or Responses.
///
/// Errors: a sentence for the client, where the body has no messages or no model.
pub fn answer(request: &Value) -> Result<Say, String> {
    let prompt = Prompt::read(request)?;
    Ok(say(&prompt))
}

fn say(prompt: &Prompt) -> Say {
    match &prompt.last {
        Last::Tool { name, text } if name != "think" => speak(&format!("The tool answered: {text}")),
        Last::Tool { .. } => speak(&chat(prompt)),
        Last::User => called(prompt).map_or_else(|| answered(prompt), |tool| call(prompt, tool)),
    }
}

/// The function that the rules choose.
fn called(prompt: &Prompt) -> Option<&Tool> {
    let named = |name: &str| prompt.tools.iter().find(|tool| tool.name == name);
    let wanted = || {
        let searches = prompt.tools.iter().find(|tool| tool.name.starts_with("file_search"));
        searches.or_else(|| prompt.tools.iter().find(|tool| tool.is_named_in(&prompt.text())))
    };
    match &prompt.choice {
        Choice::None => None,
        Choice::Auto => wanted(),
        Choice::Required => wanted().or_else(|| prompt.tools.first()),
        Choice::Function(name) => named(name),
    }
}

fn call(prompt: &Prompt, tool: &Tool) -> Say {
    let arguments = example::arguments(&tool.parameters, &prompt.text());
    let id = format!("call_demo{}", prompt.calls);
    let say = Say::default().and_call(&id, &tool.name, &arguments);
    if prompt.wants_reasoning { say.and_reasoning(&["The rules say: call a function."]) } else { say }
}

fn answered(prompt: &Prompt) -> Say {
    match &prompt.schema {
        Some(schema) => speak(&example::value(schema, &prompt.text()).to_string()),
        None => speak(&chat(prompt)),
    }
}

fn chat(prompt: &Prompt) -> String {
    let text = prompt.text();
    match prompt.before() {
        Some(before) => format!("{GREETING} You said: {text} Before that: {before}"),
        None => format!("{GREETING} You said: {text}"),
    }
}

/// Text in chunks of a word each.
fn speak(text: &str) -> Say {
    let words: Vec<&str> = text.split_inclusive(' ').collect();
    Say::text(&words)
}

#[cfg(test)]
mod tests;
