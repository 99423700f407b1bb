//! What an upstream understands of Chat Completions, by its host or name.
//!
//! Sampling parameters and hints that an upstream would refuse are left out; what carries meaning is never.

/// What an upstream understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// `developer` messages, and instructions anywhere; else they are merged into one `system` message in front.
    pub developer: bool,
    /// The name of the bound on the output.
    pub max_tokens: MaxTokens,
    /// `stream_options.include_usage`.
    pub stream_options: bool,
    /// `parallel_tool_calls`.
    pub parallel_tool_calls: bool,
    /// `presence_penalty` and `frequency_penalty`.
    pub penalties: bool,
    /// The name of the seed.
    pub seed: Seed,
    /// `logprobs` and `top_logprobs`; else a request for them is refused.
    pub logprobs: bool,
    /// JSON of a schema; else a request for it is refused.
    pub json_schema: bool,
    /// `user` and `safety_identifier`.
    pub user: bool,
    /// `prompt_cache_key` and `prompt_cache_retention`.
    pub prompt_cache: bool,
    /// `service_tier`.
    pub service_tier: bool,
    /// The word for a choice of at least one call.
    pub required: &'static str,
    /// Where earlier reasoning is sent back.
    pub replay: Replay,
    /// Ids of calls are nine letters and digits.
    pub short_call_ids: bool,
    /// Models are named as OpenAI names them: `o3` and `gpt-5` take no sampling parameters.
    pub openai_names: bool,
}

/// The name of the bound on the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxTokens {
    /// `max_tokens`.
    MaxTokens,
    /// `max_completion_tokens`.
    MaxCompletionTokens,
}

/// The name of the seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seed {
    /// `seed`.
    Seed,
    /// `random_seed`.
    RandomSeed,
    /// Not known.
    Unknown,
}

/// Where earlier reasoning is sent back in an assistant message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replay {
    /// Nowhere.
    Never,
    /// `reasoning_content`, if there is any.
    ReasoningContent,
    /// `reasoning_content` beside every call, even if it is empty.
    ReasoningContentWithCalls,
    /// `reasoning`, if there is any.
    Reasoning,
}

/// What most servers understand.
const COMMON: Profile = Profile {
    developer: false,
    max_tokens: MaxTokens::MaxTokens,
    stream_options: true,
    parallel_tool_calls: true,
    penalties: true,
    seed: Seed::Seed,
    logprobs: true,
    json_schema: true,
    user: false,
    prompt_cache: false,
    service_tier: false,
    required: "required",
    replay: Replay::Never,
    short_call_ids: false,
    openai_names: false,
};

const OPENAI: Profile = Profile {
    developer: true,
    max_tokens: MaxTokens::MaxCompletionTokens,
    user: true,
    prompt_cache: true,
    service_tier: true,
    openai_names: true,
    ..COMMON
};

const GROQ: Profile = Profile {
    max_tokens: MaxTokens::MaxCompletionTokens,
    logprobs: false,
    user: true,
    service_tier: true,
    ..COMMON
};

const MISTRAL: Profile = Profile {
    stream_options: false,
    seed: Seed::RandomSeed,
    logprobs: false,
    required: "any",
    short_call_ids: true,
    ..COMMON
};

const DEEPSEEK: Profile = Profile {
    parallel_tool_calls: false,
    seed: Seed::Unknown,
    json_schema: false,
    replay: Replay::ReasoningContentWithCalls,
    ..COMMON
};

const GEMINI: Profile =
    Profile { parallel_tool_calls: false, seed: Seed::Unknown, penalties: false, logprobs: false, ..COMMON };

const OLLAMA: Profile = Profile { parallel_tool_calls: false, logprobs: false, ..COMMON };

const OPENROUTER: Profile = Profile { replay: Replay::Reasoning, user: true, ..COMMON };

const LOCAL: Profile = Profile { replay: Replay::ReasoningContent, ..COMMON };

/// By the end of the host's name.
const HOSTS: [(&str, Profile); 10] = [
    ("api.openai.com", OPENAI),
    (".openai.azure.com", OPENAI),
    (".services.ai.azure.com", OPENAI),
    ("api.groq.com", GROQ),
    ("api.mistral.ai", MISTRAL),
    ("api.deepseek.com", DEEPSEEK),
    ("generativelanguage.googleapis.com", GEMINI),
    ("openrouter.ai", OPENROUTER),
    ("api.together.xyz", COMMON),
    ("api.x.ai", COMMON),
];

const NAMES: [(&str, Profile); 11] = [
    ("openai", OPENAI),
    ("azure", OPENAI),
    ("groq", GROQ),
    ("mistral", MISTRAL),
    ("deepseek", DEEPSEEK),
    ("gemini", GEMINI),
    ("google", GEMINI),
    ("openrouter", OPENROUTER),
    ("ollama", OLLAMA),
    ("vllm", LOCAL),
    ("llamacpp", LOCAL),
];

impl Default for Profile {
    fn default() -> Self {
        COMMON
    }
}

impl Profile {
    /// The profile of a known host, else of a known provider name, else what most servers understand.
    pub fn of(name: &str, base_url: &str) -> Self {
        let host = host(base_url);
        let by_host = HOSTS.iter().find(|(suffix, _)| is_host(&host, suffix));
        let by_name = || NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        by_host.or_else(by_name).map_or(COMMON, |(_, profile)| *profile)
    }

    /// True if the model takes no sampling parameters.
    pub(crate) fn is_fixed(&self, model: &str) -> bool {
        let name = model.rsplit('/').next().unwrap_or(model);
        let is_o = name.strip_prefix('o').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        self.openai_names && (is_o || (name.starts_with("gpt-5") && !name.contains("chat")))
    }
}

fn host(base_url: &str) -> String {
    let rest = base_url.split_once("://").map_or(base_url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority
        .rsplit('@')
        .next()
        .unwrap_or_default()
        .split(':')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase()
}

fn is_host(host: &str, known: &str) -> bool {
    if known.starts_with('.') { host.ends_with(known) } else { host == known }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_says_more_than_the_name() {
        assert_eq!(Profile::of("openai", "https://api.groq.com/openai/v1"), GROQ);
        assert_eq!(Profile::of("mine", "https://eu.openai.azure.com/openai/v1"), OPENAI);
    }

    #[test]
    fn a_host_that_only_looks_alike_is_unknown() {
        assert_eq!(Profile::of("mine", "https://api.openai.com.evil.example/v1"), COMMON);
        assert_eq!(Profile::of("mine", "https://notapi.openai.com/v1"), COMMON);
    }

    #[test]
    fn the_name_decides_where_the_host_says_nothing() {
        assert_eq!(Profile::of("Ollama", "http://localhost:11434/v1"), OLLAMA);
        assert_eq!(Profile::of("mine", "http://localhost:8000/v1"), COMMON);
    }

    #[test]
    fn reasoning_models_of_openai_take_no_sampling() {
        assert!(OPENAI.is_fixed("o3-mini") && OPENAI.is_fixed("gpt-5.1") && OPENAI.is_fixed("openai/o1"));
        assert!(
            !OPENAI.is_fixed("gpt-4o") && !OPENAI.is_fixed("gpt-5-chat-latest") && !COMMON.is_fixed("o3")
        );
    }
}
