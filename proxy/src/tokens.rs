//! Token counts by OpenAI's tokenizers. Their tables are large, so they are made at the first use and off the workers.

use protocol::embeddings::Input;
use tiktoken_rs::{cl100k_base_singleton, o200k_base_singleton};
use tokio::task::spawn_blocking;

/// The tokens of texts for a chat model (`o200k_base`).
pub async fn of_texts(texts: Vec<String>) -> u64 {
    let count = move || texts.iter().map(|text| o200k_base_singleton().encode_ordinary(text).len()).sum();
    whole(spawn_blocking(count).await.unwrap_or_default())
}

/// The tokens of what is to be embedded (`cl100k_base`).
pub async fn count(input: Input) -> u64 {
    match input {
        Input::Tokens(lists) => whole(lists.iter().map(Vec::len).sum()),
        Input::Texts(texts) => {
            let count =
                move || texts.iter().map(|text| cl100k_base_singleton().encode_ordinary(text).len()).sum();
            whole(spawn_blocking(count).await.unwrap_or_default())
        }
    }
}

/// The texts of lists of tokens of `cl100k_base`; `None` if any is none of its tokens, or they are no text.
pub async fn texts(lists: Vec<Vec<u32>>) -> Option<Vec<String>> {
    let decode = move || lists.iter().map(|list| cl100k_base_singleton().decode(list).ok()).collect();
    spawn_blocking(decode).await.ok().flatten()
}

fn whole(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
