use config::EntryId;
use config::spec::{CallerCredentials, Credential};

use crate::kit::{Process, model, provider};

fn started(env: &[(&str, &str)]) -> Process {
    let mut process = Process::with_env(env);
    process.load(&[]).unwrap();
    process
}

#[test]
fn without_configuration_the_built_in_providers_are_there() {
    let process = started(&[]);
    assert_eq!(process.findings(), Vec::<String>::new());
    let names: Vec<_> = process.snapshot().entries.keys().map(EntryId::as_str).skip(1).collect();
    let expected = [
        "anthropic",
        "baseten",
        "cohere",
        "deepseek",
        "gemini",
        "groq",
        "llamacpp",
        "mistral",
        "ollama",
        "openai",
        "openrouter",
        "togetherai",
        "vllm",
        "xai",
    ];
    assert_eq!(names, expected.map(|name| format!("provider/default/{name}")));
    let openai = process.provider("openai").unwrap();
    assert_eq!(openai.caller_credentials, CallerCredentials::Allow);
    assert_eq!(openai.credential, Credential::None);
    assert!(process.provider("gemini").unwrap().direct_names.contains("google"));
    assert!(process.provider("anthropic").unwrap().direct_names.contains("claude"));
}

#[test]
fn keys_come_from_the_environment() {
    let process =
        started(&[("TOGETHER_API_KEY", "sk-t"), ("OPENAI_API_KEY", ""), ("GROQ_API_KEY", "sk-g\n")]);
    let key = |name: &str| match &process.provider(name).unwrap().credential {
        Credential::Key { secret, .. } => Some(process.snapshot().secrets[secret].expose()),
        Credential::None | Credential::Missing => None,
    };
    assert_eq!((key("togetherai"), key("groq"), key("openai")), (Some("sk-t"), Some("sk-g"), None));
}

#[test]
fn only_a_base_url_from_the_environment_opens_the_way_for_unknown_models() {
    assert_eq!(started(&[]).snapshot().fallback_provider, None);
    let process = started(&[("OPENAI_BASE_URL", "http://10.0.0.5:8000/v1/"), ("OPENAI_API_KEY", "sk-1")]);
    assert_eq!(process.findings(), Vec::<String>::new());
    assert_eq!(process.snapshot().fallback_provider, Some(EntryId::provider("default", "openai")));
    let openai = process.provider("openai").unwrap();
    assert_eq!(openai.base_url, "http://10.0.0.5:8000/v1");
    assert!(openai.allow_private_endpoint && openai.allow_plaintext_credentials);
}

#[test]
fn a_bad_base_url_from_the_environment_is_reported_and_opens_nothing() {
    let process = started(&[("OPENAI_BASE_URL", "localhost:8000")]);
    let expected = "built-in:0: ModelProvider default/openai: spec.baseURL: baseURL must be an http(s) URL without user info or query";
    assert_eq!(process.findings(), [expected]);
    assert_eq!(process.snapshot().fallback_provider, None);
}

#[test]
fn one_provider_of_the_user_replaces_the_table() {
    let mut process =
        Process::with_env(&[("OPENAI_BASE_URL", "https://x.example.com"), ("OPENAI_API_KEY", "sk-1")]);
    process.apply(&provider("p", ""));
    assert_eq!(process.snapshot().entries.len(), 2);
    assert_eq!(process.snapshot().fallback_provider, None);
    process.apply(&provider("p", "retryBudgetPercent: 101"));
    assert!(process.provider("openai").is_none());
}

#[test]
fn models_may_refer_to_the_table() {
    let process = Process::of(&model("m", "openai", ""));
    assert_eq!(process.model("m").unwrap().targets.len(), 1);
}
