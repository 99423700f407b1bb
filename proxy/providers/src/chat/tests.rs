use agent::model::{ModelChoice, ModelEvent, ModelRequest, Sampling};
use protocol::responses::response::{TextConfig, TextFormat};
use serde_json::{Value, json};

use super::ChatCompletions;
use crate::dialect::Dialect;
use crate::profile::Profile;
use crate::support::{self, request};

mod laws;
mod quirks;
mod requests;

fn dialect() -> ChatCompletions {
    ChatCompletions::new(Profile::default())
}

macro_rules! golden {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            let bytes = include_bytes!(concat!("tests/golden/", stringify!($name), ".sse"));
            insta::assert_snapshot!(support::shown(&support::read(&dialect(), [&bytes[..]])));
            support::cuts_change_nothing(&dialect(), bytes);
        }
    )*};
}

golden! {
    openai_text openai_calls azure_text deepseek_reasoning groq_calls mistral_thinking vllm_calls ollama_calls
    llamacpp_text openrouter_error
}

fn encoded(name: &str, request: &ModelRequest) -> Value {
    let base_url = "http://localhost/v1";
    let body = ChatCompletions::new(Profile::of(name, base_url)).encode(request).unwrap();
    serde_json::from_slice(&body).unwrap()
}

fn refused(name: &str, request: &ModelRequest) -> String {
    ChatCompletions::new(Profile::of(name, "http://localhost/v1")).encode(request).unwrap_err().to_string()
}

fn event_count(events: &[ModelEvent], test: fn(&ModelEvent) -> bool) -> usize {
    events.iter().filter(|event| test(event)).count()
}

fn schema() -> TextConfig {
    let (name, schema) = ("out".to_owned(), json!({"type": "object"}));
    let format = TextFormat::JsonSchema { name, description: None, schema, strict: true };
    TextConfig { format, ..TextConfig::default() }
}

fn sampled() -> ModelRequest {
    let sampling = Sampling {
        temperature: Some(0.5),
        top_p: Some(0.9),
        presence_penalty: Some(0.1),
        frequency_penalty: Some(-0.1),
        top_logprobs: None,
        max_output_tokens: Some(100),
        stop: vec!["END".to_owned()],
        seed: Some(7),
    };
    ModelRequest {
        sampling,
        tool_choice: ModelChoice::Required,
        parallel_tool_calls: Some(false),
        ..request()
    }
}
