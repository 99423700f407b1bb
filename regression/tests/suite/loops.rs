//! The agent loop, seen from outside.

use regression::fakes::model::{Say, Usage};
use serde_json::{Value, json};

use super::events::lawful;
use super::stage::{Stage, last, text, weather};

fn thinking() -> Value {
    json!({"model": "demo", "input": "Please think first", "tools": [{"type": "think"}]})
}

#[tokio::test]
async fn think_is_run_by_the_server_and_usage_is_the_sum() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let usage = Usage::Exact { input: 10, output: 2 };
    for streamed in [false, true] {
        stage.model.reset();
        stage.script(Say::call("c1", "think", &json!({"thought": "Is it so?"})).usage(usage));
        stage.script(Say::text(&["It is."]).usage(usage));
        let response = if streamed {
            let events = stage.stream(&thinking()).await?;
            lawful(&events)?;
            last(&events)
        } else {
            stage.respond(&thinking()).await?.json()
        };
        assert_eq!(text(&response), "It is.");
        assert_eq!(response["output"][0]["type"], "reasoning", "{response}");
        assert_eq!(response["output"][0]["content"][0]["text"], "Is it so?");
        assert_eq!(
            (&response["usage"]["input_tokens"], &response["usage"]["total_tokens"]),
            (&json!(20), &json!(24))
        );
        assert_eq!(stage.model.requests().len(), 2);
    }
    Ok(())
}

#[tokio::test]
async fn the_result_of_a_server_call_is_next_to_the_call() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    stage.script(Say::call("c1", "think", &json!({"thought": "Hm"}))).script(Say::text(&["Done"]));
    stage.respond(&thinking()).await?;
    let messages = stage.model.requests()[1].json()["messages"].clone();
    let call = &messages[1]["tool_calls"][0]["id"];
    assert_eq!(
        (messages[1]["role"].as_str(), messages[2]["role"].as_str()),
        (Some("assistant"), Some("tool"))
    );
    assert_eq!(call, &messages[2]["tool_call_id"]);
    Ok(())
}

#[tokio::test]
async fn the_model_sees_a_tool_under_its_alias_and_the_client_its_real_type() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let mut body = thinking();
    body["tools"] = json!([{"type": "think", "alias": "ponder", "alias_description": "Think hard."}]);
    stage.script(Say::call("c1", "ponder", &json!({"thought": "Hm"}))).script(Say::text(&["Done"]));
    let response = stage.respond(&body).await?.json();
    assert_eq!(stage.model.requests()[0].json()["tools"][0]["function"]["name"], "ponder");
    assert_eq!(response["tools"][0]["type"], "think");
    assert_eq!(text(&response), "Done");
    Ok(())
}

#[tokio::test]
async fn a_client_call_beside_a_server_call_ends_the_turn_with_the_server_call_done() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let mut body = thinking();
    body["tools"] = json!([{"type": "think"}, weather()]);
    for streamed in [false, true] {
        stage.model.reset();
        let say = Say::call("c1", "think", &json!({"thought": "Hm"}));
        stage.script(say.and_call("c2", "get_weather", &json!({"city": "Rome"})));
        let response =
            if streamed { last(&stage.stream(&body).await?) } else { stage.respond(&body).await?.json() };
        assert_eq!(response["status"], "completed");
        let kinds: Vec<&str> =
            response["output"].as_array().unwrap().iter().filter_map(|i| i["type"].as_str()).collect();
        assert_eq!(kinds, ["reasoning", "function_call"]);
        assert_eq!(stage.model.requests().len(), 1);
        let output = json!({"type": "function_call_output", "call_id": response["output"][1]["call_id"], "output": "sun"});
        let next = json!({"model": "demo", "input": [output], "previous_response_id": response["id"], "tools": body["tools"]});
        stage.script(Say::text(&["Sunny"]));
        assert_eq!(text(&stage.respond(&next).await?.json()), "Sunny");
        let messages = stage.model.requests()[1].json()["messages"].clone();
        let calls = messages[1]["tool_calls"].as_array().map(Vec::len);
        assert_eq!((calls, messages[2]["role"].as_str()), (Some(1), Some("tool")), "{messages}");
    }
    Ok(())
}

#[tokio::test]
async fn a_forced_choice_holds_for_the_first_generation_only() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let mut body = thinking();
    body["tools"] = json!([{"type": "think"}, weather()]);
    body["tool_choice"] = json!("required");
    stage.script(Say::call("c1", "think", &json!({"thought": "Hm"}))).script(Say::text(&["Done"]));
    stage.respond(&body).await?;
    let requests = stage.model.requests();
    assert_eq!(requests[0].json()["tool_choice"], "required");
    let later = requests[1].json();
    assert!(later.get("tool_choice").is_none_or(|choice| choice == "auto"), "{later}");
    Ok(())
}

#[tokio::test]
async fn no_call_reaches_the_client_when_the_choice_is_none() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let body = json!({"model": "demo", "input": "Hello", "tools": [weather()], "tool_choice": "none"});
    stage.script(Say::text(&["Well"]).and_call("c1", "get_weather", &json!({})));
    let response = stage.respond(&body).await?.json();
    let items = response["output"].as_array().cloned().unwrap_or_default();
    assert!(items.iter().all(|item| item["type"] != "function_call"), "{response}");
    Ok(())
}

#[tokio::test]
async fn a_model_that_never_stops_calling_is_stopped() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    for round in 0..200 {
        stage.script(Say::call("c", "think", &json!({"thought": format!("Thought {round}")})));
    }
    let response = stage.respond(&thinking()).await?.json();
    assert_eq!(response["status"], "incomplete", "{response}");
    assert_eq!(response["incomplete_details"]["reason"], "max_messages");
    assert!(stage.model.requests().len() <= 65, "{} generations", stage.model.requests().len());
    Ok(())
}

#[tokio::test]
async fn a_function_round_trip_by_previous_response_id() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let body = json!({"model": "demo", "input": "How is the weather in Paris?", "tools": [weather()]});
    let first = stage.respond(&body).await?.json();
    let call = &first["output"][0];
    assert_eq!(
        (call["type"].as_str(), call["arguments"].as_str()),
        (Some("function_call"), Some(r#"{"city":"Paris"}"#))
    );
    let output = json!({"type": "function_call_output", "call_id": call["call_id"], "output": "22 degrees"});
    let next = json!({"model": "demo", "input": [output], "previous_response_id": first["id"], "tools": [weather()]});
    assert_eq!(text(&stage.respond(&next).await?.json()), "The tool answered: 22 degrees");
    Ok(())
}

#[tokio::test]
async fn a_call_without_its_output_is_refused_before_the_model_is_asked() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let body = json!({"model": "demo", "input": "How is the weather in Paris?", "tools": [weather()]});
    let first = stage.respond(&body).await?.json();
    let next =
        json!({"model": "demo", "input": "Well?", "previous_response_id": first["id"], "tools": [weather()]});
    let refused = stage.respond(&next).await?;
    let message = refused.json()["error"]["message"].as_str().unwrap_or_default().to_owned();
    assert_eq!(refused.status, 400, "{}", refused.text());
    assert!(message.starts_with("No tool output found for function call call_"), "{message}");
    assert_eq!(stage.model.requests().len(), 1);
    Ok(())
}
